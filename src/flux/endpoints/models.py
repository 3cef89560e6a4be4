"""`GET /v1/models` and `/v1/models/{id}`."""

from dataclasses import fields
from typing import Any

from flux import catalog, http, plan, prices, sizes
from flux.call import Call
from flux.catalog import Model
from flux.errors import ModelNotFound
from flux.http import Response
from flux.prices import Cost, DollarPrice, Price
from flux.settings import Settings


async def list_all(call: Call) -> Response:
    """All models of this deployment."""
    settings = call.services.settings
    return http.json({"object": "list", "data": [model_object(one, settings) for one in settings.models]})


async def retrieve(call: Call) -> Response:
    """One model, by its id or one of its short names."""
    name, settings = call.argument, call.services.settings
    found = settings.find(name) or (settings.model if catalog.is_generic(name) else None)
    if found is None:
        raise ModelNotFound("There is no such model here. GET /v1/models lists those there are.", param="model")
    if not settings.offers(found):
        raise ModelNotFound(
            f"{found.id} has no published price, and this service has a budget, so it is not available here.",
            param="model",
        )
    return http.json(model_object(found, settings))


def model_object(one: Model, settings: Settings) -> dict[str, Any]:
    """A model object: OpenAI's four fields, and those of OpenRouter that apps read."""
    return {
        "id": one.id,
        "object": "model",
        "created": one.created,
        "owned_by": one.owned_by,
        "name": one.name,
        "architecture": {
            "input_modalities": ["text", "image"] if one.max_images else ["text"],
            "output_modalities": ["image"],
        },
        "capabilities": {
            "size": one.sides is not None or one.partner is not None,
            "seed": bool(one.seeds),
            "negative_prompt": one.negative_prompt,
            "images": one.max_images,
            "image_side": one.max_image_side or None,
            "edits_only": one.edits_alone,
            "prompt": one.max_prompt,
            "steps": [one.steps.min, one.steps.max] if one.steps else None,
        },
        "pricing": _pricing(one, settings),
    }


def _pricing(one: Model, settings: Settings) -> dict[str, Any] | None:
    """What a model charges for, and the price of a square picture with this deployment's settings; None if unknown.

    A model of another maker has a price in dollars and no free allocation.
    """
    price: Price | DollarPrice | None = one.partner.price if one.partner else one.price
    example = plan.example(one, settings)
    if price is None:
        return None
    unit = "dollars" if one.partner else "neurons"
    amounts = {name: getattr(price, name) for name in rates(type(price))}
    return {
        "unit": unit,
        **{f"per_{name}": prices.in_units(unit, amount) for name, amount in amounts.items() if amount},
        "source": price.source,
        "checked": price.checked,
        "note": price.note or None,
        "example": {
            "size": str(sizes.DEFAULT),
            "steps": example.steps or None,
            **_example(example.cost),
        },
    }


def _example(cost: Cost) -> dict[str, Any]:
    """The price of a picture and how many are free; without neurons if it costs none."""
    if not cost.neurons:
        return {"dollars": cost.told["dollars"]}
    return {**cost.told, "free_per_day": prices.free_a_day(cost.neurons)}


def rates(kind: type[Price | DollarPrice]) -> tuple[str, ...]:
    """The items of a kind of price: `tile`, `step` and so on."""
    return tuple(one.name for one in fields(kind) if one.type is int)
