"""A picture's orientation, read from EXIF; formats that no model takes; malformed files that decoders tolerate."""

import io
import struct
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from flux import picture
from flux.picture import EXTENSIONS, FIRST_READ, MAX_WALK, look
from flux.sizes import Size
from tests.fakes import Bytes, Scissors, data_of, encoded, opened

SHAPE = (40, 20)
NOISE = Image.effect_noise(SHAPE, 100).convert("RGB")
ORDERS = {"II": "<", "MM": ">"}


def exif(
    orientation: int, order: str = "II", *, kind: int = 3, before: int = 0, offset: int = 8, tag: int = 274
) -> bytes:
    """A TIFF structure with this orientation, `before` other tags before it, and its directory at `offset`."""
    end = ORDERS[order]
    others = [struct.pack(f"{end}HHII", 300 + number, 4, 1, 6) for number in range(before)]
    value = struct.pack(f"{end}HH", orientation, 0) if kind == 3 else struct.pack(f"{end}I", orientation)
    entry = struct.pack(f"{end}HHI", tag, kind, 1) + value
    directory = struct.pack(f"{end}H", before + 1) + b"".join(others) + entry + bytes(4)
    return order.encode() + struct.pack(f"{end}HI", 42, offset) + bytes(offset - 8) + directory


def lying(mime: str, tiff: bytes) -> bytes:
    """A picture with this EXIF. Pillow writes it into an APP1 segment, an eXIf chunk or an EXIF chunk."""
    return encoded(NOISE, mime, exif=tiff if mime == "image/png" else b"Exif\0\0" + tiff)


def shown(data: bytes) -> tuple[int, int]:
    """The size as Pillow shows it."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).size


@pytest.mark.parametrize(("orientation", "order", "mime"), [*product(range(1, 9), ORDERS, EXTENSIONS)])
def test_a_picture_has_the_size_that_is_seen(orientation: int, order: str, mime: str) -> None:
    """In both byte orders. Four of the eight orientations lie on a side."""
    data = lying(mime, exif(orientation, order))
    found = look(Bytes(data))
    assert found is not None
    assert (found.type, found.orientation, (found.width, found.height)) == (mime, orientation, shown(data))
    assert (found.width, found.height) == (SHAPE if orientation < 5 else SHAPE[::-1])


@pytest.mark.parametrize("mime", EXTENSIONS)
@pytest.mark.parametrize(
    "tiff",
    [exif(6, kind=4), exif(6, "MM", kind=4), exif(6, before=30), exif(6, "MM", before=100), exif(6, offset=5000)],
    ids=["a long", "a long, big-endian", "behind others", "behind many", "far behind its header"],
)
def test_the_orientation_is_found_wherever_it_stands(mime: str, tiff: bytes) -> None:
    found = look(Bytes(lying(mime, tiff)))
    assert found is not None
    assert (found.orientation, found.width, found.height) == (6, *SHAPE[::-1])


@pytest.mark.parametrize("mime", EXTENSIONS)
@pytest.mark.parametrize(
    "tiff",
    [exif(0), exif(9), exif(6, tag=275), exif(65_535), b"II*\0", b"II*\0\xff\xff\xff\xff", b"XX" + exif(6)[2:],
     exif(6)[:12], exif(6, before=250), b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60, bytes(40), b"MM*\0" + exif(6)[4:]],
)  # fmt: skip
def test_exif_that_says_nothing_leaves_a_picture_as_it_is_stored(mime: str, tiff: bytes) -> None:
    found = look(Bytes(lying(mime, tiff)))
    assert found is not None
    assert (found.orientation, found.width, found.height) == (1, *SHAPE)


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg(*before: bytes) -> bytes:
    """A JPEG with these segments before its others."""
    data = encoded(NOISE)
    return data[:2] + b"".join(before) + data[2:]


APP1 = segment(0xE1, b"Exif\0\0" + exif(6))


def test_a_photo_of_a_phone_lies_on_its_side() -> None:
    """60 KB of EXIF with a thumbnail, the maker's XMP, a depth map in many segments, a profile, then the frame."""
    thumbnail = b"\xff\xd8" + bytes(50_000) + b"\xff\xc0\0\x11\x08\0\x10\0\x10"
    first = segment(0xE1, b"Exif\0\0" + exif(6, "MM", before=14) + thumbnail)
    more = [segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000))] * 60
    blob = Bytes(jpeg(first, *more, segment(0xE2, b"MPF\0" + bytes(90)), segment(0xE2, b"ICC_PROFILE\0" + bytes(3000))))
    found = look(blob)
    assert found is not None
    assert (found.orientation, found.width, found.height) == (6, *SHAPE[::-1])
    assert blob.copied < 8000


