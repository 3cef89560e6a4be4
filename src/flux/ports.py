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


class Writer(Protocol):
    """Rewrites prompts."""

    name: str
    """Of the text model, as users read it."""

    async def write(self, prompt: str) -> str:
        """The text model's answer as it came. Raises `WriterFailed`."""


class WriterFailed(Exception):
    """The writer gave no answer; the text says why and is for the log alone."""


class Cutter(Protocol):
    """Cuts pictures to size and turns them into other types."""

    async def cut(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """Exactly `size`, the middle kept; `quality` 1 to 100. Raises `CutFailed`."""

    async def shrink(self, picture: Picture, side: int) -> Picture:
        """At most `side` pixels each way, the shape kept. Raises `CutFailed`."""


class CutFailed(Exception):
    """The picture could not be cut; the text says why and is for the log alone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture in the gallery, found again."""

    type: str
    size: int
    """Bytes."""
    body: Native


class Gallery(Protocol):
    """Keeps pictures for a while."""

    async def keep(self, key: str, picture: Picture, expires: int) -> None:
        """Store until `expires` (Unix seconds). Raises `NotKept`."""

    async def find(self, key: str) -> Kept | None:
        """The picture; None where it is gone or never was. Raises `StorageUnavailable`."""


class NotKept(Exception):
    """The store refused the picture; the text says why and is for the log alone."""


class Limiter(Protocol):
    """Counts what a key draws."""

    async def allows(self, key: str, cost: int) -> bool:
        """Whether `key` may draw `cost` more pictures now."""
