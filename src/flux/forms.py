"""Parses `multipart/form-data` as RFC 7578, 2046, 9110 and 2231 allow it, and as clients write it.

Only headers and text parts are read; pictures stay in the body.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from urllib.parse import unquote

from flux import embedded, picture
from flux.errors import InvalidRequest
from flux.http import MAX_TEXT, Decoder, Form, Part, Searchable, marked, text_too_large

MAX_PARTS = 100
"""Most parts of a form. The API has about twenty fields."""
USUAL_HEADER, MAX_HEADER = 512, 8 * 1024
"""Bytes of a part's header: how many are read first, since a picture may follow, and the maximum."""
MAX_BOUNDARY = 200
"""In characters; RFC 2046, 5.1.1 allows 70."""
MAX_PADDING = 60
"""Most spaces after a boundary."""
MAX_LOOKALIKES = 100
"""Most lines that start with the boundary but are not delimiters. RFC 2046, 5.1.1 allows none."""
MAX_FILE_TEXT = 64 * 1024
"""Bytes of the largest file that is read as text: some clients send every field as a file."""


def read(body: Searchable, content_type: str, decode: Decoder) -> Form:
    """The form in a body. Raises `InvalidRequest` if there is none, or `RequestTooLarge`.

    `decode` decodes base64 text; base64 pictures in the form stay in the body.
    """
    boundary = _boundary(body, content_type)
    found = [_found(body, start, end) for start, end in _parts(body, boundary)]
    charset = _default_charset(body, found)
    places: dict[str, tuple[int, int]] = {}
    parts: list[Part] = []
    total = 0
    for one in found:
        content = body.slice(one.start, one.end)
        text = None
        if _is_text(one, content):
            place = embedded.find_in_text(content)
            if place:
                mark = f"#{one.start}"
                places[mark] = one.start + place[0], one.start + place[1]
                text = content.slice(0, place[0]).text(charset) + mark
            else:
                total += content.size
                if total > MAX_TEXT:
                    raise text_too_large()
                text = content.text(one.charset or charset)
        parts.append(Part(one.name, one.filename, one.content_type, content, text))
    return Form(tuple(parts), marked(body, places, decode))


# --- delimiters ---------------------------------------------------------------------------------


def _boundary(body: Searchable, content_type: str) -> str:
    """The boundary from the header, or from the first line if the client set a header without one."""
    boundary = parameters(content_type).get("boundary", "")
    if not boundary and (match := _FIRST_LINE.match(body.read(0, MAX_BOUNDARY + len("--\r\n")))):
        boundary = match[1].decode("ascii")
    if not (0 < len(boundary) <= MAX_BOUNDARY and boundary.isascii() and boundary.isprintable()):
        raise InvalidRequest("The body is not valid multipart/form-data: its Content-Type names no boundary.")
    return boundary.rstrip()


_FIRST_LINE = re.compile(rb"--([!-~]+)[ \t]*\r?\n")
_END_OF_LINE = re.compile(rb"(--)?[ \t]{0,%d}(?:\r?\n|\Z)" % MAX_PADDING)


def _parts(body: Searchable, boundary: str) -> Iterator[tuple[int, int]]:
    """Start and end of each part. Text before the first part and after the last is ignored."""
    start = count = 0
    for end, after, is_last in _delimiters(body, f"--{boundary}".encode()):
        if start:
            count += 1
            if count > MAX_PARTS:
                raise InvalidRequest(f"The form has too many parts: at most {MAX_PARTS}.")
            yield start, end
        if is_last:
            return
        start = after
    raise InvalidRequest("The body is not valid multipart/form-data: the boundary that ends it is missing.")


def _delimiters(body: Searchable, dashes: bytes) -> Iterator[tuple[int, int, bool]]:
    """Each delimiter: the start of its preceding line break, the end of its line, and whether it is the last one."""
    lookalikes = 0
    first = [-1] if body.read(0, len(dashes)) == dashes else []
    for line_break in chain(first, body.places(b"\n" + dashes)):
        after = line_break + 1 + len(dashes)
        match = _END_OF_LINE.match(body.read(after, len("--\r\n") + MAX_PADDING))
        if match:
            carriage_return = line_break > 0 and body.read(line_break - 1, 1) == b"\r"
            yield max(0, line_break - carriage_return), after + match.end(), match[1] is not None
        else:
            lookalikes += 1
            if lookalikes > MAX_LOOKALIKES:
                raise InvalidRequest("The form's boundary also occurs in its parts: use another one.")


# --- one part -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A part of the form: what its header says, and where its content is."""

    name: str
    filename: str | None
    content_type: str | None
    charset: str
    start: int
    end: int


