"""Tests that every `Resizer` must pass: the Images binding in real workerd, and the in-memory version."""

from collections.abc import Awaitable, Callable
from itertools import product

import pytest
from PIL import Image

from flux.picture import EXTENSIONS, Picture
from flux.ports import ResizeFailed, Resizer
from flux.sizes import Size
from tests.fakes import Bytes, encoded, opened

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}
ORIENTATION = 0x0112
"""The EXIF tag."""


def stripes(width: int, height: int, mime: str = "image/jpeg", orientation: int = 1) -> Picture:
    """A picture that shows three vertical stripes, red, green and blue from left to right, when displayed upright."""
    image = Image.new("RGB", (width, height), GREEN)
    image.paste(RED, (0, 0, width // 4, height))
    image.paste(BLUE, (width - width // 4, 0, width, height))
    turned = image
    for turn in _TURNS[orientation]:
        turned = turned.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(turned, mime, exif=exif)
    return Picture(mime, turned.width, turned.height, Bytes(data), orientation)


_TURNS: dict[int, tuple[Image.Transpose, ...]] = {
    1: (),
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_90,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_270,),
}
"""The transformation that each orientation undoes."""


def seen(picture: Picture) -> list[str]:
    """The colours at the left, in the middle and at the right."""
    image = opened(picture).convert("RGB")
    assert image.size == (picture.width, picture.height)
    places = (2, image.width // 2, image.width - 3)
    return [_named(image.getpixel((x, image.height // 2))) for x in places]


def _named(colour: object) -> str:
    assert isinstance(colour, tuple)
    return min(COLOURS, key=lambda name: sum(abs(a - b) for a, b in zip(colour, COLOURS[name], strict=True)))


async def a_picture_is_cut_to_exactly_the_size_with_its_middle_kept(resizer: Resizer) -> None:
    for size in (Size(100, 200), Size(33, 77), Size(400, 100)):
        found = await resizer.resize(stripes(400, 200), size, "image/jpeg")
        assert found.size == str(size)
        assert seen(found)[1] == "green"
    assert seen(await resizer.resize(stripes(400, 200), Size(100, 200), "image/jpeg")) == ["green"] * 3
    assert seen(await resizer.resize(stripes(400, 200), Size(400, 100), "image/jpeg")) == ["red", "green", "blue"]


async def a_picture_is_enlarged_to_the_size(resizer: Resizer) -> None:
    found = await resizer.resize(stripes(40, 20), Size(400, 200), "image/jpeg")
    assert (found.size, seen(found)) == ("400x200", ["red", "green", "blue"])


async def every_type_becomes_every_other(resizer: Resizer) -> None:
    for given, wanted in product(EXTENSIONS, repeat=2):
        found = await resizer.resize(stripes(64, 64, given), Size(64, 64), wanted, 90)
        assert found.type == wanted
        assert opened(found).get_format_mimetype() == wanted  # type: ignore[attr-defined]


async def a_picture_is_made_smaller_in_its_own_shape_and_type(resizer: Resizer) -> None:
    for mime in EXTENSIONS:
        found = await resizer.fit_within(stripes(400, 200, mime), 100)
        assert (found.type, found.size, seen(found)) == (mime, "100x50", ["red", "green", "blue"])


async def a_picture_is_made_smaller_as_another_type(resizer: Resizer) -> None:
    """The local Images service ignores the quality."""
    for given, wanted in product(EXTENSIONS, repeat=2):
        found = await resizer.fit_within(stripes(400, 200, given), 100, wanted, 60)
        assert (found.type, found.size, seen(found)) == (wanted, "100x50", ["red", "green", "blue"])


async def a_picture_that_is_small_enough_keeps_its_size(resizer: Resizer) -> None:
    assert (await resizer.fit_within(stripes(60, 40), 100)).size == "60x40"


async def a_picture_that_lies_on_its_side_is_stood_up(resizer: Resizer) -> None:
    """For every kind of resizing. Nothing is left in the file that would rotate it again."""
    for orientation in range(1, 9):
        given = stripes(400, 200, orientation=orientation)
        smaller = await resizer.fit_within(given, 100)
        same = await resizer.fit_within(given, 1000)
        cut = await resizer.resize(given, Size(400, 200), "image/png")
        assert (smaller.size, same.size, cut.size) == ("100x50", "400x200", "400x200")
        for found in (smaller, same, cut):
            assert seen(found) == ["red", "green", "blue"]
            assert found.orientation == 1
            assert opened(found).getexif().get(ORIENTATION, 1) == 1


async def what_is_no_picture_cannot_be_cut(resizer: Resizer) -> None:
    for data in (b"no picture", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"):
        given = Picture("image/jpeg", 10, 10, Bytes(data))
        with pytest.raises(ResizeFailed):
            await resizer.resize(given, Size(5, 5), "image/jpeg")
        with pytest.raises(ResizeFailed):
            await resizer.fit_within(given, 5)


PROMISES: tuple[Callable[[Resizer], Awaitable[None]], ...] = (
    a_picture_is_cut_to_exactly_the_size_with_its_middle_kept,
    a_picture_is_enlarged_to_the_size,
    every_type_becomes_every_other,
    a_picture_is_made_smaller_in_its_own_shape_and_type,
    a_picture_is_made_smaller_as_another_type,
    a_picture_that_is_small_enough_keeps_its_size,
    a_picture_that_lies_on_its_side_is_stood_up,
    what_is_no_picture_cannot_be_cut,
)
