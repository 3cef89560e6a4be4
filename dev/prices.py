"""The table of prices in docs/prices.md, made from the catalogue.

python -m dev.prices           prints it
python -m dev.prices --write   writes it into docs/prices.md
"""

import sys
from pathlib import Path

from dev import tables
from flux import plan, prices, settings
from flux.catalog import DEFAULT_PROMPT_MODEL, MODELS, Model
from flux.prices import Price

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "prices.md"
COMMAND = "python -m dev.prices"

UNITS = {
    "tile": "a tile",
    "step": "a step",
    "tile_step": "a tile in each step",
    "first_megapixel": "the first megapixel",
    "megapixel": "each further megapixel",
    "image_tile": "a tile of an input picture",
    "image_tile_step": "a tile of an input picture in each step",
    "image_megapixel": "a megapixel of an input picture",
}
"""Names for the parts of a `Price`."""


DOLLAR_UNITS = {
    "picture": "a picture",
    "large_picture": "a picture of more than a megapixel",
    "first_megapixel": "the first megapixel",
    "megapixel": "each further megapixel",
    "image": "an input picture",
    "image_megapixel": "a megapixel of an input picture",
}
"""Names for the parts of a `DollarPrice`."""


def formula(price: Price) -> str:
    """What a model charges for, in neurons."""
    parts = ((getattr(price, name) / prices.HUNDREDTHS, unit) for name, unit in UNITS.items())
    return ", ".join(f"{amount:,.2f} {unit}" for amount, unit in parts if amount)


def row(model: Model) -> str:
    """A model's row."""
    example = plan.example(model, settings.read({}))
    if not model.price or not example.cost.neurons:
        return f"| {model.name} | not published | | | | |"
    steps = f"{example.steps}" if example.steps else "fixed"
    figures = (
        f"{example.cost.told['neurons']:,.2f}",
        f"{example.cost.told['dollars']:.6f}",
        f"{prices.free_a_day(example.cost.neurons):,}",
    )
    return f"| {model.name} | {formula(model.price)} | {steps} | {' | '.join(figures)} |"


def table() -> str:
    """The table and its notes in Markdown."""
    writer = prices.TEXT_MODELS[DEFAULT_PROMPT_MODEL]
    sources = [
        f"- {one.name}: the {one.price.source}, looked at on {one.price.checked}. {one.price.note}".rstrip()
        for one in MODELS.values()
        if one.price
    ]
    return "\n".join(
        [
            "| model | neurons | steps | one 1024x1024 | dollars | a free day has |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
            *map(row, MODELS.values()),
            "",
            *sources,
            f"- The prompt writer: {writer.taken:,} neurons a million tokens in, {writer.written:,} a million out.",
        ]
    )


if __name__ == "__main__":
    tables.shown({DOCUMENT: table()}, COMMAND, sys.argv[1:])
