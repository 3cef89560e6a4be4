"""HTTP requests and responses as values, independent of the runtime."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flux.errors import ApiError, InvalidJson, RequestTimeout, RequestTooLarge
from flux.text import SURROGATE_ESCAPE, Blob, Text, clean_json, read_json, write_json

MIB = 1024 * 1024
MAX_TEXT = MIB
"""Bytes of text in a body, not counting pictures."""
MAX_BODY = 20 * MIB
"""Bytes of a body including its pictures, in endpoints that accept pictures."""

Decoder = Callable[[str], Awaitable[Blob]]
"""Decodes base64 text to bytes outside Python, on demand. Raises `ValueError` if the text is not base64."""


class Searchable(Blob, Protocol):
    """The bytes of a body, which can be searched without being read into Python."""

    def find(self, byte: int, start: int, end: int | None = None) -> int:
        """The first position of `byte` between `start` and `end`; -1 if there is none."""

    def places(self, pattern: bytes) -> Iterator[int]:
        """Every position of `pattern`, in order. The pattern must be ASCII and at least four bytes long."""

    def slice(self, start: int, end: int) -> "Searchable":
        """The bytes from `start` to `end`, without copying."""

    def text(self, charset: str) -> str:
        """The bytes decoded to text: as UTF-8 if the charset is unknown, with U+FFFD for invalid bytes."""

    async def from_base64(self) -> Blob:
        """The bytes that these encode in base64, as plain text or inside a JSON string. Raises `ValueError`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form. Only its bytes decide whether it is a picture."""

    name: str
    filename: str | None
    """None if no file name was sent; "" is a file name."""
    content_type: str | None
    """In lower case, without parameters."""
    blob: Blob
    text: str | None = None
    """The text of parts that are neither pictures nor large files. Large base64 in it is replaced by a mark that the
    form's `decode` understands."""


@dataclass(frozen=True, slots=True)
class Form:
    """A `multipart/form-data` body (RFC 7578): its parts in order; names may repeat.

    It keeps the body's bytes in memory, like `Document`.
    """

    parts: tuple[Part, ...]
    decode: Decoder

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Texts by name, including those sent as files, since some clients send every field as a file."""
        return tuple((one.name, one.text) for one in self.parts if one.text is not None)

    @property
    def files(self) -> tuple[tuple[str, Blob], ...]:
        """Files and other parts that are not text, by name. Browsers send an empty file if none is selected."""
        return tuple(
            (one.name, one.blob)
            for one in self.parts
            if (one.text is None or one.filename is not None) and (one.filename or one.blob.size)
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON body: a text with marks in place of large base64 pictures, and `decode`, which understands the marks.

    It keeps the body's bytes, up to 20 MiB, in memory as long as it exists.
    """

    text: str
    decode: Decoder

    def json_object(self) -> dict[str, Any]:
        """The JSON object in the body. Raises `InvalidJson`."""
        return json_object(self.text)


def marked(body: Searchable, places: Mapping[str, tuple[int, int]], decode: Decoder) -> Decoder:
    """A decoder for marks, which stand for base64 in a body; `places` has the start and end of each.

    A mark is not valid base64, so text from a caller is either the mark of this picture or of none.
    """

    async def decode_marked(text: str) -> Blob:
        place = places.get(text.strip())
        return await (body.slice(*place).from_base64() if place else decode(text))

    return decode_marked


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text, with all its strings cleaned. Raises `InvalidJson`."""
    try:
        value = read_json(text)
    except ValueError as error:
        raise InvalidJson(f"The body {error}.") from error
    if not isinstance(value, dict):
        raise InvalidJson("The body must be a JSON object.")
    cleaned: dict[str, Any] = clean_json(value) if SURROGATE_ESCAPE.search(text) else value
    return cleaned


IDLE_SECONDS = 30
"""Longest wait for the next byte of a body."""


def body_timeout() -> RequestTimeout:
    """The error for a body that sent no byte for `IDLE_SECONDS`."""
    return RequestTimeout(f"No data of the body arrived for {IDLE_SECONDS} seconds. Send the request again.")


def body_too_large(limit: int) -> RequestTooLarge:
    """The error for a body larger than `limit` bytes."""
    return RequestTooLarge(f"The body is too large: at most {limit // MIB} MiB, pictures included.")


def text_too_large() -> RequestTooLarge:
    """The error for a body with more than `MAX_TEXT` bytes besides its pictures."""
    return RequestTooLarge(f"The text in the body is too large: at most {MAX_TEXT // MIB} MiB, pictures not counted.")


class Body(Protocol):
    """A request's body, read once and counted while it is read."""

    async def document(self, limit: int = MAX_TEXT) -> Document:
        """The body as JSON, not yet parsed. `limit` is `MAX_BODY` if pictures may be sent.

        Raises `RequestTooLarge` as soon as the body exceeds `limit` bytes, or `MAX_TEXT` bytes besides its pictures.
        Raises `RequestTimeout` if no byte arrives for `IDLE_SECONDS`.
        """

    async def form(self, limit: int) -> Form:
        """The body as a form. Raises `RequestTooLarge` as above, or `InvalidRequest` if it is not a form."""

    async def discard(self) -> None:
        """Read and discard the rest, so that an error reaches a client that is still sending."""


Background = Callable[[Coroutine[Any, Any, None]], object]
"""Starts work in the background."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case. `path` is unchanged: still percent-encoded."""

    method: str
    origin: str
    """Scheme and host that the caller used, without a slash at the end: `https://example.com`."""
    path: str
    query: str
    """Without the question mark."""
    headers: Mapping[str, str]
    body: Body
    background: Background
    """Runs work that continues after the request has ended, for a few seconds at most."""


@dataclass(frozen=True, slots=True)
class Native:
    """A body that belongs to the runtime, such as a stream from KV. The edge sends it unchanged."""

    value: Any
    size: int
    """In bytes, sent as `Content-Length`."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is sent piece by piece, each as soon as it is ready."""

    texts: AsyncGenerator[Text, None]
    failed: Callable[[ApiError], Text]
    """Formats an error once the stream has begun and its status is already sent."""
    close: Callable[[], None]
    """Ends the work behind the stream. Called once however the stream ends, even if it never started."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response. Its headers name the type of the body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Text | Native | Stream | None = None


JSON = {"content-type": "application/json; charset=utf-8"}


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(status, {**JSON, **(headers or {})}, write_json(value))
