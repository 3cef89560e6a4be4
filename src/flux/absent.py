"""What stands in for a binding that a deployment has not got: each says so in its port's own way."""

from flux.catalog import Model
from flux.errors import InvalidConfiguration
from flux.picture import Picture
from flux.ports import CutFailed, Inputs, Kept, NotKept, WriterFailed
from flux.sizes import Size
from flux.text import Blob


class NoModel:
    """`ImageModel` without Workers AI."""

    async def draw(self, model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Picture:
        """Nothing can be drawn."""
        raise InvalidConfiguration("AI", "is not bound, and CF_ACCOUNT_ID with CF_API_TOKEN is not set either.")


class NoWriter:
    """`Writer` without a text model."""

    name = ""

    async def write(self, prompt: str) -> str:
        """The original prompt will be drawn."""
        raise WriterFailed("no text model")


class NoCutter:
    """`Cutter` without the Images binding: pictures stay as they were drawn."""

    async def cut(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """The picture will be delivered as it is."""
        raise CutFailed("no IMAGES binding")

    async def shrink(self, picture: Picture, side: int) -> Picture:
        """The picture will be refused as too large."""
        raise CutFailed("no IMAGES binding")


class NoGallery:
    """`Gallery` without KV: pictures travel in the answers."""

    async def keep(self, key: str, picture: Picture, expires: int) -> None:
        """The picture will be part of the answer."""
        raise NotKept("no FLUX_CF_KV binding")

    async def find(self, key: str) -> Kept | None:
        """Nothing is ever found."""
        return None


class NoLimiter:
    """`Limiter` without the binding."""

    async def allows(self, key: str, cost: int) -> bool:
        """Everything is allowed."""
        return True
