"""Finds base64 pictures in a JSON body without reading them.

A picture is a whole string: a data URL from start to end, or base64 that starts like a picture file. A text that quotes
a picture stays text. The base64 in a Markdown image is left out too: chat services answer with such images, and every
later request repeats them.
"""

import binascii
import re

from flux import picture
from flux.http import MAX_TEXT, Searchable, text_too_large

WINDOW = 4096
"""Bytes read at once. Strings that fit in a window are text: reading them is faster than examining them."""
MAX_EMBEDDED = 1000
"""Most pictures left out of a body's text; anything after them is text. Skipping one takes about 0.2 ms."""

HEAD = 512
"""Bytes at the start of a string that contain everything in a data URL except its data."""
MARKDOWN_HEAD = 100
"""The same for a data URL in Markdown, which has no parameters."""
MAGIC = 32
"""Characters of base64 that identify a picture's format."""
SAMPLES, SAMPLE = 6, 48
"""How many samples of a string are checked for the base64 alphabet, and the bytes in each. Prose and markup fail in at
least one."""

_QUOTE, _COMMA, _PARENTHESIS, _ESCAPE = ord('"'), ord(","), ord(")"), b"\\"


def find(body: Searchable) -> list[tuple[int, int]]:
    """Start and end of each picture's base64 in a JSON body.

    Raises `RequestTooLarge` as soon as the rest of the body exceeds `MAX_TEXT` bytes. Quotes are counted from the start
    of the body, because nothing else shows where a string starts.
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
    """The next bytes, with escaped quotes overwritten. What may continue past their end is left for the next window."""
    window = body.read(at, WINDOW)
    if _ESCAPE in window:
        window = window.replace(rb"\\", b"--").replace(rb"\"", b"--")
        if len(window) > 1 and window.endswith(_ESCAPE):
            window = window[:-1]
    link = window.rfind(_LINK, -MARKDOWN_HEAD)
    return window[:link] if link > 0 else window


_LINK = b"]("


def _place(body: Searchable, at: int, window: bytes) -> tuple[int, int] | None:
    """The base64 of the picture that starts in this window and continues past it; None if there is none."""
    start = window.rfind(b'"') + 1
    return (start and _string(body, at + start)) or _markdown(body, at, window)


def _markdown(body: Searchable, at: int, window: bytes) -> tuple[int, int] | None:
    """The base64 of the last link in this window; None if it is not a picture."""
    link = window.rfind(_LINK)
    match = _MARKDOWN.match(window, link) if link >= 0 else None
    if match is None or not _MAY_BE_BASE64.fullmatch(window, match.end()):
        return None
    start = at + match.end()
    end = body.find(_PARENTHESIS, start)
    return (start, end) if end >= 0 and _is_base64(body, start, end) else None


_MARKDOWN = re.compile(rb'\]\(data:image[^,"()]*;base64,')


def _string(body: Searchable, start: int) -> tuple[int, int] | None:
    """The base64 of the string that starts here; None if it is not a picture."""
    head = _head(body.read(start, HEAD))
    if head is None:
        return None
    start += head
    end = body.find(_QUOTE, start)
    return (start, end) if end >= 0 and _is_base64(body, start, end) else None


def find_in_text(text: Searchable) -> tuple[int, int] | None:
    """Start and end of the base64 in a text that is one whole picture, with or without a line break at its end.

    None for any other text, and for one so short that reading it is faster.
    """
    start = _head(text.read(0, HEAD)) if text.size > WINDOW else None
    if start is None:
        return None
    tail = text.read(text.size - len("\r\n"), len("\r\n"))
    end = text.size - len(tail) + len(tail.rstrip())
    return (start, end) if _is_base64(text, start, end) else None


def _head(head: bytes) -> int | None:
    """How many bytes of a string precede its base64; None if it does not start like a picture."""
    if match := _DATA_URL_IN_JSON.match(head):
        return match.end()
    return len(head) - len(head.lstrip()) if _starts_as_picture(head) else None


_DATA_URL_IN_JSON = re.compile(rb'(?:\s|\\[nrt])*+data:[^,"]*;\s*base64\s*,(?:\s|\\[nrt])*+', re.IGNORECASE)
_DATA_URL = re.compile(r"\s*+data:[^,]*;\s*base64\s*,\s*+", re.IGNORECASE)
"""RFC 2397, as browsers implement it (fetch.spec.whatwg.org, "data: URL processor")."""


def base64_of(url: str) -> str | None:
    """The base64 of a data URL, or the mark that replaced it; None for any other text."""
    match = _DATA_URL.match(url[:HEAD])
    return url[match.end() :] if match else None


def is_base64(text: str) -> bool:
    """Whether a text starts like the plain base64 of a picture, or is the mark that replaced it."""
    return _MARK.fullmatch(text[:HEAD].strip()) is not None or _starts_as_picture(
        text[:HEAD].encode("ascii", "replace")
    )


_MARK = re.compile(r"#\d+", re.ASCII)
_ESCAPES = ((rb"\/", b"/"), (rb"\u002B", b"+"), (rb"\u002b", b"+"), (rb"\n", b""), (rb"\r", b""))
"""How JSON writers escape base64: PHP, .NET, and writers that break lines."""
_MAGIC = re.compile(rb"\s*+([A-Za-z0-9+/]{%d})" % MAGIC)


def _starts_as_picture(head: bytes) -> bool:
    for escape, character in _ESCAPES:
        head = head.replace(escape, character)
    match = _MAGIC.match(head)
    return match is not None and picture.format_name(binascii.a2b_base64(match[1])) is not None


_MAY_BE_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=\r\n]++|\\(?:[/nrt]|u00(?:2[BbFf]|3[Dd])|u?[023]{0,3}\Z))*+")
"""Base64 as JSON writes it. An escape may be cut off at the start or end of the sample."""


def _is_base64(body: Searchable, start: int, end: int) -> bool:
    r"""Whether a string is base64 up to its end, judged by samples and by the comma that any further data URL contains.

    It is not if the quote at its end is an escaped one.
    """
    last = end - start - SAMPLE
    places = {max(start, start + last * number // (SAMPLES - 1)) for number in range(SAMPLES)}
    samples = [body.read(at, min(SAMPLE, end - at)) for at in sorted(places)]
    likely = all(map(_MAY_BE_BASE64.fullmatch, samples)) and not samples[-1].endswith(_ESCAPE)
    return likely and body.find(_COMMA, start, end) < 0