@pytest.mark.parametrize(
    "before",
    [
        (segment(0xE0, b"JFIF\0" + bytes(9)), APP1),
        (segment(0xFE, b"a comment \xff\xc0"), APP1),
        (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), APP1),
        (APP1, segment(0xE1, b"Exif\0\0" + exif(3))),
        (segment(0xE1, b"Exif\0\0"), APP1),
        (segment(0xE1, b"Exif"), APP1),
        (b"\xff\xff\xff", APP1, b"\xff" * 70),
    ],
)
def test_the_first_exif_of_a_jpeg_counts(before: tuple[bytes, ...]) -> None:
    found = look(Bytes(jpeg(*before)))
    assert found is not None
    assert found.orientation == 6


@pytest.mark.parametrize(
    "stray", [b"\0", b"\0\0\0\0", b"\xff\0", b"abc\n", bytes(300), b"\xff" * 300, b"\xff\xd0", b"\xff\xd8"]
)
def test_stray_bytes_between_the_segments_of_a_jpeg_are_passed_over(stray: bytes) -> None:
    """As in decoders, which print a warning: libjpeg's `next_marker`."""
    comment = segment(0xFE, b"x")
    for data in (jpeg(comment, stray, APP1), jpeg(APP1, stray), jpeg(APP1, stray, comment, stray)):
        found = look(Bytes(data))
        assert found is not None
        assert (found.orientation, found.width, found.height) == (6, *SHAPE[::-1])


def test_exif_of_a_png_stands_before_its_pixels() -> None:
    """PNG specification, 11.3.3.6. After other chunks of any size."""
    data = lying("image/png", exif(8))
    large = struct.pack(">I", 100_000) + b"iTXt" + bytes(100_004)
    found = look(Bytes(data[:33] + large * 30 + data[33:]))
    assert found is not None
    assert found.orientation == 8


def test_exif_of_a_webp_counts_where_its_flag_says_so() -> None:
    """RFC 9649, 2.7."""
    data = bytearray(lying("image/webp", exif(8)))
    assert data[12:16] == b"VP8X"
    data[20] &= ~0x08
    found = look(Bytes(bytes(data)))
    assert found is not None
    assert (found.orientation, found.width) == (1, 40)


def test_exif_of_a_webp_is_found_behind_chunks_of_any_length() -> None:
    """Up to 20 MB of pixels, so that all four bytes of a chunk's length are needed."""
    data = lying("image/webp", exif(8))
    length = 17 * 2**20
    found = look(Bytes(data[:30] + b"ALPH" + struct.pack("<I", length) + bytes(length) + data[30:]))
    assert found is not None
    assert found.orientation == 8


CHANGES = st.lists(st.tuples(st.integers(0, 399), st.integers(0, 255)), max_size=12)


@given(
    st.sampled_from([*EXTENSIONS]), st.sampled_from([*ORDERS]), CHANGES, st.binary(max_size=60), st.integers(0, 2000)
)
def test_any_exif_is_read_or_left(mime: str, order: str, changes: list[tuple[int, int]], more: bytes, end: int) -> None:
    """Whatever is changed, inserted or cut off: the picture has some orientation or none, and little is copied."""
    data = bytearray(lying(mime, exif(6, order, before=3) + more))
    for place, byte in changes:
        data[place % len(data)] = byte
    blob = Bytes(bytes(data[: max(end, 30)]))
    found = look(blob)
    assert found is None or (found.orientation in range(1, 9) and found.width > 0 < found.height)
    assert blob.copied <= FIRST_READ + MAX_WALK


