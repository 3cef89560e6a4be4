"""Pictures in base64 inside a JSON body, found without reading them.

A picture is a whole string: a data URL from its first character to its last, or base64 that starts as a picture
starts. A text that quotes one is a text. Of Markdown, in which chat services answer with pictures, the base64 is left
out too: such answers come back with every later request.
"""

import binascii
import re

from flux import picture
from flux.http import MAX_TEXT, Searchable, text_too_large

WINDOW = 4096
"""Bytes read at once. Strings that a window holds whole are text: sooner read than looked at."""
MAX_EMBEDDED = 1000
"""Pictures left outside a body's text; what comes after them is text too. Each costs about 0.2 ms to skip."""

HEAD = 512
"""Bytes of a string that hold all of a data URL but its data."""
MARKDOWN_HEAD = 100
"""The same for one in Markdown, which has no parameters."""
MAGIC = 32
"""Characters of base64 that tell the format of a picture."""
SAMPLES, SAMPLE = 6, 48
"""Places where a string is held to the alphabet of base64, and the bytes read at each. Prose and markup fail at one."""

_QUOTE, _COMMA, _PARENTHESIS, _ESCAPE = ord('"'), ord(","), ord(")"), b"\\"


def find(body: Searchable) -> list[tuple[int, int]]:
    """Where the base64 of each picture in a JSON body starts and ends.

    Raises `RequestTooLarge` as soon as there are more than `MAX_TEXT` bytes beside them. Quotes are counted from the
    start of the body: nothing else tells where a string starts.
    """
    found: list[tuple[int, int]] = []
    at, text, inside = 0, 0, False
    while at < body.size:
        window = _window(body, at)
        if window.count(b'"') % 2:
            inside = not inside
        place = _place(body, at, window) if inside and len(found) < MAX_EMBEDDED else None
        if place:
            found.append(place)
        start, end = place or (at + len(window),) * 2
        text += start - at
        at = end
        if text > MAX_TEXT:
            raise text_too_large()
    return found


def _window(body: Searchable, at: int) -> bytes:
    """The next bytes, escaped quotes overwritten. What may go on behind their end is left for the next window."""
    window = body.read(at, WINDOW)
    if _ESCAPE in window:
        window = window.replace(rb"\\", b"--").replace(rb"\"", b"--")
        if len(window) > 1 and window.endswith(_ESCAPE):
            window = window[:-1]
    link = window.rfind(_LINK, -MARKDOWN_HEAD)
    return window[:link] if link > 0 else window


_LINK = b"]("


def _place(body: Searchable, at: int, window: bytes) -> tuple[int, int] | None:
    """Where the base64 is of the picture that starts in this window, which ends in a string, and goes on behind it."""
    start = window.rfind(b'"') + 1
    return (start and _string(body, at + start)) or _markdown(body, at, window)


def _markdown(body: Searchable, at: int, window: bytes) -> tuple[int, int] | None:
    """Where the base64 is of the last link in this window; None where that is no picture."""
    link = window.rfind(_LINK)
    match = _MARKDOWN.match(window, link) if link >= 0 else None
    if match is None or not _MAY_BE_BASE64.fullmatch(window, match.end()):
        return None
    start = at + match.end()
    end = body.find(_PARENTHESIS, start)
    return (start, end) if end >= 0 and _is_base64(body, start, end) else None


_MARKDOWN = re.compile(rb'\]\(data:image[^,"()]*;base64,')


def _string(body: Searchable, start: int) -> tuple[int, int] | None:
    """Where the base64 is of the string that starts here; None where that is no picture."""
    head = _head(body.read(start, HEAD))
    if head is None:
        return None
    start += head
    end = body.find(_QUOTE, start)
    return (start, end) if end >= 0 and _is_base64(body, start, end) else None


def find_in_text(text: Searchable) -> tuple[int, int] | None:
    """Where the base64 starts and ends in a text that is a picture as a whole, with a line break behind it or not.

    None for any other, and for one so short that it is sooner read.
    """
    start = _head(text.read(0, HEAD)) if text.size > WINDOW else None
    if start is None:
        return None
    tail = text.read(text.size - len("\r\n"), len("\r\n"))
    end = text.size - len(tail) + len(tail.rstrip())
    return (start, end) if _is_base64(text, start, end) else None


def _head(head: bytes) -> int | None:
    """How many bytes of a string stand before its base64; None where it starts as no picture does."""
    if match := _DATA_URL_IN_JSON.match(head):
        return match.end()
    return len(head) - len(head.lstrip()) if _starts_as_picture(head) else None


_DATA_URL_IN_JSON = re.compile(rb'(?:\s|\\[nrt])*+data:[^,"]*;\s*base64\s*,(?:\s|\\[nrt])*+', re.IGNORECASE)
_DATA_URL = re.compile(r"\s*+data:[^,]*;\s*base64\s*,\s*+", re.IGNORECASE)
"""RFC 2397, as browsers read it (fetch.spec.whatwg.org, "data: URL processor")."""


def base64_of(url: str) -> str | None:
    """The base64 of a data URL, or the mark that stands for it; None for any other text."""
    match = _DATA_URL.match(url[:HEAD])
    return url[match.end() :] if match else None


def is_base64(text: str) -> bool:
    """Whether a text is a picture's base64 alone, by its beginning, or the mark that stands for it."""
    return _MARK.fullmatch(text[:HEAD].strip()) is not None or _starts_as_picture(
        text[:HEAD].encode("ascii", "replace")
    )


_MARK = re.compile(r"#\d+", re.ASCII)
_ESCAPES = ((rb"\/", b"/"), (rb"\u002B", b"+"), (rb"\u002b", b"+"), (rb"\n", b""), (rb"\r", b""))
"""What JSON writers make of base64: PHP and .NET, and those who break lines."""
_MAGIC = re.compile(rb"\s*+([A-Za-z0-9+/]{%d})" % MAGIC)


def _starts_as_picture(head: bytes) -> bool:
    for escape, character in _ESCAPES:
        head = head.replace(escape, character)
    match = _MAGIC.match(head)
    return match is not None and picture.format_name(binascii.a2b_base64(match[1])) is not None


_MAY_BE_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=\r\n]++|\\(?:[/nrt]|u00(?:2[BbFf]|3[Dd])|u?[023]{0,3}\Z))*+")
"""Base64 as JSON writes it; where it begins or ends in an escape, the half of that too."""


def _is_base64(body: Searchable, start: int, end: int) -> bool:
    r"""Whether a string is base64 to its end, by samples, and by the comma that every further data URL has.

    Where the quote at the end is an escaped one, it is none.
    """
    last = end - start - SAMPLE
    places = {max(start, start + last * number // (SAMPLES - 1)) for number in range(SAMPLES)}
    samples = [body.read(at, min(SAMPLE, end - at)) for at in sorted(places)]
    likely = all(map(_MAY_BE_BASE64.fullmatch, samples)) and not samples[-1].endswith(_ESCAPE)
    return likely and body.find(_COMMA, start, end) < 0
