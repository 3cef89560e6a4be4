"""Sizes in pixels, and the ratios that stand for them."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from flux.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


RATIOS = {
    "1:1": Size(1024, 1024),
    "1:2": Size(512, 1024),
    "3:2": Size(768, 512),
    "3:4": Size(768, 1024),
    "16:9": Size(1024, 576),
    "9:16": Size(576, 1024),
    # About one megapixel, exact ratios, sides multiples of 16.
    "2:1": Size(1440, 720),
    "2:3": Size(832, 1248),
    "4:3": Size(1152, 864),
    "4:5": Size(896, 1120),
    "5:4": Size(1120, 896),
    "21:9": Size(1568, 672),
    "9:21": Size(672, 1568),
}
DEFAULT = RATIOS["1:1"]
MIN_SIDE, MAX_SIDE = 64, 4096
"""Range of a delivered picture's sides, in pixels; every whole number in it is possible."""
MAX_PIXELS = 40_000_000
"""For all pictures of one call together: as PNG they must fit into the isolate's memory."""
MAX_RATIO = 4
"""Longer side to shorter side, if a shape is requested as a ratio."""

RESOLUTIONS = {"0.5k": 0.5, "512": 0.5, "1k": 1.0, "2k": 2.0, "4k": 4.0}
"""Factors for the sides of a shape (`image_size` of OpenRouter and Google)."""

_RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,4})?) ?[:：/] ?(\d{1,5}(?:\.\d{1,4})?)", re.ASCII)
_SIDES = re.compile(r"([1-9]\d{0,4}) ?[x×*] ?([1-9]\d{0,4})", re.ASCII)
UNSAID = frozenset(("", "auto", "default", "match_input_image"))
"""Values that leave the shape to the service."""


def parse(text: str, param: str = "size") -> Size | None:
    """A size from a ratio, `WxH`, a resolution or `auto` (None: the service chooses).

    The full-width colon counts as a colon. Raises `InvalidRequest`, which says what is possible.
    """
    text = text.strip().lower()
    if text in UNSAID:
        return None
    if size := of_ratio(text):
        return size
    if text in RESOLUTIONS:
        return scaled(DEFAULT, RESOLUTIONS[text])
    if match := _SIDES.fullmatch(text):
        return of_sides(int(match[1]), int(match[2]), param)
    raise InvalidRequest(
        f"Give a size as WIDTHxHEIGHT, each from {MIN_SIDE} to {MAX_SIDE} pixels, or a ratio from 1:{MAX_RATIO} to "
        f"{MAX_RATIO}:1 such as 16:9.",
        param=param,
    )


def parse_shape(text: str, param: str) -> Size | None:
    """Like `parse`, but sides that are too small for a picture are a ratio (`16x9`)."""
    match = _SIDES.fullmatch(text.strip().lower())
    if match and max(int(match[1]), int(match[2])) < MIN_SIDE:
        text = f"{match[1]}:{match[2]}"
    return parse(text, param)


def of_sides(width: int, height: int, param: str) -> Size:
    """The size with these sides. Raises `InvalidRequest` if one is out of range."""
    if min(width, height) >= MIN_SIDE and max(width, height) <= MAX_SIDE:
        return Size(width, height)
    raise InvalidRequest(f"A picture can have {MIN_SIDE} to {MAX_SIDE} pixels a side.", param=param)


def of_ratio(text: str) -> Size | None:
    """About a megapixel in the shape of a ratio, which may have decimals; None if the text is not a valid ratio."""
    match = _RATIO.fullmatch(text)
    if not match:
        return None
    width, height = float(match[1]), float(match[2])
    if not width or not height or not 1 / MAX_RATIO <= width / height <= MAX_RATIO:
        return None
    return _BY_SHAPE.get(width / height) or like(width, height)


def scaled(size: Size, factor: float) -> Size:
    """A size with its sides multiplied, limited to the range."""
    factor = min(factor, MAX_SIDE / max(size.width, size.height))
    return Size(round(size.width * factor), round(size.height * factor))


def like(width: float, height: float) -> Size:
    """About one megapixel in the shape of a picture; sides are multiples of 16."""
    scale = math.sqrt(DEFAULT.width * DEFAULT.height / (width * height))
    return _in_steps(width * scale, height * scale, *_LIKELY)


_LIKELY = 256, 2048
"""The range of sides that models draw well."""


def within(size: Size, minimum: int, maximum: int) -> Size:
    """The size to request from a model with this range of sides: the same, or one of its shape that covers it.

    Sides are multiples of 8, as diffusion models require. The excess is cropped afterwards.
    """
    in_range = minimum <= min(size.width, size.height) and max(size.width, size.height) <= maximum
    if in_range and size.width % 8 == size.height % 8 == 0:
        return size
    scale = max(min(1.0, maximum / max(size.width, size.height)), minimum / min(size.width, size.height))
    return _in_steps(size.width * scale, size.height * scale, minimum, maximum, rounded=math.ceil)


def _in_steps(width: float, height: float, minimum: int, maximum: int, rounded: Callable[[float], int] = round) -> Size:
    """Both sides in steps of 16, within the range."""
    most = maximum // 16 * 16

    def side(length: float) -> int:
        return min(most, max(minimum, rounded(length / 16) * 16))

    return Size(side(width), side(height))


_BY_SHAPE = {size.width / size.height: size for size in RATIOS.values()}
"""The fixed size for each shape, so that 32:18 gives the same as 16:9."""
