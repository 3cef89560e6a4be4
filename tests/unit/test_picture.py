"""A picture's type and size, read from its own bytes, and the names under which pictures are stored."""

import io
import struct

import pytest
from PIL import Image

from flux import picture
from flux.picture import look
from tests.fakes import Bytes, encoded

SHAPE = (321, 123)
NOISE = Image.effect_noise(SHAPE, 100).convert("RGB")

FILES = {
    "baseline JPEG": ("image/jpeg", encoded(NOISE)),
    "progressive JPEG": ("image/jpeg", encoded(NOISE, progressive=True)),
    "grey JPEG": ("image/jpeg", encoded(NOISE.convert("L"))),
    "CMYK JPEG": ("image/jpeg", encoded(NOISE.convert("CMYK"))),
    "JPEG with a comment": ("image/jpeg", encoded(NOISE, comment=b"\xff\xc0 no frame header" * 40)),
    "JPEG with a long EXIF": ("image/jpeg", encoded(NOISE, exif=b"Exif\0\0" + bytes(60_000))),
    "JPEG with a long ICC profile": ("image/jpeg", encoded(NOISE, icc_profile=bytes(range(256)) * 800)),
    "PNG": ("image/png", encoded(NOISE, "image/png")),
    "PNG with alpha": ("image/png", encoded(NOISE.convert("RGBA"), "image/png")),
    "palette PNG": ("image/png", encoded(NOISE.convert("P"), "image/png")),
    "WebP, lossy (VP8)": ("image/webp", encoded(NOISE, "image/webp")),
    "WebP, lossless (VP8L)": ("image/webp", encoded(NOISE, "image/webp", lossless=True)),
    "WebP, extended (VP8X)": ("image/webp", encoded(NOISE, "image/webp", exif=b"Exif\0\0MM\0*" + bytes(90))),
}
NAMES = list(FILES)


@pytest.mark.parametrize("name", NAMES)
def test_type_and_size_are_read_from_the_bytes(name: str) -> None:
    """The same as in Pillow, wherever the metadata puts the frame header."""
    mime, data = FILES[name]
    blob = Bytes(data)
    found = look(blob)
    assert found is not None
    assert (found.type, found.width, found.height, found.blob) == (mime, *SHAPE, blob)
    assert found.size == "321x123"


def test_the_files_are_the_kinds_they_are_called() -> None:
    """Otherwise the previous test would prove less than it claims."""
    kinds = {name.split("(")[1][:4]: data[12:16].strip() for name, (_, data) in FILES.items() if "(" in name}
    assert kinds == {"VP8)": b"VP8", "VP8L": b"VP8L", "VP8X": b"VP8X"}
    assert b"\xff\xc2" in FILES["progressive JPEG"][1]
    assert Image.open(io.BytesIO(FILES["JPEG with a long ICC profile"][1])).info["icc_profile"]
    for name in ("JPEG with a long EXIF", "JPEG with a long ICC profile"):
        assert FILES[name][1].index(b"\xff\xc0\x00\x11") > 60_000


@pytest.mark.parametrize("name", NAMES)
def test_only_headers_are_copied_into_python(name: str) -> None:
    """However large the file and its metadata."""
    blob = Bytes(FILES[name][1] + bytes(1_000_000))
    look(blob)
    assert blob.copied <= 8 * picture.FIRST_READ


@pytest.mark.parametrize("shape", [(1, 1), (1, 16383), (16383, 1), (255, 257)])
@pytest.mark.parametrize("mime", picture.EXTENSIONS)
def test_sizes_of_one_and_of_many_pixels(mime: str, shape: tuple[int, int]) -> None:
    found = look(Bytes(encoded(Image.new("RGB", shape), mime)))
    assert found is not None
    assert (found.type, found.width, found.height) == (mime, *shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_short_before_its_size_is_no_picture(name: str) -> None:
    """After that, the result does not depend on where it is cut, and reading never fails."""
    mime, data = FILES[name]
    sizes = [look(Bytes(data[:length])) for length in (*range(700), *range(700, len(data), 997))]
    known = [found is not None for found in sizes]
    assert known == sorted(known)  # once known, always known
    assert not known[23]
    assert {(found.type, found.width, found.height) for found in sizes if found} <= {(mime, *SHAPE)}


@pytest.mark.parametrize("name", NAMES)
def test_half_of_a_picture_is_told_from_a_whole_one(name: str) -> None:
    """At whichever byte it breaks off. Padding at the end is accepted."""
    data = FILES[name][1]

    def is_whole(part: bytes) -> bool:
        found = look(Bytes(part))
        assert found is not None
        return picture.is_whole(found)

    assert is_whole(data)
    assert is_whole(data + bytes(40))
    begun = next(length for length in range(len(data)) if look(Bytes(data[:length])))
    assert [length for length in (*range(begun, len(data) - 12, 97), len(data) - 12) if is_whole(data[:length])] == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"<!DOCTYPE html><html>",
        b'{"errors": []}',
        encoded(NOISE, "image/gif"),
        encoded(NOISE, "image/bmp"),
        encoded(NOISE, "image/tiff"),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"RIFF\0\0\0\0WEBPVP8?" + bytes(100),
        b"RIFF\0\0\0\0WEBPVP8 " + b"\7" * 100,  # without the signatures of their first frames
        b"RIFF\0\0\0\0WEBPVP8L" + b"\7" * 100,
        b"XXXX\0\0\0\0WEBPVP8X" + bytes(100),
        b"\xff\xd8\xff\xe0\x00\x01" + bytes(100),  # a segment shorter than its own length field
        b"\xff\xd8\xff\xda\x00\x0c" + bytes(100),  # a scan before any frame
        b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + b"\x00\xc0" + bytes(100),  # no marker where one is required
    ],
)
def test_anything_else_is_no_picture(data: bytes) -> None:
    assert look(Bytes(data)) is None


