"""What stands in for a binding that a deployment has not got: each says so in its port's own way."""

from flux.catalog import Model
from flux.errors import InvalidConfiguration
from flux.picture import Picture
from flux.ports import Inputs, NotStored, ResizeFailed, RewriteFailed, Rewritten, StoredPicture
from flux.prices import NOTHING, Cost
from flux.sizes import Size
from flux.text import Blob


class NoModel:
    """`ImageModel` without Workers AI."""

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """Nothing can be drawn."""
        raise InvalidConfiguration("AI", "is not bound, and CF_ACCOUNT_ID with CF_API_TOKEN is not set either.")


class NoRewriter:
    """`PromptRewriter` without a text model."""

    name = ""

    def most(self, prompt: str) -> Cost:
        """Nothing is asked."""
        return NOTHING

    async def rewrite(self, prompt: str) -> Rewritten:
        """The original prompt will be drawn."""
        raise RewriteFailed("no text model", may_have_cost=False)


class NoResizer:
    """`Resizer` without the Images binding: pictures stay as they were drawn."""

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """The picture will be delivered as it is."""
        raise ResizeFailed("no IMAGES binding")

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """The picture will be used as it is, or refused as too large."""
        raise ResizeFailed("no IMAGES binding")


class NoPictureStore:
    """`PictureStore` without KV: pictures travel in the answers."""

    async def put(self, id: str, picture: Picture) -> None:
        """The picture will be part of the answer."""
        raise NotStored("no FLUX_CF_KV binding")

    async def get(self, name: str) -> StoredPicture | None:
        """Nothing is ever found."""
        return None

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """Nothing is ever found."""
        return None


class NoLimiter:
    """`Limiter` without the binding."""

    shortfall = ""

    async def allows(self, key: str, cost: int) -> bool:
        """Everything is allowed."""
        return True
