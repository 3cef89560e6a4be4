"""A request to draw, in the form that all APIs share."""

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
"""Why a part of the request could not be followed. Each is a sentence in `words.Words`."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options beside the prompt. None leaves the choice to the service."""

    model: str | None = None
    size: Size | None = None
    steps: int | None = None
    seed: int | None = None
    n: int | None = None
    quality: str | None = None
    negative_prompt: str | None = None
    optimize: bool | None = None
    action: Action | None = None
    """Whether to edit a picture or draw a new one."""
    mime: str | None = None
    """Media type to deliver; None keeps the type that the model drew."""
    compression: int | None = None
    """Quality of the delivered JPEG or WebP, from 1 to 100."""

    def over(self, other: "Options") -> "Options":
        """These options, with missing ones taken from `other`."""
        if self is NO_OPTIONS:
            return other
        if other is NO_OPTIONS:
            return self
        return Options(*(theirs if mine is None else mine for mine, theirs in zip(self, other, strict=True)))

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self.__slots__)


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class PictureSource:
    """A picture as the caller sent or named it, not yet read. Only one of `data`, `blob`, `id`, `file_id` is set."""

    param: str
    """The field that held it, for errors."""
    data: str = ""
    """A data URL or plain base64. Large base64 is replaced by a mark that only the request's decoder understands."""
    blob: Blob | None = None
    """Its bytes, if it came in a form."""
    id: str = ""
    """Its identifier in the store (`picture.new_id`)."""
    file_id: str = ""
    """Its identifier as a file that was uploaded to another service."""
    missing: type[InvalidRequest] = InvalidRequest
    """The error if the store does not have the picture."""

    @property
    def identity(self) -> object:
        """Equal for two sources that are certainly the same picture."""
        return self.id or self.data or self.blob


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A prompt, the options of the call, and its input pictures."""

    asked: str
    """The prompt as typed."""
    prompt: str
    """The prompt without directives; never empty."""
    options: Options = NO_OPTIONS
    model_required: bool = False
    """Whether the caller chose the model deliberately, so that another one must not replace it."""
    sources: tuple[PictureSource, ...] = ()
    """Input pictures for the model."""
    follow_up: bool = False
    """Whether this is an edit only because of `FOLLOW_UPS`. If it cannot be one, a new picture is drawn."""
    notices: tuple[Notice, ...] = ()
    """Parts of the request that are already known not to be followed."""
    ignored: tuple[str, ...] = ()
    """The fields that cannot be followed."""
    previewed: bool = False
    """Whether the answer includes a small copy of each picture."""

    @property
    def n(self) -> int:
        """The number of pictures."""
        return self.options.n or 1
