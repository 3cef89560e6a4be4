"""Sizes in pixels, and the ratios people ask for them by."""

import math
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
MIN_SIDE, MAX_SIDE, STEP = 256, 2048, 8


def parse(text: str) -> Size | None:
    """A size from `auto` (None: the default), a ratio or `WxH`.

    Raises `InvalidRequest` with what is possible. The full-width colon counts as a colon.
    """
    text = text.strip().lower().replace("：", ":")
    if text in ("", "auto"):
        return None
    if text in RATIOS:
        return RATIOS[text]
    width, cross, height = text.replace("×", "x").replace("*", "x").partition("x")
    if cross and _is_side(width) and _is_side(height):
        return Size(int(width), int(height))
    raise InvalidRequest(
        f"Give a size as WIDTHxHEIGHT, both from {MIN_SIDE} to {MAX_SIDE} and divisible by "
        f"{STEP}, or as one of these ratios: {', '.join(RATIOS)}.",
        param="size",
    )


def _is_side(text: str) -> bool:
    return (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(MAX_SIDE))
        and MIN_SIDE <= int(text) <= MAX_SIDE
        and int(text) % STEP == 0
    )


def like(width: int, height: int) -> Size:
    """About one megapixel in the shape of a picture, for an edit that names no size."""
    scale = math.sqrt(DEFAULT.width * DEFAULT.height / (width * height))
    return _scaled(width, height, scale, MIN_SIDE, MAX_SIDE)


def within(size: Size, minimum: int, maximum: int) -> Size:
    """The nearest size of the same shape whose sides are in a model's range, in steps of 16.

    What the rounding and the range take away is put right by the cut that follows.
    """
    if minimum <= min(size.width, size.height) and max(size.width, size.height) <= maximum:
        return size
    scale = max(min(1.0, maximum / max(size.width, size.height)), minimum / min(size.width, size.height))
    return _scaled(size.width, size.height, scale, minimum, maximum)


def _scaled(width: int, height: int, scale: float, minimum: int, maximum: int) -> Size:
    """Both sides times `scale`, in steps of 16, none out of the range."""

    def side(length: int) -> int:
        return min(maximum, max(minimum, round(length * scale / 16) * 16))

    return Size(side(width), side(height))
