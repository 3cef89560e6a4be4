"""Stand-ins for bindings that a deployment does not have. Each reports that in the way of its port."""

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
        """Always raises: nothing can be drawn."""
        raise InvalidConfiguration("AI", "is not bound, and CF_ACCOUNT_ID with CF_API_TOKEN is not set either.")


class NoRewriter:
    """`PromptRewriter` without a text model."""

    name = ""

    def most(self, prompt: str) -> Cost:
        """Nothing: no model is called."""
        return NOTHING

    async def rewrite(self, prompt: str) -> Rewritten:
        """Always raises: the original prompt is drawn instead."""
        raise RewriteFailed("no text model", may_have_cost=False)


class NoResizer:
    """`Resizer` without the Images binding: pictures keep the size that the model drew."""

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """Always raises: the picture is delivered as it is."""
        raise ResizeFailed("no IMAGES binding")

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """Always raises: the picture is used as it is, or refused as too large."""
        raise ResizeFailed("no IMAGES binding")


class NoPictureStore:
    """`PictureStore` without KV: pictures are sent inside the answers."""

    async def put(self, id: str, picture: Picture) -> None:
        """Always raises: the picture becomes part of the answer."""
        raise NotStored("no FLUX_CF_KV binding")

    async def get(self, name: str) -> StoredPicture | None:
        """Always None."""
        return None

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """Always None."""
        return None


class NoLimiter:
    """`Limiter` without the binding."""

    shortfall = ""

    async def allows(self, key: str, cost: int) -> bool:
        """Always true."""
        return True
