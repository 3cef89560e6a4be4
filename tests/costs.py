"""The cost of the calls that reached the stand-in, by the price list: compared with the ledger's figures."""

from collections.abc import Iterable
from typing import Any

from flux import catalog
from flux.sizes import Size

TAKEN = Size(500, 480)
"""The size of every input picture in these tests: one tile."""
FREE = {"3030", "3036", "3040", "5006", "5018"}
"""Outcomes of calls that certainly drew nothing."""


def of_calls(calls: Iterable[dict[str, Any]]) -> float:
    """Neurons of all calls that drew or may have drawn."""
    return sum(_cost(call) for call in calls if call["outcome"] not in FREE) / 100


def of_pictures(calls: Iterable[dict[str, Any]]) -> float:
    """Neurons of the pictures that the stand-in certainly drew."""
    return sum(_cost(call) for call in calls if call["outcome"] == "ok") / 100


def _cost(call: dict[str, Any]) -> int:
    model = catalog.find(call["model"])
    assert model
    assert model.price, call
    inputs = call["inputs"]
    size = Size(inputs.get("width", 1024), inputs.get("height", 1024))
    images = (TAKEN,) * sum(name.startswith("input_image") for name in inputs)
    return model.price.cost(size, int(inputs[model.steps.name]) if model.steps else 0, images).neurons or 0
