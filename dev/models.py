"""The tables of models and their prices in docs/models.md and README.md, made from the rows.

python -m dev.models           prints them
python -m dev.models --write   writes them into both documents
"""

import sys

from dev import ROOT, tables
from flux import catalog, partners, plan, settings
from flux.catalog import Model
from flux.size_control import Bounds, Listed, Ratios, SizeControl, WidthAndHeight, WidthByHeight

DOCUMENT = ROOT / "docs" / "models.md"
OVERVIEW = ROOT / "README.md"
COMMAND = "python -m dev.models"

HEAD = (
    "| model | sizes | pictures in | seed | negative prompt | steps, quality | one 1024x1024, in dollars |\n"
    "| --- | --- | --- | --- | --- | --- | ---: |"
)


def _bounds(bounds: Bounds) -> str:
    return f"{bounds.min_side} to {bounds.max_side} a side, at most {bounds.max_pixels / 1e6:.1f} MP"


def _controlled(control: SizeControl) -> str:
    """How a model of another maker is given a size."""
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
    """The sizes that a model can draw. Other sizes are cropped from the nearest one."""
    if model.partner:
        return _controlled(model.partner.control)
    return f"{model.sides.min} to {model.sides.max} a side" if model.sides else "one size of its own"


def pictures_of(model: Model) -> str:
    """How many input pictures a model takes."""
    if not model.max_images:
        return "none"
    return ("1" if model.max_images == 1 else f"1 to {model.max_images}") + (
        ", edits alone" if model.edits_alone else ""
    )


def effort_of(model: Model) -> str:
    """The choices that affect a picture's quality."""
    chosen = [f"{model.steps.min} to {model.steps.max} steps"] if model.steps else []
    chosen += [" ".join(model.partner.qualities)] if model.partner and model.partner.qualities else []
    return ", ".join(chosen) or "fixed"


def dollars_of(model: Model) -> str:
    """The price of a picture of the default size."""
    dollars = plan.example(model, settings.read({})).cost.told["dollars"]
    return "not published" if dollars is None else f"{dollars:.6f}"


def row(model: Model) -> str:
    """A model's row."""
    cells = (
        f"`{model.id}`",
        sizes_of(model),
        pictures_of(model),
        "yes" if model.seeds else "no",
        "yes" if model.negative_prompt else "no",
        effort_of(model),
        dollars_of(model),
    )
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Both tables in Markdown."""
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


def short_name(model: Model) -> str:
    """A model's shortest name in use, or else the part of its id after the slash."""
    names = [name for name, id in catalog.SHORT_NAMES.items() if id == model.id]
    return min(names, key=len, default=catalog.last(model.id))


def overview() -> str:
    """The table in README.md for choosing a model. Models of other makers are left out because there are too many."""
    return "\n".join(
        [
            "| id | short name | sizes | edits | a picture costs, in dollars |",
            "| --- | --- | --- | --- | ---: |",
            *(
                f"| `{model.id}` | `{short_name(model)}` | {sizes_of(model)} | {'yes' if model.max_images else 'no'} "
                f"| {dollars_of(model)} |"
                for model in catalog.MODELS.values()
            ),
        ]
    )


if __name__ == "__main__":
    tables.shown({DOCUMENT: table(), OVERVIEW: overview()}, COMMAND, sys.argv[1:])