_END_OF_HEADER = re.compile(rb"(?:\A|\n)\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")


def _found(body: Searchable, start: int, end: int) -> _Found:
    length, head = _header(body, start, end)
    headers = _headers(head)
    disposition = parameters(headers.get("content-disposition", ""))
    if "name" not in disposition:
        raise InvalidRequest("A part of the form has no name in its Content-Disposition.")
    content_type = headers.get("content-type", "")
    content = start + length
    return _Found(
        name=disposition["name"],
        filename=disposition.get("filename"),
        content_type=content_type.partition(";")[0].strip().lower() or None,
        charset=parameters(content_type).get("charset", ""),
        start=content,
        end=max(content, end),
    )


def _header(body: Searchable, start: int, end: int) -> tuple[int, str]:
    """The length of a part's header including the empty line after it, and the header itself."""
    for length in (USUAL_HEADER, MAX_HEADER):
        # If the part is empty, its last line break belongs to the delimiter as well.
        head = body.read(start, min(length, end + len("\r\n") - start))
        if match := _END_OF_HEADER.search(head):
            return match.end(), head[: match.start()].decode("utf-8", "replace")
    raise InvalidRequest(f"The header of a part of the form does not end within {MAX_HEADER // 1024} KiB.")


def _headers(text: str) -> dict[str, str]:
    """Header fields by name in lower case. Folded lines are joined (RFC 5322, 2.2.3); other lines are ignored."""
    lines = _FOLD.sub(" ", text).split("\n")
    fields = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in fields}


def _default_charset(body: Searchable, found: list[_Found]) -> str:
    """The charset in the `_charset_` field (RFC 7578, 4.6)."""
    named = (body.read(one.start, min(40, one.end - one.start)) for one in found if one.name == "_charset_")
    return next(named, b"").decode("ascii", "replace").strip() or "utf-8"


def _is_text(one: _Found, content: Searchable) -> bool:
    """Whether a part is read as text. Pictures, whatever their name, and large files are not."""
    head = content.read(0, embedded.HEAD)
    if picture.format_name(head) and (one.filename is not None or b"\0" in head):
        return False
    return one.filename is None or content.size <= MAX_FILE_TEXT or embedded.find_in_text(content) is not None


# --- header parameters --------------------------------------------------------------------------

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]++|\\.)*+)"|([^;]*))', re.DOTALL)
"""Tokens may contain characters that RFC 9110, 5.6.6 forbids: `----=_Part_1`, `image[]`, a file name with spaces."""
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_CONTINUED = re.compile(r"(.+?)\*(\d{1,2})(\*?)")
_BROWSERS_ESCAPES = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))
"""How browsers escape characters that would end a name (html.spec.whatwg.org, "multipart/form-data encoding")."""
_CHARSETS = ("utf-8", "iso-8859-1")
"""Charsets of extended values (RFC 8187, 3.2)."""


def parameters(value: str) -> dict[str, str]:
    """The parameters of a header field, by name in lower case; the first one counts if a name repeats.

    An extended parameter (RFC 8187, `filename*`) takes precedence over the plain one. Parameters in pieces (RFC 2231,
    3) are joined.
    """
    given: dict[str, str] = {}
    for name, quoted, token in (match.groups() for match in _PARAMETER.finditer(value)):
        given.setdefault(name.lower(), _unquoted(quoted) if token is None else token.strip())
    found = {name: text for name, text in given.items() if "*" not in name}
    pieces: dict[str, list[tuple[int, str, str]]] = {}
    for name, text in given.items():
        if match := _CONTINUED.fullmatch(name):
            pieces.setdefault(match[1], []).append((int(match[2]), match[3], text))
    for name, several in pieces.items():
        whole = "".join(text if extended else text.replace("%", "%25") for _, extended, text in sorted(several))
        found[name] = _extended(whole) if any(extended for _, extended, _ in several) else unquote(whole)
    for name, text in given.items():
        if name.endswith("*") and not _CONTINUED.fullmatch(name):
            found[name[:-1]] = _extended(text)
    return found


def _unquoted(text: str) -> str:
    r"""The value of a quoted string. A backslash before any other character is literal: `C:\cat.png`."""
    text = _QUOTED_PAIR.sub(r"\1", text)
    for escape, character in _BROWSERS_ESCAPES:
        text = text.replace(escape, character).replace(escape.lower(), character)
    return text


def _extended(text: str) -> str:
    """The value of an extended parameter such as `utf-8'en'%e2%82%ac`."""
    charset, _, rest = text.partition("'")
    _, _, encoded = rest.partition("'")
    charset = charset.lower() if charset.lower() in _CHARSETS else "utf-8"
    return unquote(encoded, charset)
