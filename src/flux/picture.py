"""Reads a picture's type and size from its own bytes, never from what a caller or a model says."""

import binascii
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from flux.text import Blob

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
"""The types that are served, each with the file extension of its links."""

FIRST_READ = 512
"""Bytes copied into Python first. In JPEGs from the models here, the size is within the first 200."""

WALK_READ = 64
"""Least bytes copied for each further read from a file."""
MAX_WALK = 16 * 1024
"""Most bytes copied to find a picture's size and orientation. It limits the work for uploads that contain only
filler."""

_ID = r"([A-Za-z0-9_-]{22}-[0-9a-z]{7})"
_FILE_NAME = rf"{_ID}\.(?:{'|'.join(EXTENSIONS.values())})"
_IDENTIFIER = re.compile(_ID)
_FILE = re.compile(_FILE_NAME)
_LINK = re.compile(rf"(?i:https?)://[^\s?#]+/image/{_FILE_NAME}(?:[?#]\S*)?")
_LINK_IN_TEXT = re.compile(rf"/image/{_FILE_NAME}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Picture:
    """A handle for a picture: its properties, and its bytes, which stay outside Python."""

    type: str
    """MIME type, one of `EXTENSIONS`."""
    width: int
    height: int
    """In pixels, as displayed: upright."""
    blob: Blob
    orientation: int = 1
    """How the pixels are stored (EXIF 3.0, tag 274): 1 upright, 3 upside down, 6 and 8 on a side, the others mirrored.

    A decoder has to rotate the pixels accordingly, or the picture is shown on its side.
    """

    @property
    def size(self) -> str:
        """In OpenAI's format: `1024x576`."""
        return f"{self.width}x{self.height}"


def look(blob: Blob) -> Picture | None:
    """The picture in these bytes; None if they are not a JPEG, PNG or WebP with a size."""
    head = blob.read(0, FIRST_READ)
    for magic, offset, mime, measure in _FORMATS:
        if head[offset : offset + len(magic)] == magic:
            stored = measure(_Window(blob, head))
            if stored and stored.width > 0 and stored.height > 0:
                return _upright(mime, stored, blob)
    return None


def _upright(mime: str, stored: "_Stored", blob: Blob) -> Picture:
    sides = (stored.width, stored.height) if stored.orientation < _ON_A_SIDE else (stored.height, stored.width)
    return Picture(mime, *sides, blob, stored.orientation)


_ON_A_SIDE = 5
"""From this orientation on, rows are stored as columns."""


def refusal(blob: Blob) -> str:
    """The message for bytes in which `look` finds no picture."""
    name = format_name(blob.read(0, FIRST_READ))
    if name is None:
        return "The picture is no PNG, JPEG or WebP."
    if name in _TAKEN:
        return f"The picture is {name} that cannot be read. Send it again."
    return f"The picture is {name}: send PNG, JPEG or WebP."


def is_whole(one: Picture) -> bool:
    """Whether a picture ends the way its format requires: half a file still has a valid header.

    Use this only for pictures that models draw. Cameras append data of their own.
    """
    if one.type == "image/webp":
        return int.from_bytes(one.blob.read(4, 4), "little") + 8 <= one.blob.size
    return _ENDS[one.type] in one.blob.read(max(0, one.blob.size - LAST_READ), LAST_READ)


LAST_READ = 64
"""Bytes at the end that contain the end marker: some encoders add padding."""
_ENDS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """The size as stored, from a file's headers."""

    width: int
    height: int
    orientation: int = 1


class _Window:
    """The bytes of a file, copied a few at a time; empty once `MAX_WALK` bytes are copied."""

    def __init__(self, blob: Blob, head: bytes) -> None:
        self._blob = blob
        self._start, self._bytes = 0, head
        self._left = MAX_WALK

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`."""
        at = start - self._start
        if at < 0 or at + length > len(self._bytes):
            size = min(max(length, WALK_READ), self._left)
            self._start, self._bytes = start, self._blob.read(start, size)
            self._left -= size
            at = 0
        return self._bytes[at : at + length]

    def whole(self, start: int, length: int) -> bytes | None:
        """Exactly `length` bytes from `start`, or None."""
        found = self.read(start, length)
        return found if len(found) == length else None


# --- formats ------------------------------------------------------------------------------------


def _jpeg(window: _Window) -> _Stored | None:
    """Walk the marker segments to the frame header (ITU T.81, B.2.2).

    Metadata may precede it, up to 64 KiB per segment.
    """
    position, orientation = 2, 0
    while marked := _marker(window, position):
        marker, position = marked
        if marker in _ALONE:
            continue
        segment = window.whole(position, 7)
        if segment is None:
            return None
        length = int.from_bytes(segment[:2], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # SOF, not DHT, JPG, DAC
            height, width = int.from_bytes(segment[3:5], "big"), int.from_bytes(segment[5:7], "big")
            return _Stored(width, height, orientation or 1)
        if marker in (0xD9, 0xDA) or length < 2:  # end or scan before any frame: not a picture
            return None
        if marker == 0xE1 and not orientation and window.read(position + 2, 6) == _EXIF:
            orientation = _orientation(window, position + 8, position + length)
        position += length
    return None


_ALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a segment: TEM, RST, and a repeated SOI."""


def _marker(window: _Window, position: int) -> tuple[int, int] | None:
    """The next marker, and the position after it. Fill bytes (B.1.1.2) and stray bytes are skipped, as decoders do."""
    while piece := window.read(position, WALK_READ):
        if match := _MARKER.search(piece):
            return match[0][-1], position + match.end()
        position += max(1, len(piece) - 1)
    return None


_MARKER = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)


def _png(window: _Window) -> _Stored | None:
    """IHDR is the first chunk; eXIf precedes the pixels (PNG specification, 11.2.1 and 11.3.3.6)."""
    header = window.whole(12, 12)
    if header is None or header[:4] != b"IHDR":
        return None
    position, orientation = 33, 0
    while (chunk := window.whole(position, 8)) and chunk[4:] not in (b"IDAT", b"IEND"):
        length = int.from_bytes(chunk[:4], "big")
        if chunk[4:] == b"eXIf":
            orientation = _orientation(window, position + 8, position + 8 + length)
            break
        position += 12 + length
    return _Stored(int.from_bytes(header[4:8], "big"), int.from_bytes(header[8:], "big"), orientation or 1)


def _webp(window: _Window) -> _Stored | None:
    """The first chunk is one of three (RFC 9649, sections 2.5 to 2.7)."""
    chunk = window.read(12, 18)
    if window.read(0, 4) != b"RIFF":
        return None
    if chunk[:4] == b"VP8X" and len(chunk) == 18:
        width, height = (int.from_bytes(chunk[at : at + 3], "little") + 1 for at in (12, 15))
        return _Stored(width, height, _webp_orientation(window) if chunk[8] & _HAS_EXIF else 1)
    if chunk[:4] == b"VP8L" and len(chunk) >= 13 and chunk[8] == 0x2F:
        bits = int.from_bytes(chunk[9:13], "little")
        return _Stored((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk[:4] == b"VP8 " and len(chunk) == 18 and chunk[11:14] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(chunk[at : at + 2], "little") & 0x3FFF for at in (14, 16))
        return _Stored(width, height)
    return None


_HAS_EXIF = 0x08
"""A flag of VP8X."""


def _webp_orientation(window: _Window) -> int:
    """The orientation in the EXIF chunk, which follows the pixels."""
    position = 12
    while chunk := window.whole(position, 8):
        length = int.from_bytes(chunk[4:], "little")
        position += 8
        if chunk[:4] == b"EXIF":
            start = position + (len(_EXIF) if window.read(position, len(_EXIF)) == _EXIF else 0)
            return _orientation(window, start, position + length) or 1
        position += length + length % 2
    return 1


_FORMATS: tuple[tuple[bytes, int, str, Callable[[_Window], _Stored | None]], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg", _jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", _png),
    (b"WEBP", 8, "image/webp", _webp),
)

_EXIF = b"Exif\0\0"
_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_ORIENTATION = 274
_MAX_TAGS = 200
"""Most tags of a directory that are examined. Cameras write about twenty."""


def _orientation(window: _Window, start: int, end: int) -> int:
    """The orientation in the first directory of a TIFF structure (TIFF 6.0, section 2); 0 if there is none.

    Malformed data counts as none: the picture is then shown as it is stored.
    """
    header = window.read(start, 8)
    order = _BYTE_ORDERS.get(header[:4])
    if order is None:
        return 0
    directory = start + int.from_bytes(header[4:], order)
    tags = int.from_bytes(window.read(directory, 2), order)
    for number in range(min(tags, _MAX_TAGS)):
        at = directory + 2 + 12 * number
        tag = window.read(at, 12) if at + 12 <= end else b""
        if int.from_bytes(tag[:2], order) == _ORIENTATION:
            # A SHORT (type 3) fills the first half of its field, a LONG (type 4) all of it.
            value = int.from_bytes(tag[8:10] if int.from_bytes(tag[2:4], order) == 3 else tag[8:12], order)
            return value if 1 <= value <= 8 else 0
    return 0


FORMAT_HEAD = 64
"""Bytes at the start of a file that identify its format."""


def format_name(head: bytes) -> str | None:
    """A file's format with its article, such as "a GIF", from its first 24 bytes or more; None if unknown.

    Used in error messages, and to recognise base64 pictures.
    """
    return next((name for name, magic in _MAGIC if magic.match(head)), None)


_TAKEN = ("a JPEG", "a PNG", "a WebP")
_MAGIC = tuple(
    (name, re.compile(magic, re.DOTALL))
    for name, magic in (
        ("a JPEG", rb"\xff\xd8\xff"),
        ("a PNG", rb"\x89PNG\r\n\x1a\n"),
        ("a WebP", rb"RIFF....WEBP"),
        ("a GIF", rb"GIF8[79]a"),
        ("an AVIF", rb"....ftyp(?:avi[fs]|mi(?:f1|af).{4,}avi[fs])"),
        ("a HEIC", rb"....ftyp(?:he[iv][cmsx]|m[is]f1|miaf)"),
        ("a JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
        ("a JPEG 2000", rb"\0\0\0\x0cjP  "),
        ("a BMP", rb"BM....\0\0\0\0"),
        ("a TIFF", rb"II[*+]\0|MM\0[*+]"),
        ("a PDF", rb"%PDF-"),
        ("an SVG", rb"(?:\xef\xbb\xbf)?\s*<(?:svg|[?!].*<svg)"),
    )
)
"""By their first bytes. ISO media files name their brands there (ISO 14496-12, 4.3)."""


def new_id(expires: int) -> str:
    """A new identifier for a picture: 128 random bits and its expiry time (Unix seconds).

    Because the name includes the expiry, an expired link is recognised without asking the store.
    """
    token = binascii.b2a_base64(os.urandom(16), newline=False).rstrip(b"=").translate(_URL_SAFE).decode()
    return f"{token}-{_base36(expires)}"


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _base36(number: int) -> str:
    """Seven digits, enough until the year 4453."""
    digits = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def file_name(id: str, mime: str) -> str:
    """The identifier with the extension of the picture's type, as used in links."""
    return f"{id}.{EXTENSIONS[mime]}"


def is_id(text: str) -> bool:
    """Whether a text has the format of `new_id`."""
    return _IDENTIFIER.fullmatch(text) is not None


def id_of_file(name: str) -> str | None:
    """The identifier in a file name; None if it does not have the format of `file_name`."""
    match = _FILE.fullmatch(name)
    return match[1] if match else None


def expiry(id: str) -> int:
    """When the picture with this identifier expires, in Unix seconds."""
    return int(id.rpartition("-")[2], 36)


def id_in_url(url: str) -> str | None:
    """The identifier in a link to this service, on any host, with any query and fragment; None for other URLs."""
    match = _LINK.fullmatch(url.strip())
    return match[1] if match else None


def ids_in_text(text: str) -> Iterator[tuple[int, str]]:
    """The pictures that a text links to, in order: the position of each link, and its identifier."""
    return ((match.start(), match[1]) for match in _LINK_IN_TEXT.finditer(text))
