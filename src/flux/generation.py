"""What one call wants drawn, whichever API it came through."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from flux.errors import InvalidRequest
from flux.sizes import Size
from flux.text import Blob

Action = Literal["edit", "generate"]
Notice = Literal[
    "enlarged",
    "follow_up_expired",
    "follow_up_unsupported",
    "images_ignored",
    "links_ignored",
    "model_unknown",
    "not_upright",
    "rewrite_refused",
    "seed_ignored",
    "some_failed",
]
"""What was asked for and could not be followed: each a sentence of `words.Words`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller can choose beside the prompt; None leaves the choice to us."""

    model: str | None = None
    size: Size | None = None
    steps: int | None = None
    seed: int | None = None
    n: int | None = None
    quality: str | None = None
    negative_prompt: str | None = None
    optimize: bool | None = None
    action: Action | None = None
    """Whether a picture is edited or a new one is drawn."""
    mime: str | None = None
    """Type to deliver; None leaves it as it was drawn."""
    compression: int | None = None
    """Quality of the delivered JPEG or WebP, 1 to 100."""

    def over(self, other: "Options") -> "Options":
        """These options, completed with those of `other` where these say nothing."""
        if other == NO_OPTIONS:
            return self
        return Options(*(theirs if mine is None else mine for mine, theirs in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self.__slots__)


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class PictureSource:
    """A picture as a caller sent or named it, not yet read: one of the four is set."""

    param: str
    """The field that it came in, for errors."""
    data: str = ""
    """A data URL, or base64 alone. Large base64 is a mark that only the request's decoder knows."""
    blob: Blob | None = None
    """Its bytes, of a form."""
    id: str = ""
    """Of a picture in the store (`picture.new_id`)."""
    file_id: str = ""
    """Of a file that was uploaded to another service."""
    missing: type[InvalidRequest] = InvalidRequest
    """The error where the store has no such picture."""

    @property
    def identity(self) -> object:
        """The same for two that are surely the same picture."""
        return self.id or self.data or self.blob


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A prompt, the options of the call, and the pictures that it is about."""

    asked: str
    """The prompt as it was typed."""
    prompt: str
    """The prompt without directives; never empty."""
    options: Options = NO_OPTIONS
    model_required: bool = False
    """Whether the model was named on purpose, so that another one would be no answer."""
    sources: tuple[PictureSource, ...] = ()
    """Pictures for the model to work from."""
    follow_up: bool = False
    """Whether only the setting `FOLLOW_UPS` makes this an edit: where it cannot be one, a new picture is drawn."""
    notices: tuple[Notice, ...] = ()
    """What is known already of the wishes that cannot be followed."""
    ignored: tuple[str, ...] = ()
    """The fields that ask for what nothing here can follow."""
    previewed: bool = False
    """Whether the answer shows a small copy of each picture."""

    @property
    def n(self) -> int:
        """How many pictures."""
        return self.options.n or 1