@pytest.mark.parametrize("marker", sorted(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}))
def test_every_kind_of_frame_tells_its_size(marker: int) -> None:
    """ITU T.81, table B.1: sixteen codes, three of which have another meaning."""
    frame = struct.pack(">BBHBHH", 0xFF, marker, 11, 8, 1234, 4321)
    for other in (0xC4, 0xC8, 0xCC, 0xE0, 0xFE):
        found = look(Bytes(b"\xff\xd8" + struct.pack(">BBHI", 0xFF, other, 6, 0) + frame))
        assert found is not None
        assert (found.width, found.height) == (4321, 1234)


@pytest.mark.parametrize("before", range(picture.FIRST_READ - 24, picture.FIRST_READ + 8))
def test_a_frame_header_is_read_wherever_the_first_read_ends(before: int) -> None:
    """Before it, inside it, after it."""
    comment = b"\xff\xfe" + struct.pack(">H", before - 4) + bytes(before - 6)
    found = look(Bytes(b"\xff\xd8" + comment + struct.pack(">BBHBHH", 0xFF, 0xC0, 11, 8, 1234, 4321)))
    assert found is not None
    assert (found.width, found.height) == (4321, 1234)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\1\2\3\4", (2**31 - 1, 0x01020304)),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\xff\xff\xff\1\2\3", (2**24, 0x030202)),
        (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\xff\xff\xff\x0f", (16384, 16384)),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(7) + b"\x9d\1\x2a\xff\xff\xff\x3f", (16383, 16383)),
    ],
)
def test_the_largest_sizes_are_read_from_as_few_bytes_as_hold_them(header: bytes, size: tuple[int, int]) -> None:
    """The upper bits of VP8's sides are a scale and not part of them (RFC 6386, 9.1)."""
    found = look(Bytes(header))
    assert found is not None
    assert (found.width, found.height) == size
    assert look(Bytes(header[:-1])) is None


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_a_picture_of_no_pixels_is_none(shape: tuple[int, int]) -> None:
    """Including a JPEG whose height follows its first scan (ITU T.81, B.2.5)."""
    ihdr = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", *shape) + bytes(9)
    frame = b"\xff\xd8\xff\xc0\0\x0b\x08" + struct.pack(">HH", *shape) + bytes(9)
    assert look(Bytes(ihdr)) is None
    assert look(Bytes(frame)) is None


@pytest.mark.parametrize("number", [1, 2, 29])
def test_fill_bytes_before_a_marker_are_passed_over(number: int) -> None:
    """ITU T.81, B.1.1.2."""
    jpeg = FILES["baseline JPEG"][1]
    found = look(Bytes(jpeg[:2] + b"\xff" * number + jpeg[2:]))
    assert found is not None
    assert (found.width, found.height) == SHAPE


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xe0\x00\x02"])
def test_a_file_of_nothing_but_filler_is_given_up(filler: bytes) -> None:
    """However long it is and however many segments it has."""
    blob = Bytes(b"\xff\xd8" + filler * 1_000_000)
    assert look(blob) is None
    assert blob.copied < 1_000_000


@pytest.mark.parametrize("mime", picture.EXTENSIONS)
def test_a_key_has_128_random_bits_and_the_extension_of_its_type(mime: str) -> None:
    keys = {picture.file_name(picture.new_id(2_000_000_000), mime) for _ in range(1000)}
    assert len(keys) == 1000
    assert all(picture.id_of_file(key) for key in keys)
    assert {key.split(".")[1] for key in keys} == {picture.EXTENSIONS[mime]}
    assert {len(key.split(".")[0]) for key in keys} == {22 + len("-0x2qdud")}  # 128 bits at 6 per character, and expiry
    assert len(set("".join(key[:21] for key in keys))) == 64


@pytest.mark.parametrize("expires", [0, 1, 35, 36, 1_795_378_000, 2**31, 36**7 - 1])
def test_a_key_tells_when_its_picture_expires(expires: int) -> None:
    assert picture.expiry(picture.new_id(expires)) == expires


KEY = "abcdefghijklmnopqrst_--1vuhmo0.jpg"


@pytest.mark.parametrize(
    "text",
    ["", "x", KEY[:-4], f"{KEY}\n", f" {KEY}", KEY.replace("_", "/"), KEY.replace("_", "é"), KEY.replace("jpg", "svg"),
     KEY.replace("jpg", "JPG"), f"a{KEY}", KEY[1:], f"../{KEY}", KEY.replace(".", "%2E"), f"{KEY}\0"],
)  # fmt: skip
def test_what_cannot_be_a_key_is_told_without_a_look_up(text: str) -> None:
    assert picture.id_of_file(KEY)
    assert not picture.id_of_file(text)
