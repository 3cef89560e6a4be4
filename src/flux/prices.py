"""What models cost, as data, and the cost of one call, known before it is made.

Amounts are whole numbers: hundredths of a neuron and millionths of a dollar. Every published price is a whole number of
one of them, and none is rounded down. What is not published is None and never guessed.

Sources, all looked at on 2026-11-26:

- `PAGE`: the table "Image model pricing" of developers.cloudflare.com/workers-ai/platform/pricing/. All its rows but
  that of flux-1-schnell were read in three copies that others made of it, which agree to the digit.
- `CATALOGUE`: the property `price` of the model in Cloudflare's catalogue
  (github.com/cloudflare/cloudflare-docs, src/content/workers-ai-models).
- `PARTNERS`: `pricing` of models of other makers, in dollars (the same repository, src/content/catalog-models).

Cloudflare does not publish how a size is rounded to tiles or megapixels, nor how many an input picture counts that the
model scales: here every tile and every megapixel that is begun counts, which is an upper bound.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flux.sizes import Size

HUNDREDTHS = 100
"""Of a neuron, in which amounts are counted."""
A_DOLLAR = 1_000_000
"""In millionths, in which amounts are counted."""
UNITS: Mapping[str, int] = {"neurons": HUNDREDTHS, "dollars": A_DOLLAR}
"""What is paid in, and the whole number that stands for one of it. The ledger has the same names."""
MICRODOLLARS = 11
"""Millionths of a dollar for a neuron past the free allocation: $0.011 for a thousand."""
FREE_A_DAY = 10_000 * HUNDREDTHS
"""What every account has free each day until 00:00 UTC, shared by all models."""

TILE_SIDE = 512
MEGAPIXEL = 1024 * 1024
"""Pixels: the price list counts a picture of 1024x1024 as one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls of models cost. An amount is None where a price is not known."""

    neurons: int | None = 0
    """Hundredths; 0 for a model of another maker."""
    dollars: int | None = 0
    """Millionths, the free allocation not deducted."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(_sum(self.neurons, other.neurons), _sum(self.dollars, other.dollars))

    @property
    def amounts(self) -> dict[str, int]:
        """By unit, what is known of it and not nothing."""
        return {unit: amount for unit in UNITS if (amount := getattr(self, unit))}

    @property
    def told(self) -> dict[str, float | None]:
        """By unit, as it is told: `{"neurons": 57.6, "dollars": 0.000634}`."""
        return {unit: in_units(unit, getattr(self, unit)) for unit in UNITS}

    @property
    def usage(self) -> dict[str, float | None]:
        """The same as fields of an answer's `usage`."""
        return {f"cost_{unit}": amount for unit, amount in self.told.items()}


