"""What models cost, as data, and the cost of one call, known before it is made.

Amounts are whole hundredths of a neuron: every published price is a whole number of them, and none is rounded down.
What is not published is None and never guessed. Sources, all looked at on 2026-11-26:

- `PAGE`: the table "Image model pricing" of developers.cloudflare.com/workers-ai/platform/pricing/. All its rows but
  that of flux-1-schnell were read in three copies that others made of it, which agree to the digit.
- `CATALOGUE`: the property `price` of the model in Cloudflare's catalogue
  (github.com/cloudflare/cloudflare-docs, src/content/workers-ai-models).
- `PARTNERS`: `pricing` of models of other makers, in dollars (the same repository, src/content/catalog-models). It is
  counted in whole millionths of a dollar.

Cloudflare does not publish how a size is rounded to tiles or megapixels, nor how many an input picture counts that the
model scales: here every tile and every megapixel that is begun counts, which is an upper bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flux.sizes import Size

HUNDREDTHS = 100
"""Of a neuron, in which amounts are counted."""
MICRODOLLARS = 11
"""Millionths of a dollar for a neuron past the free allocation: $0.011 for a thousand."""
A_DOLLAR = 1_000_000
"""In millionths."""
FREE_A_DAY = 10_000 * HUNDREDTHS
"""What every account has free each day until 00:00 UTC, shared by all models."""

TILE_SIDE = 512
MEGAPIXEL = 1024 * 1024
"""Pixels: the price list counts a picture of 1024x1024 as one."""

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

    def cost(self, size: Size, steps: int = 0, images: tuple[Size, ...] = ()) -> int:
        """Of a picture drawn at this size, from these pictures: exact, or an upper bound where sizes are rounded."""
        tiles, image_tiles = _tiles(size), sum(map(_tiles, images))
        return (
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

    def cost(self, size: Size, images: tuple[Size, ...] = ()) -> int:
        """Of a picture drawn at this size, from these pictures, as `Price.cost`."""
        megapixels = _megapixels(size)
        return (
            (self.large_picture if self.large_picture and megapixels > 1 else self.picture)
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

    def cost(self, taken: int, written: int) -> int:
        """Of so many tokens, rounded up."""
        return -(-(taken * self.taken + written * self.written) * HUNDREDTHS // 1_000_000)


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


def neurons(amount: int | None) -> float | None:
    """An amount as it is told: neurons, to the hundredth."""
    return None if amount is None else amount / HUNDREDTHS


def microdollars(amount: int) -> int:
    """What an amount costs past the free allocation, in millionths of a dollar, rounded up."""
    return -(-amount * MICRODOLLARS // HUNDREDTHS)


def dollars(amount: int) -> float:
    """What an amount costs past the free allocation, to the millionth of a dollar, rounded up."""
    return microdollars(amount) / A_DOLLAR


def text(amount: int) -> str:
    """An amount as headers have it: "57.6"."""
    return f"{amount / HUNDREDTHS:.2f}".rstrip("0").rstrip(".")


def free_a_day(amount: int) -> int:
    """How many of this cost the free allocation of a day is enough for."""
    return FREE_A_DAY // amount