SHORT_APP1 = b"\xff\xe1\0\x10Exif\0\0II*\0\x08\0\0\0"
IHDR = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"
FILLERS = {
    "JPEG": (b"\xff\xd8\xff", [b"\xff", b"\0", b"\xff\xfe\0\x02", b"\xff\xd0", SHORT_APP1]),
    "PNG": (IHDR, [b"\0", b"\0\0\0\0eXIf\0\0\0\0", b"\0\0\0\0tEXt    "]),
    "WebP": (b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\x08" + bytes(9), [b"\0", b"ANMF\0\0\0\0", b"EXIF\0\0\0\0"]),
}  # fmt: skip


@pytest.mark.parametrize(("head", "filler"), [(head, one) for head, fillers in FILLERS.values() for one in fillers])
def test_a_file_of_filler_is_given_up(head: bytes, filler: bytes) -> None:
    blob = Bytes(head + filler * (2_000_000 // len(filler)))
    look(blob)
    assert blob.copied <= FIRST_READ + MAX_WALK


# --- what no model takes --------------------------------------------------------------------------

OTHERS = {
    "a GIF": encoded(NOISE, "image/gif"),
    "a BMP": encoded(NOISE, "image/bmp"),
    "a TIFF": encoded(NOISE, "image/tiff"),
    "an AVIF": encoded(NOISE, "image/avif"),
    "a HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90),
    "a JPEG XL": b"\xff\x0a" + bytes(90),
    "a JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(90),
    "a PDF": b"%PDF-1.7\n",
    "an SVG": b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a cat -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
}


@pytest.mark.parametrize(("name", "data"), OTHERS.items(), ids=OTHERS.keys())
def test_a_format_that_no_model_takes_is_named(name: str, data: bytes) -> None:
    assert look(Bytes(data)) is None
    assert picture.refusal(Bytes(data)) == f"The picture is {name}: send PNG, JPEG or WebP."


@pytest.mark.parametrize(
    "head",
    [b"\0\0\0\x1cftypmif1\0\0\0\0miafavifmif1", b"\0\0\0\x1cftypavis\0\0\0\0", b"\0\0\0\x18ftypmsf1\0\0\0\0",
     b"\0\0\0\x18ftyphevx", b"MM\0*", b"GIF87a", b"  <svg>", b"<!DOCTYPE svg PUBLIC><svg>"],
)  # fmt: skip
def test_every_brand_of_a_format_is_known(head: bytes) -> None:
    assert "send PNG, JPEG or WebP" in picture.refusal(Bytes(head + bytes(30)))


@pytest.mark.parametrize("data", [b"", b"a cat", b"<html></html>", b"\0\0\0\x18ftypmp42", b"BMW", bytes(90)])
def test_what_has_no_name_is_no_picture(data: bytes) -> None:
    assert picture.refusal(Bytes(data)) == "The picture is no PNG, JPEG or WebP."


@pytest.mark.parametrize(("mime", "name"), [("image/png", "a PNG"), ("image/jpeg", "a JPEG"), ("image/webp", "a WebP")])
def test_a_damaged_picture_is_called_so(mime: str, name: str) -> None:
    damaged = Bytes(encoded(NOISE, mime)[:16])
    assert look(damaged) is None
    assert picture.refusal(damaged) == f"The picture is {name} that cannot be read. Send it again."


# --- the in-memory version of Cloudflare Images ---------------------------------------------------

HALVES = Image.new("RGB", (600, 400), "red")
HALVES.paste("blue", (0, 0, 600, 200))
"""Stored as blue above red."""


@pytest.mark.parametrize("mime", EXTENSIONS)
@pytest.mark.parametrize(
    ("orientation", "size", "top"), [(1, (300, 200), "blue"), (3, (300, 200), "red"), (6, (200, 300), None)]
)
async def test_a_resizer_turns_a_picture_upright(
    mime: str, orientation: int, size: tuple[int, int], top: str | None
) -> None:
    """The result needs no further rotation."""
    tiff = exif(orientation)
    given = look(Bytes(encoded(HALVES, mime, exif=tiff if mime == "image/png" else b"Exif\0\0" + tiff)))
    assert given is not None
    fitted = await Scissors().fit_within(given, 300)
    cut = await Scissors().resize(given, Size(*size), mime)
    for found in (fitted, cut):
        assert (found.orientation, found.width, found.height) == (1, *size)
        assert data_of(found.blob).count(b"Exif") == 0
        red, _, blue = opened(found).convert("RGB").getpixel((size[0] // 2, size[1] // 4))  # type: ignore[misc]
        assert top is None or (blue > red) == (top == "blue")
