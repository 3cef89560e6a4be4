"""Sizes in pixels, and the ratios that stand for them."""

import math

import pytest

from flux import catalog, sizes
from flux.errors import InvalidRequest
from flux.sizes import Size

ALL_SIDES = [model.sides for model in catalog.MODELS.values() if model.sides]
ODD = (64, 65, 255, 257, 1001, 1919, 2047, 2499, 2500, 4095, 4096)
POSSIBLE = [
    *sizes.RATIOS.values(),
    *(Size(w, h) for w in (256, 264, 512, 1016, 1920, 2048) for h in (256, 264, 512, 1016, 1920, 2048)),
]


def test_the_six_ratios_of_the_contract_have_their_sizes() -> None:
    contract = "1:1 1024x1024, 1:2 512x1024, 3:2 768x512, 3:4 768x1024, 16:9 1024x576, 9:16 576x1024"
    for pair in contract.split(", "):
        ratio, size = pair.split()
        assert str(sizes.RATIOS[ratio]) == size
    assert sizes.RATIOS["1:1"] == sizes.DEFAULT


@pytest.mark.parametrize("ratio", ["2:1", "2:3", "4:3", "4:5", "5:4", "21:9", "9:21"])
def test_the_other_ratios_are_exact_and_about_a_megapixel(ratio: str) -> None:
    """Sides are multiples of 16."""
    size = sizes.RATIOS[ratio]
    width, height = map(int, ratio.split(":"))
    assert size.width * height == size.height * width
    assert size.width % 16 == size.height % 16 == 0
    assert 0.9 < size.width * size.height / 2**20 < 1.1


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", None),
        ("auto", None),
        (" AUTO ", None),
        ("256x2048", Size(256, 2048)),
        ("1024X1536", Size(1024, 1536)),
        ("1024×1536", Size(1024, 1536)),
        ("1024*1536", Size(1024, 1536)),
        (" 264x264 ", Size(264, 264)),
        ("16:9", Size(1024, 576)),
        ("16：9", Size(1024, 576)),
    ],
)
def test_a_size_is_auto_a_ratio_or_two_sides(text: str, size: Size | None) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize(
    "text",
    ["big", "1024", "1024x", "x1024", "x", "63x512", "512x4097", "-512x512", "512x512x512", "5e2x512", "512.0x512",
     "٥١٢x512", "00512x512", "5:1", "1:4.01", "0:1", "1024x1024px", "0x0", "512 512", "9" * 5000 + "x512"],
)  # fmt: skip
def test_any_other_size_is_refused_with_what_is_possible(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sizes.parse(text)
    assert refusal.value.param == "size"
    assert all(word in refusal.value.message for word in ("64", "4096"))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2.35:1", Size(1568, 672)),
        ("9:19.5", Size(688, 1504)),
        ("4:1", Size(2048, 512)),
        ("1:4", Size(512, 2048)),
        ("32:18", Size(1024, 576)),
        ("2K", Size(2048, 2048)),
        ("4k", Size(4096, 4096)),
        ("1366x768", Size(1366, 768)),
        ("3840x2160", Size(3840, 2160)),
        ("64x4096", Size(64, 4096)),
    ],
)
def test_any_ratio_from_1_4_to_4_1_and_any_whole_side_is_a_size(text: str, size: Size) -> None:
    """A shape that is equal to a listed ratio gives the listed size."""
    assert sizes.parse(text) == size


@pytest.mark.parametrize("size", POSSIBLE, ids=str)
@pytest.mark.parametrize("sides", dict.fromkeys(ALL_SIDES), ids=str)
def test_what_a_model_is_asked_for_is_in_its_range(size: Size, sides: catalog.Sides) -> None:
    """In steps that diffusion models take; the size itself if possible."""
    asked = sizes.within(size, sides.min, sides.max)
    assert sides.min <= asked.width <= sides.max
    assert sides.min <= asked.height <= sides.max
    assert asked.width % 8 == asked.height % 8 == 0
    if sides.min <= min(size.width, size.height) and max(size.width, size.height) <= sides.max:
        assert asked == size


@pytest.mark.parametrize("size", [Size(w, h) for w in ODD for h in ODD], ids=str)
@pytest.mark.parametrize("sides", dict.fromkeys(ALL_SIDES), ids=str)
def test_whatever_is_delivered_a_model_is_asked_for_what_it_can_draw(size: Size, sides: catalog.Sides) -> None:
    """Sides in its range and in steps of 8, with at least as many pixels as delivered if the model can draw them."""
    asked = sizes.within(size, sides.min, sides.max)
    most = sides.max // 16 * 16
    for wanted, other, side in ((size.width, size.height, asked.width), (size.height, size.width, asked.height)):
        assert sides.min <= side <= sides.max
        assert side % 8 == 0
        if max(wanted, other) <= sides.max:
            assert side >= min(wanted, most)


def test_a_size_out_of_range_keeps_its_shape() -> None:
    assert sizes.within(Size(2048, 1024), 256, 1920) == Size(1920, 960)
    assert sizes.within(Size(128, 256), 256, 1920) == Size(256, 512)


@pytest.mark.parametrize("shape", [(512, 512), (1, 1), (4000, 3000), (3000, 4000), (100, 99), (1920, 1080)])
def test_an_edit_without_a_size_keeps_the_shape_of_its_picture(shape: tuple[int, int]) -> None:
    """At about one megapixel, with sides that models take."""
    size = sizes.like(*shape)
    assert math.isclose(size.width / size.height, shape[0] / shape[1], rel_tol=0.03)
    assert math.isclose(size.width * size.height, 2**20, rel_tol=0.05)
    assert size.width % 16 == size.height % 16 == 0


@pytest.mark.parametrize("shape", [(1, 65535), (65535, 1), (2**31, 2**31), (16383, 1)])
def test_an_edit_of_a_picture_of_no_usual_shape_has_a_possible_size(shape: tuple[int, int]) -> None:
    size = sizes.like(*shape)
    assert sizes.parse(str(size)) == size
