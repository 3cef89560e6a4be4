"""How models are told the size of a picture: each kind turns a wanted size into inputs, and says what then comes.

The size that comes is the one that is nearest to the wanted one and covers it, where the model has such a one. What is
too much is cut off afterwards.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flux.sizes import DEFAULT, Size

STEP = 16
"""Pixels: sides are multiples of it."""
TOLERANCE = 1.1
"""Pixels of a shape of about a megapixel, in megapixels: 21:9 at 1568x672 is none too large for a "1K"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked for."""

    inputs: Mapping[str, str | int]
    size: Size
    """Of the picture that comes, or of one with as many pixels where only these are known."""


class SizeControl(Protocol):
    """One kind of it."""

    def ask(self, size: Size) -> Asked:
        """For a picture from which one of this size can be cut."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sides and areas that a model draws, in pixels."""

    min_side: int
    max_side: int
    max_pixels: int
    min_pixels: int = 0

    def nearest(self, size: Size) -> Size:
        """The size itself, or the nearest of its shape, as far as the bounds allow."""
        pixels = size.width * size.height
        enlarged = max(1.0, self.min_side / min(size.width, size.height), math.sqrt(self.min_pixels / pixels))
        scale = min(enlarged, self.max_side / max(size.width, size.height), math.sqrt(self.max_pixels / pixels))
        width, height = self._side(size.width * scale), self._side(size.height * scale)
        while width * height > self.max_pixels:
            width, height = (width - STEP, height) if width >= height else (width, height - STEP)
        return Size(width, height)

    def _side(self, length: float) -> int:
        """A multiple of `STEP` that is no shorter, as far as there is one."""
        whole = math.ceil(round(length, 6) / STEP) * STEP
        return min(self.max_side // STEP * STEP, max(math.ceil(self.min_side / STEP) * STEP, whole))


@dataclass(frozen=True, slots=True)
class WidthAndHeight:
    """Two whole numbers."""

    bounds: Bounds

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`."""
        nearest = self.bounds.nearest(size)
        return Asked({"width": nearest.width, "height": nearest.height}, nearest)


@dataclass(frozen=True, slots=True)
class WidthByHeight:
    """A text such as "1024x768"."""

    bounds: Bounds
    field: str = "size"

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`."""
        nearest = self.bounds.nearest(size)
        return Asked({self.field: str(nearest)}, nearest)


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a few sizes."""

    sizes: tuple[Size, ...] = (DEFAULT,)
    field: str = "size"

    def ask(self, size: Size) -> Asked:
        """See `SizeControl.ask`. Of the sizes of the nearest shape the smallest that covers, else the largest."""
        best = min(_distance(one, size) for one in self.sizes)
        shaped = [one for one in self.sizes if _distance(one, size) == best]
        covering = [one for one in shaped if one.width >= size.width and one.height >= size.height]
        found = min(covering or shaped, key=lambda one: one.width * (1 if covering else -1))
        return Asked({self.field: str(found)}, found)


@dataclass(frozen=True, slots=True)
class Ratios:
    """A ratio, and with most models a resolution."""

    ratios: tuple[str, ...]
    resolutions: tuple[tuple[str, int], ...] = ()
    """Each with the side of a square of so many pixels, the smallest first."""
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
    """Of "16:9" 1.78."""
    width, _, height = ratio.partition(":")
    return float(width) / float(height)


def _distance(one: Size, other: Size) -> float:
    """Between two shapes: 0 where they are the same."""
    return round(abs(math.log(one.width * other.height / (one.height * other.width))), 6)
