"""Text with pictures spliced in, which are never copied into Python."""

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol, cast


class Blob(Protocol):
    """Bytes that the runtime holds outside Python. Only the edge accesses them as a whole."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`, copied into Python. Meant for headers, not for pictures."""


@dataclass(frozen=True, slots=True)
class Spliced:
    """A text in pieces. The edge writes each blob in base64 (RFC 4648, padded)."""

    pieces: tuple["str | Blob", ...]


Text = str | Spliced


def join(*texts: Text) -> Text:
    """The texts joined into one."""
    if Spliced not in map(type, texts):
        return "".join(cast("tuple[str, ...]", texts))
    pieces: list[str | Blob] = []
    for text in texts:
        for piece in (text,) if isinstance(text, str) else text.pieces:
            if pieces and isinstance(piece, str) and isinstance(pieces[-1], str):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    if not pieces:
        return ""
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else Spliced(tuple(pieces))


def data_url(mime: str, blob: Blob) -> Spliced:
    """The blob as a `data:` URL (RFC 2397)."""
    return Spliced((f"data:{mime};base64,", blob))


_MARK = "\udc00"
"""Stands for a blob while JSON is written: half of a surrogate pair, which `clean` removes from all input."""


_LINE_BREAKS = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
"""Characters that are text in JSON, but line ends for many clients that read streams line by line."""


class _Writer(json.JSONEncoder):
    """Writes JSON with a mark in place of each blob, and collects the blobs."""

    def __init__(self) -> None:
        super().__init__(ensure_ascii=False, separators=(",", ":"))
        self.blobs: list[Blob] = []

    def default(self, value: object) -> str:
        if not isinstance(value, Spliced):
            raise TypeError(f"{type(value).__name__} is no JSON")
        marked = ""
        for piece in value.pieces:
            if isinstance(piece, str):
                marked += piece
            else:
                self.blobs.append(piece)
                marked += _MARK
        return marked


def write_json(value: Any) -> Text:
    """JSON (RFC 8259) without optional white space. A `Spliced` in it becomes a string."""
    writer = _Writer()
    written = writer.encode(value)
    if not written.isascii():
        for character, escape in _LINE_BREAKS:
            written = written.replace(character, escape)
    if not writer.blobs:
        return written
    pieces: list[str | Blob] = []
    for part, blob in zip(written.split(_MARK), [*writer.blobs, None], strict=True):
        pieces.append(part)
        if blob is not None:
            pieces.append(blob)
    return Spliced(tuple(pieces))


MAX_DEPTH = 64
"""Deepest nesting that is read. The deepest that clients send is a tool's schema, with about ten levels."""
MAX_BRACKETS = 20_000
"""Most lists and objects that are read: enough for more than a thousand messages. A megabyte of `[],` would take fifty
in memory."""


def read_json(text: str) -> Any:
    """The value of a JSON text (RFC 8259: no NaN, no Infinity), from a caller or another service.

    Raises `ValueError`. Its text completes a sentence: "is nested too deeply: at most 64 levels".
    """
    _guard_depth(text)
    try:
        return _READER.decode(text)
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"is not valid JSON{place}") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


_READER = json.JSONDecoder(parse_constant=_no_constant)


_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def _guard_depth(text: str) -> None:
    """Refuse too many or too deeply nested brackets, not counting those in strings.

    This happens before parsing: under Pyodide the parser's recursion overflows the WebAssembly stack at a few thousand
    levels, which ends the whole isolate and not only the request.
    """
    if _openings(text) <= MAX_DEPTH:
        return
    structure = _STRING.sub("", text)
    if _openings(structure) > MAX_BRACKETS:
        raise ValueError(f"holds too many lists and objects: at most {MAX_BRACKETS}")
    depth = 0
    for bracket in _BRACKET.findall(structure):
        depth += _STEPS[bracket]
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested too deeply: at most {MAX_DEPTH} levels")


def _openings(text: str) -> int:
    return text.count("[") + text.count("{")


def clean(text: str) -> str:
    """`text` with U+FFFD in place of lone surrogates, which JSON can contain but UTF-8 cannot encode."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


_SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
"""The start of a lone surrogate in JSON, which UTF-8 cannot encode."""


def clean_json(value: Any) -> Any:
    """A JSON value with all its strings cleaned, including the names of fields."""
    match value:
        case str():
            return clean(value)
        case list():
            return [clean_json(item) for item in value]
        case dict():
            return {clean(name): clean_json(item) for name, item in value.items()}
    return value


MAX_QUOTED = 100
"""Most characters of a caller's text that are repeated in an error."""


def quoted(text: str) -> str:
    """A caller's text in quotes, safe and short enough for an error message."""
    return ascii(text[:MAX_QUOTED])
