"""The prices of models as data, and the cost of a call before it is made.

Amounts are whole numbers: hundredths of a neuron and millionths of a dollar. Every published price is a whole number of
one of them, and none is rounded down. Prices that are not published are None and never guessed.

Sources, all checked on 2026-11-26:

- `PAGE`: the table "Image model pricing" of developers.cloudflare.com/workers-ai/platform/pricing/. All its rows except
  that of flux-1-schnell were read in three copies of the page, which agree to the digit.
- `CATALOGUE`: the property `price` of the model in Cloudflare's catalogue
  (github.com/cloudflare/cloudflare-docs, src/content/workers-ai-models).
- `PARTNERS`: `pricing` of models of other makers, in dollars (the same repository, src/content/catalog-models).

Cloudflare does not publish how a size is rounded to tiles or megapixels, nor how many of them an input picture counts
if the model scales it. Here every started tile and megapixel counts in full, which is an upper bound.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flux.sizes import Size

HUNDREDTHS = 100
"""Amounts of neurons are counted in hundredths."""
A_DOLLAR = 1_000_000
"""Amounts of dollars are counted in millionths."""
UNITS: Mapping[str, int] = {"neurons": HUNDREDTHS, "dollars": A_DOLLAR}
"""The currencies, and the whole number that represents one unit of each. The ledger uses the same names."""
MICRODOLLARS = 11
"""Millionths of a dollar per neuron beyond the free allocation: $0.011 per thousand."""
FREE_A_DAY = 10_000 * HUNDREDTHS
"""The free allocation of every account per day (until 00:00 UTC), shared by all models."""

TILE_SIDE = 512
MEGAPIXEL = 1024 * 1024
"""In pixels: the price list counts a picture of 1024x1024 as one megapixel."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of model calls. An amount is None if a price is not known."""

    neurons: int | None = 0
    """In hundredths; 0 for a model of another maker."""
    dollars: int | None = 0
    """In millionths, without deducting the free allocation."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(_sum(self.neurons, other.neurons), _sum(self.dollars, other.dollars))

    @property
    def amounts(self) -> dict[str, int]:
        """The known amounts that are not 0, by unit."""
        return {unit: amount for unit in UNITS if (amount := getattr(self, unit))}

    @property
    def told(self) -> dict[str, float | None]:
        """The amounts for display, by unit: `{"neurons": 57.6, "dollars": 0.000634}`."""
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
    """The cost of hundredths of a neuron. Dollars are rounded up and assume that the free allocation is used up."""
    return Cost(amount, -(-amount * MICRODOLLARS // HUNDREDTHS))


CHECKED = "2026-11-26"
Source = Literal["pricing page", "model catalogue", "partner catalogue", "PARTNER_MODELS"]
PAGE: Source = "pricing page"
CATALOGUE: Source = "model catalogue"
PARTNERS: Source = "partner catalogue"
OWNER: Source = "PARTNER_MODELS"


@dataclass(frozen=True, slots=True)
class Price:
    """An image model's price for each item, in hundredths of a neuron; 0 if an item is free."""

    tile: int = 0
    """Each tile of 512x512 pixels in the picture."""
    step: int = 0
    tile_step: int = 0
    """Each tile in each step."""
    first_megapixel: int = 0
    megapixel: int = 0
    """Each megapixel after the first."""
    image_tile: int = 0
    """Each tile of an input picture."""
    image_tile_step: int = 0
    image_megapixel: int = 0
    source: Source = PAGE
    checked: str = CHECKED
    """The date when the source was checked."""
    note: str = ""
    """Where sources disagree."""

    def cost(self, size: Size, steps: int = 0, images: tuple[Size, ...] = ()) -> Cost:
        """The cost of a picture of this size, made from these: exact, or an upper bound if sizes are rounded."""
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
    """The price of another maker's model for each item, in millionths of a dollar; 0 if an item is free."""

    picture: int = 0
    large_picture: int = 0
    """A picture of more than one megapixel, if it has a different price."""
    first_megapixel: int = 0
    megapixel: int = 0
    """Each megapixel after the first."""
    image: int = 0
    """Each input picture."""
    image_megapixel: int = 0
    source: Source = PARTNERS
    checked: str = CHECKED
    note: str = ""

    def cost(self, size: Size, images: tuple[Size, ...] = ()) -> Cost:
        """The cost of a picture of this size, made from these, as in `Price.cost`."""
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
    """A text model's price, in neurons per million tokens."""

    taken: int
    written: int

    def cost(self, taken: int, written: int) -> Cost:
        """The cost of this many input and output tokens, rounded up."""
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
"""Text models by id, from the table "LLM model pricing" of the pricing page as of February 2025, the newest version
available. The price of any other text model is not known."""


def in_units(unit: str, amount: int | None) -> float | None:
    """An amount for display: neurons to the hundredth, dollars to the millionth."""
    return None if amount is None else amount / UNITS[unit]


_DOLLARS = re.compile(r"\$?(\d{0,5})(?:\.(\d{1,6}))?", re.ASCII)


def read_dollars(text: str) -> int | None:
    """A number of dollars such as "0.13" or "$20", in millionths; None if the text is not one."""
    match = _DOLLARS.fullmatch(text)
    return int(f"{match[1]}{match[2] or '':<06}") if match and text.strip("$") else None


def text(unit: str, amount: int) -> str:
    """An amount in the format of headers: "57.6"."""
    scale = UNITS[unit]
    return f"{amount / scale:.{len(str(scale)) - 1}f}".rstrip("0").rstrip(".")


def free_a_day(amount: int) -> int:
    """How many pictures of this cost, in hundredths of a neuron, the daily free allocation covers."""
    return FREE_A_DAY // amount