NOTHING = Cost()
UNKNOWN = Cost(None, None)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def of_neurons(amount: int) -> Cost:
    """What hundredths of a neuron cost; in dollars, past the free allocation and rounded up to the millionth."""
    return Cost(amount, -(-amount * MICRODOLLARS // HUNDREDTHS))


CHECKED = "2026-11-26"
Source = Literal["pricing page", "model catalogue", "partner catalogue", "PARTNER_MODELS"]
PAGE: Source = "pricing page"
CATALOGUE: Source = "model catalogue"
PARTNERS: Source = "partner catalogue"
OWNER: Source = "PARTNER_MODELS"


@dataclass(frozen=True, slots=True)
class Price:
    """An image model's price, in hundredths of a neuron for each of these; 0 is what it does not charge for."""

    tile: int = 0
    """Each tile of 512x512 pixels of the picture."""
    step: int = 0
    tile_step: int = 0
    """Each tile in each step."""
    first_megapixel: int = 0
    megapixel: int = 0
    """Each further one."""
    image_tile: int = 0
    """Each tile of a picture that goes in."""
    image_tile_step: int = 0
    image_megapixel: int = 0
    source: Source = PAGE
    checked: str = CHECKED
    """The day on which the source was looked at."""
    note: str = ""
    """Where sources differ."""

    def cost(self, size: Size, steps: int = 0, images: tuple[Size, ...] = ()) -> Cost:
        """Of a picture drawn at this size, from these pictures: exact, or an upper bound where sizes are rounded."""
        tiles, image_tiles = _tiles(size), sum(map(_tiles, images))
        return of_neurons(
            tiles * self.tile
            + steps * self.step
            + tiles * steps * self.tile_step
            + self.first_megapixel
            + (_megapixels(size) - 1) * self.megapixel
            + image_tiles * self.image_tile
            + image_tiles * steps * self.image_tile_step
            + sum(map(_megapixels, images)) * self.image_megapixel
        )


@dataclass(frozen=True, slots=True)
class DollarPrice:
    """Another maker's price, in millionths of a dollar for each of these; 0 is what it does not charge for."""

    picture: int = 0
    large_picture: int = 0
    """A picture of more than a megapixel, where it costs another price."""
    first_megapixel: int = 0
    megapixel: int = 0
    """Each further one."""
    image: int = 0
    """Each picture that goes in."""
    image_megapixel: int = 0
    source: Source = PARTNERS
    checked: str = CHECKED
    note: str = ""

    def cost(self, size: Size, images: tuple[Size, ...] = ()) -> Cost:
        """Of a picture drawn at this size, from these pictures, as `Price.cost`."""
        megapixels = _megapixels(size)
        return Cost(
            dollars=(self.large_picture if self.large_picture and megapixels > 1 else self.picture)
            + self.first_megapixel
            + (megapixels - 1) * self.megapixel
            + len(images) * self.image
            + sum(map(_megapixels, images)) * self.image_megapixel
        )


def _tiles(size: Size) -> int:
    return -(-size.width // TILE_SIDE) * -(-size.height // TILE_SIDE)


def _megapixels(size: Size) -> int:
    return -(-size.width * size.height // MEGAPIXEL)


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """A text model's price, in neurons for a million tokens."""

    taken: int
    written: int

    def cost(self, taken: int, written: int) -> Cost:
        """Of so many tokens, rounded up."""
        return of_neurons(-(-(taken * self.taken + written * self.written) * HUNDREDTHS // 1_000_000))


TEXT_MODELS: Mapping[str, TokenPrice] = {
    "@cf/meta/llama-3.2-1b-instruct": TokenPrice(2_457, 18_252),
    "@cf/meta/llama-3.2-3b-instruct": TokenPrice(4_625, 30_475),
    "@cf/meta/llama-3.1-8b-instruct-fp8-fast": TokenPrice(4_119, 34_868),
    "@cf/meta/llama-3.2-11b-vision-instruct": TokenPrice(4_410, 61_493),
    "@cf/meta/llama-3.1-70b-instruct-fp8-fast": TokenPrice(26_668, 204_805),
    "@cf/meta/llama-3.3-70b-instruct-fp8-fast": TokenPrice(26_668, 204_805),
    "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b": TokenPrice(45_170, 443_756),
    "@cf/mistral/mistral-7b-instruct-v0.1": TokenPrice(10_000, 17_300),
    "@cf/meta/llama-3.1-8b-instruct": TokenPrice(25_608, 75_147),
    "@cf/meta/llama-3.1-8b-instruct-fp8": TokenPrice(13_778, 26_128),
    "@cf/meta/llama-3.1-8b-instruct-awq": TokenPrice(11_161, 24_215),
    "@cf/meta/llama-3-8b-instruct": TokenPrice(25_608, 75_147),
    "@cf/meta/llama-3-8b-instruct-awq": TokenPrice(11_161, 24_215),
    "@cf/meta/llama-2-7b-chat-fp16": TokenPrice(50_505, 606_061),
}
"""Text models by their ids: the table "LLM model pricing" of the pricing page, as of February 2025, the newest version
that could be read. A model that is not in it has no known price."""


def in_units(unit: str, amount: int | None) -> float | None:
    """An amount as it is told: neurons to the hundredth, dollars to the millionth."""
    return None if amount is None else amount / UNITS[unit]


_DOLLARS = re.compile(r"\$?(\d{0,5})(?:\.(\d{1,6}))?", re.ASCII)


def read_dollars(text: str) -> int | None:
    """Millionths in a number of dollars such as "0.13" or "$20"; None where it is none."""
    match = _DOLLARS.fullmatch(text)
    return int(f"{match[1]}{match[2] or '':<06}") if match and text.strip("$") else None


def text(unit: str, amount: int) -> str:
    """An amount as headers have it: "57.6"."""
    scale = UNITS[unit]
    return f"{amount / scale:.{len(str(scale)) - 1}f}".rstrip("0").rstrip(".")


def free_a_day(amount: int) -> int:
    """How many of this cost, in hundredths of a neuron, the free allocation of a day is enough for."""
    return FREE_A_DAY // amount
