"""What the core asks of the world. The edge answers it, and `tests/fakes.py` holds the twins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flux.catalog import Model
from flux.http import Native
from flux.picture import Picture
from flux.sizes import Size
from flux.text import Blob

Inputs = Mapping[str, str | int]
"""A model's inputs by the names of its schema."""


class ImageModel(Protocol):
    """Draws. One call is one picture's price."""

    async def draw(self, model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Picture:
        """The picture. Raises `UpstreamFailure` or one of its kinds, never anything foreign."""


class PromptRewriter(Protocol):
    """Rewrites prompts."""

    name: str
    """Of the text model, as users read it."""

    async def rewrite(self, prompt: str) -> str:
        """The text model's answer as it came. Raises `RewriteFailed`."""


class RewriteFailed(Exception):
    """The writer gave no answer; the text says why and is for the log alone."""


class Resizer(Protocol):
    """Cuts pictures to size and turns them into other types."""

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """Exactly `size`, the middle kept; `quality` 1 to 100. Raises `ResizeFailed`."""

    async def fit_within(self, picture: Picture, side: int) -> Picture:
        """At most `side` pixels each way, the shape kept. Raises `ResizeFailed`."""


class ResizeFailed(Exception):
    """The picture could not be cut; the text says why and is for the log alone."""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the gallery, found again."""

    type: str
    size: int
    """Bytes."""
    body: Native


class PictureStore(Protocol):
    """Keeps pictures for a while."""

    async def put(self, key: str, picture: Picture, expires: int) -> None:
        """Store until `expires` (Unix seconds). Raises `NotStored`."""

    async def get(self, key: str) -> StoredPicture | None:
        """The picture; None where it is gone or never was. Raises `StorageUnavailable`."""


class NotStored(Exception):
    """The store refused the picture; the text says why and is for the log alone."""


class Limiter(Protocol):
    """Counts what a key draws."""

    async def allows(self, key: str, cost: int) -> bool:
        """Whether `key` may draw `cost` more pictures now."""
