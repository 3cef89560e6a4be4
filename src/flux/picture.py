"""What a picture is, read from its own bytes: nobody's word is taken for its type or its size."""

import binascii
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flux.text import Blob

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
"""The types we serve, each with the extension of its links."""

FIRST_READ = 512
"""Bytes copied into Python at first. JPEG from the models we serve tells its size within 200."""

MAX_SEGMENTS = 1024
"""JPEG segments walked before giving up: an upload of nothing but fill bytes must not cost a walk."""

_ID = r"([A-Za-z0-9_-]{22}-[0-9a-z]{7})"
_FILE_NAME = rf"{_ID}\.(?:{'|'.join(EXTENSIONS.values())})"
_IDENTIFIER = re.compile(_ID)
_FILE = re.compile(_FILE_NAME)
_LINK = re.compile(rf"(?i:https?)://[^\s?#]+/image/{_FILE_NAME}(?:[?#]\S*)?")
_LINK_IN_TEXT = re.compile(rf"/image/{_FILE_NAME}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a handle: what it is, and the bytes that stay outside Python."""

    type: str
    """MIME type, one of `EXTENSIONS`."""
    width: int
    height: int
    """Pixels."""
    blob: Blob
    orientation: int = 1
    """How the picture is to be turned when it is shown (EXIF, 1 to 8): 1 is upright."""

    @property
    def size(self) -> str:
        """As OpenAI writes it: `1024x576`."""
        return f"{self.width}x{self.height}"


def look(blob: Blob) -> Picture | None:
    """The picture that these bytes are; None where they are no JPEG, PNG or WebP with a size."""
    head = blob.read(0, FIRST_READ)
    for magic, offset, mime, measure in _FORMATS:
        if head[offset : offset + len(magic)] == magic:
            size = measure(head, blob)
            if size and size[0] > 0 and size[1] > 0:
                return Picture(mime, size[0], size[1], blob)
    return None


def is_whole(one: Picture) -> bool:
    """Whether a picture ends as its format ends: half of one still has a header.

    For what models draw. Cameras append things of their own, so a person's picture may end otherwise.
    """
    if one.type == "image/webp":
        return int.from_bytes(one.blob.read(4, 4), "little") + 8 <= one.blob.size
    return _ENDS[one.type] in one.blob.read(max(0, one.blob.size - LAST_READ), LAST_READ)


LAST_READ = 64
"""Bytes at the end that hold the end marker: some encoders pad."""
_ENDS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}

_Size = tuple[int, int] | None


def _jpeg_size(head: bytes, blob: Blob) -> _Size:
    """Walk the marker segments to the frame header (ITU T.81, B.2.2).

    Metadata may stand before it, up to 64 KiB a segment, so the walk reads on where its window
    ends instead of copying the file.
    """
    start, position = 0, 2
    for _ in range(MAX_SEGMENTS):
        if position - start + 9 > len(head):
            start, head = position, blob.read(position, FIRST_READ)
        at = position - start
        segment = head[at : at + 9]
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        marker, length = segment[1], int.from_bytes(segment[2:4], "big")
        if marker == 0xFF:  # fill byte before a marker (B.1.1.2)
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # SOF, not DHT, JPG, DAC
            return int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big")
        elif marker in (0xD9, 0xDA) or length < 2:  # end or scan before any frame: no picture
            return None
        else:
            position += 2 + length
    return None


def _png_size(head: bytes, _blob: Blob) -> _Size:
    """IHDR is the first chunk (PNG specification, 11.2.1)."""
    if len(head) < 24 or head[12:16] != b"IHDR":
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _webp_size(head: bytes, _blob: Blob) -> _Size:
    """One of three chunks comes first (RFC 9649, sections 2.5 to 2.7)."""
    chunk = head[12:16] if head[:4] == b"RIFF" else b""
    if chunk == b"VP8X" and len(head) >= 30:
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if chunk == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        return (
            int.from_bytes(head[26:28], "little") & 0x3FFF,
            int.from_bytes(head[28:30], "little") & 0x3FFF,
        )
    return None


_FORMATS: tuple[tuple[bytes, int, str, Callable[[bytes, Blob], _Size]], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg", _jpeg_size),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", _png_size),
    (b"WEBP", 8, "image/webp", _webp_size),
)


FORMAT_HEAD = 64
"""Bytes that tell the format of a file."""


def format_name(head: bytes) -> str | None:
    """The format of a picture file, with its article, by its first 24 bytes or more: "a GIF". None where it is unknown.

    For the sentence that refuses it, and to recognise a picture in base64.
    """
    return next((name for name, magic in _MAGIC if magic.match(head)), None)


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
        ("an SVG", rb"(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml)"),
    )
)
"""By the first bytes of each: those of ISO media files name their brands (ISO 14496-12, 4.3)."""


def new_id(expires: int) -> str:
    """A fresh identifier for a picture: 128 random bits, and when it expires (Unix seconds).

    With its end in its name, a link that is dead is known to be without asking the store.
    """
    token = binascii.b2a_base64(os.urandom(16), newline=False).rstrip(b"=").translate(_URL_SAFE).decode()
    return f"{token}-{_base36(expires)}"


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _base36(number: int) -> str:
    """Seven digits: enough until the year 4453."""
    digits = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def file_name(id: str, mime: str) -> str:
    """The identifier with the extension of the picture's type, as links have it."""
    return f"{id}.{EXTENSIONS[mime]}"


def is_id(text: str) -> bool:
    """Whether `new_id` could have made this."""
    return _IDENTIFIER.fullmatch(text) is not None


def id_of_file(name: str) -> str | None:
    """The identifier in a file name; None for a text that `file_name` cannot have made."""
    match = _FILE.fullmatch(name)
    return match[1] if match else None


def expiry(id: str) -> int:
    """When the picture of an identifier expires, in Unix seconds."""
    return int(id.rpartition("-")[2], 36)


def id_in_url(url: str) -> str | None:
    """The identifier in a link of our own, whatever its host, query and fragment; None for any other URL."""
    match = _LINK.fullmatch(url.strip())
    return match[1] if match else None


def ids_in_text(text: str) -> Iterator[str]:
    """The identifiers of the pictures that a text links to, in their order."""
    return (match[1] for match in _LINK_IN_TEXT.finditer(text))
