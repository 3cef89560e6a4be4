"""Texts that pictures are spliced into on the way out, without passing through Python."""

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from flux.errors import InvalidJson


class Blob(Protocol):
    """Bytes that the runtime holds and Python does not; only the edge opens them whole."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`, copied into Python: for headers, not for pictures."""


@dataclass(frozen=True, slots=True)
class Spliced:
    """A text in pieces. Where a blob stands, the edge writes it in base64 (RFC 4648, padded)."""

    pieces: tuple["str | Blob", ...]


Text = str | Spliced


def join(*texts: Text) -> Text:
    """The texts as one."""
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
"""Stands for a blob while JSON is written: half a surrogate pair, which `clean` lets nobody bring in."""


_LINE_BREAKS = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
"""What JSON takes for text and many a client that reads streams line by line for the end of a line."""


def write_json(value: Any) -> Text:
    """JSON (RFC 8259) without needless spaces; a `Spliced` in it is a string."""
    blobs: list[Blob] = []

    def spliced(value: object) -> str:
        if not isinstance(value, Spliced):
            raise TypeError(f"{type(value).__name__} is no JSON")
        marked = ""
        for piece in value.pieces:
            if isinstance(piece, str):
                marked += piece
            else:
                blobs.append(piece)
                marked += _MARK
        return marked

    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=spliced)
    if not written.isascii():
        for character, escape in _LINE_BREAKS:
            written = written.replace(character, escape)
    if not blobs:
        return written
    pieces: list[str | Blob] = []
    for part, blob in zip(written.split(_MARK), [*blobs, None], strict=True):
        pieces.append(part)
        if blob is not None:
            pieces.append(blob)
    return Spliced(tuple(pieces))


MAX_DEPTH = 64
"""Levels of nesting in a body: the deepest a client sends is a tool's schema, about ten."""
MAX_BRACKETS = 20_000
"""Lists and objects in a body: a thousand messages and room to spare. A megabyte of `[],` takes fifty in memory."""


def read_json(text: str) -> dict[str, Any]:
    """A JSON object (RFC 8259: no NaN, no Infinity) of at most `MAX_DEPTH` levels."""
    if _is_too_deep(text):
        raise InvalidJson(f"The body is nested too deep: at most {MAX_DEPTH} levels.")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidJson(f"The body is not valid JSON{place}: send a JSON object.") from error
    if not isinstance(value, dict):
        raise InvalidJson("The body must be a JSON object.")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def _is_too_deep(text: str) -> bool:
    """Whether brackets nest deeper than `MAX_DEPTH`.

    Asked before the text is parsed: under Pyodide the parser's recursion overflows the WebAssembly
    stack at some thousand levels, which ends the whole isolate and not only the request.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_BRACKETS:
        raise InvalidJson(f"The body holds too many lists and objects: at most {MAX_BRACKETS}.")
    if brackets <= MAX_DEPTH:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match[0][0]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def clean(text: str) -> str:
    """`text` with U+FFFD in place of lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


_SURROGATE = re.compile("[\ud800-\udfff]")
