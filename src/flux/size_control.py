"""The ways in which models are given a picture's size. Each turns a size into inputs and predicts the resulting size.

The result is the nearest size that the model can draw and that covers the requested one, if there is such a size. The
excess is cropped afterwards.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flux.sizes import DEFAULT, Size

STEP = 16
"""In pixels: sides are multiples of this."""
TOLERANCE = 1.1
"""How many megapixels still count as one: 21:9 at 1568x672 fits into a "1K"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The size-related inputs of a call."""

    inputs: Mapping[str, str | int]
    size: Size
    """The expected size, or one with the same number of pixels if only that is known."""


class SizeControl(Protocol):
    """One way to give a model a size."""

    def ask(self, size: Size) -> Asked:
        """The inputs for a picture from which one of this size can be cropped."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The range of sides and areas that a model draws, in pixels."""

    min_side: int
    max_side: int
    max_pixels: int
    min_pixels: int = 0

    def nearest(self, size: Size) -> Size:
        """The size itself, or the nearest one of the same shape that the bounds allow."""
        pixels = size.width * size.height
        enlarged = max(1.0, self.min_side / min(size.width, size.height), math.sqrt(self.min_pixels / pixels))
        scale = min(enlarged, self.max_side / max(size.width, size.height), math.sqrt(self.max_pixels / pixels))
        width, height = self._side(size.width * scale), self._side(size.height * scale)
        while width * height > self.max_pixels:
            width, height = (width - STEP, height) if width >= height else (width, height - STEP)
        return Size(width, height)

    def _side(self, length: float) -> int:
        """The length rounded up to a multiple of `STEP`, within the bounds."""
        whole = math.ceil(round(length, 6) / STEP) * STEP
        return min(self.max_side // STEP * STEP, max(math.ceil(self.min_side / STEP) * STEP, whole))


@dataclass(frozen=True, slots=True)
class WidthAndHeight:
    """Two numbers."""

    bounds: Bounds

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`."""
        nearest = self.bounds.nearest(size)
        return Asked({"width": nearest.width, "height": nearest.height}, nearest)


@dataclass(frozen=True, slots=True)
class WidthByHeight:
    """A string such as "1024x768"."""

    bounds: Bounds
    field: str = "size"

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`."""
        nearest = self.bounds.nearest(size)
        return Asked({self.field: str(nearest)}, nearest)


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a list of sizes."""

    sizes: tuple[Size, ...] = (DEFAULT,)
    field: str = "size"

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`. Picks the smallest size of the nearest shape that covers it, else the largest."""
        best = min(_distance(one, size) for one in self.sizes)
        shaped = [one for one in self.sizes if _distance(one, size) == best]
        covering = [one for one in shaped if one.width >= size.width and one.height >= size.height]
        found = min(covering or shaped, key=lambda one: one.width * (1 if covering else -1))
        return Asked({self.field: str(found)}, found)


@dataclass(frozen=True, slots=True)
class Ratios:
    """A ratio and, for most models, a resolution."""

    ratios: tuple[str, ...]
    resolutions: tuple[tuple[str, int], ...] = ()
    """Names of resolutions, each with the side of a square of as many pixels, smallest first."""
    field: str = "aspect_ratio"
    resolution_field: str = "resolution"

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`."""
        ratio = min(self.ratios, key=lambda one: abs(math.log(value_of(one) * size.height / size.width)))
        if not self.resolutions:
            return Asked({self.field: ratio}, DEFAULT)
        pixels = size.width * size.height
        covering = (one for one in self.resolutions if one[1] ** 2 * TOLERANCE >= pixels)
        resolution, side = next(covering, self.resolutions[-1])
        return Asked({self.field: ratio, self.resolution_field: resolution}, Size(side, side))


def value_of(ratio: str) -> float:
    """The quotient of a ratio: 1.78 for "16:9"."""
    width, _, height = ratio.partition(":")
    return float(width) / float(height)


def _distance(one: Size, other: Size) -> float:
    """How much two shapes differ; 0 if they are the same."""
    return round(abs(math.log(one.width * other.height / (one.height * other.width))), 6)
