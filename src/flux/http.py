"""HTTP as values: what the core reads and answers, with no runtime behind it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flux.errors import ApiError, InvalidJson, RequestTimeout, RequestTooLarge
from flux.text import SURROGATE_ESCAPE, Blob, Text, clean_json, read_json, write_json

MIB = 1024 * 1024
MAX_TEXT = MIB
"""Bytes of text in a body, pictures not counted."""
MAX_BODY = 20 * MIB
"""Bytes of a body with its pictures, wherever pictures may be sent."""

Decoder = Callable[[str], Awaitable[Blob]]
"""The bytes of a base64 text, decoded outside Python when they are needed. Raises `ValueError` where it is none."""


class Searchable(Blob, Protocol):
    """A body's bytes, which are looked through without being read."""

    def find(self, byte: int, start: int, end: int | None = None) -> int:
        """Where `byte` comes first between `start` and `end`; -1 where it does not."""

    def places(self, pattern: bytes) -> Iterator[int]:
        """Wherever `pattern` stands, in order. It is ASCII, and has four bytes or more."""

    def slice(self, start: int, end: int) -> "Searchable":
        """The bytes from `start` to `end`, not copied."""

    def text(self, charset: str) -> str:
        """The bytes as a text, read: UTF-8 where nobody knows the charset, U+FFFD for what is none."""

    async def from_base64(self) -> Blob:
        """The bytes that these are the base64 of, as text or inside a JSON string. Raises `ValueError`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form. Its bytes alone tell whether it is a picture."""

    name: str
    filename: str | None
    """None where no file name was sent; "" is one."""
    content_type: str | None
    """In lower case, without parameters."""
    blob: Blob
    text: str | None = None
    """Of all that is no picture and no large file. Large base64 is a mark in it that the form's `decode` knows."""


@dataclass(frozen=True, slots=True)
class Form:
    """A `multipart/form-data` body (RFC 7578): its parts in their order, names repeated.

    It keeps the body's bytes, as a document does.
    """

    parts: tuple[Part, ...]
    decode: Decoder

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The texts, by name; those that came as files among them, since some clients send every field as one."""
        return tuple((one.name, one.text) for one in self.parts if one.text is not None)

    @property
    def files(self) -> tuple[tuple[str, Blob], ...]:
        """What was sent as a file or is no text, by name. Browsers send an empty one where no file was chosen."""
        return tuple(
            (one.name, one.blob)
            for one in self.parts
            if (one.text is None or one.filename is not None) and (one.filename or one.blob.size)
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON body: a text in which large pictures in base64 may be marks, and `decode`, which knows them.

    It keeps the body's bytes, up to 20 MiB, for as long as it is kept itself.
    """

    text: str
    decode: Decoder

    def json_object(self) -> dict[str, Any]:
        """The object that the body is. Raises `InvalidJson`."""
        return json_object(self.text)


def marked(body: Searchable, places: Mapping[str, tuple[int, int]], decode: Decoder) -> Decoder:
    """A decoder that knows the marks that stand for base64 in a body, and where each starts and ends.

    No mark is base64, so that it means this picture or, where a caller wrote it, none.
    """

    async def decode_marked(text: str) -> Blob:
        place = places.get(text.strip())
        return await (body.slice(*place).from_base64() if place else decode(text))

    return decode_marked


def json_object(text: str) -> dict[str, Any]:
    """The object that a body is, its texts clean. Raises `InvalidJson`."""
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
    """For a body of which no byte came for `IDLE_SECONDS`."""
    return RequestTimeout(f"No data of the body arrived for {IDLE_SECONDS} seconds. Send the request again.")


def body_too_large(limit: int) -> RequestTooLarge:
    """For a body of more than `limit` bytes."""
    return RequestTooLarge(f"The body is too large: at most {limit // MIB} MiB, pictures included.")


def text_too_large() -> RequestTooLarge:
    """For a body of more than `MAX_TEXT` bytes beside its pictures."""
    return RequestTooLarge(f"The text in the body is too large: at most {MAX_TEXT // MIB} MiB, pictures not counted.")


class Body(Protocol):
    """A request's body, read once and counted while it is read."""

    async def document(self, limit: int = MAX_TEXT) -> Document:
        """The body as JSON, not yet parsed. `limit` is `MAX_BODY` where pictures may be sent.

        Raises `RequestTooLarge` as soon as it passes `limit` bytes, or `MAX_TEXT` beside its pictures, and
        `RequestTimeout` where no byte comes for `IDLE_SECONDS`.
        """

    async def form(self, limit: int) -> Form:
        """The body as a form. Raises `RequestTooLarge` as above, or `InvalidRequest` where it is none."""

    async def discard(self) -> None:
        """Take what is left of it off the connection, so that a refusal reaches who is still sending."""


Background = Callable[[Coroutine[Any, Any, None]], object]
"""Begins work that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower-case; `path` is as it came, still percent-encoded."""

    method: str
    origin: str
    """Scheme and host that the caller reached us at, without a slash: `https://example.com`."""
    path: str
    query: str
    """Without the question mark."""
    headers: Mapping[str, str]
    body: Body
    background: Background
    """For work that goes on when the request has ended, for some seconds at most."""


@dataclass(frozen=True, slots=True)
class Native:
    """A body of the runtime's own, such as a stream out of KV, which the edge sends as it is."""

    value: Any
    size: int
    """Bytes, sent as `Content-Length`."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is sent text by text, each when it comes."""

    texts: AsyncGenerator[Text, None]
    failed: Callable[[ApiError], Text]
    """How a failure is told when the stream has begun and there is no status left to tell it with."""
    close: Callable[[], None]
    """Ends the work behind the stream. Called once, however the stream ends, also where it never began."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Its body has the type that its headers name."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Text | Native | Stream | None = None


JSON = {"content-type": "application/json; charset=utf-8"}


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(status, {**JSON, **(headers or {})}, write_json(value))
