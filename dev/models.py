"""What each model can do and costs: the tables in docs/models.md, made from the rows.

python -m dev.models           prints them
python -m dev.models --write   writes them into docs/models.md
"""

import sys
from pathlib import Path

from dev import tables
from flux import catalog, partners, plan, settings
from flux.catalog import Model
from flux.size_control import Bounds, Listed, Ratios, SizeControl, WidthAndHeight, WidthByHeight

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "models.md"
COMMAND = "python -m dev.models"

HEAD = (
    "| model | sizes | pictures in | seed | negative prompt | steps, quality | one 1024x1024, in dollars |\n"
    "| --- | --- | --- | --- | --- | --- | ---: |"
)


def _bounds(bounds: Bounds) -> str:
    return f"{bounds.min_side} to {bounds.max_side} a side, at most {bounds.max_pixels / 1e6:.1f} MP"


def _controlled(control: SizeControl) -> str:
    """How a model of another maker is told a size."""
    match control:
        case WidthAndHeight(bounds) | WidthByHeight(bounds):
            return _bounds(bounds)
        case Listed(listed):
            return ", ".join(map(str, listed))
        case Ratios(ratios, resolutions):
            return f"{len(ratios)} ratios" + "".join(f", {name}" for name, _ in resolutions)
        case _:
            raise TypeError(control)


def sizes_of(model: Model) -> str:
    """What it can draw; all else is cut from the nearest."""
    if model.partner:
        return _controlled(model.partner.control)
    return f"{model.sides.min} to {model.sides.max} a side" if model.sides else "one size of its own"


def pictures_of(model: Model) -> str:
    """How many go in."""
    if not model.max_images:
        return "none"
    return ("1" if model.max_images == 1 else f"1 to {model.max_images}") + (
        ", edits alone" if model.edits_alone else ""
    )


def effort_of(model: Model) -> str:
    """What can be chosen of how well it draws."""
    chosen = [f"{model.steps.min} to {model.steps.max} steps"] if model.steps else []
    chosen += [" ".join(model.partner.qualities)] if model.partner and model.partner.qualities else []
    return ", ".join(chosen) or "fixed"


def row(model: Model) -> str:
    """One model's line."""
    dollars = plan.example(model, settings.read({})).cost.told["dollars"]
    cells = (
        f"`{model.id}`",
        sizes_of(model),
        pictures_of(model),
        "yes" if model.seeds else "no",
        "yes" if model.negative_prompt else "no",
        effort_of(model),
        "not published" if dollars is None else f"{dollars:.6f}",
    )
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Both tables as markdown."""
    return "\n".join(
        [
            "### Workers AI",
            "",
            HEAD,
            *map(row, catalog.MODELS.values()),
            "",
            "### Other makers",
            "",
            HEAD,
            *map(row, partners.MODELS.values()),
        ]
    )


if __name__ == "__main__":
    tables.shown(DOCUMENT, COMMAND, table(), sys.argv[1:])
