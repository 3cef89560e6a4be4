"""`GET /v1/models` and `/v1/models/{id}`."""

from dataclasses import fields
from typing import Any

from flux import catalog, http, plan, prices, sizes
from flux.call import Call
from flux.catalog import Model
from flux.errors import ModelNotFound
from flux.http import Response
from flux.plan import ModelCall
from flux.prices import DollarPrice, Price
from flux.settings import Settings


async def list_all(call: Call) -> Response:
    """Every model that this deployment draws with."""
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
            f"{found.id} has no published price, and this service has a budget: it is not drawn with here.",
            param="model",
        )
    return http.json(model_object(found, settings))


def model_object(one: Model, settings: Settings) -> dict[str, Any]:
    """One model object: OpenAI's four fields, and what apps read of OpenRouter's."""
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
            "steps": [one.steps.min, one.steps.max] if one.steps else None,
        },
        "pricing": _pricing(one, settings),
    }


def _pricing(one: Model, settings: Settings) -> dict[str, Any] | None:
    """What it charges for, in neurons, and what a square costs with this deployment's settings; None where unknown."""
    example = plan.example(one, settings)
    if one.partner:
        return _dollars(one.partner.price, example)
    if not one.price or example.cost is None:
        return None
    amounts = {name: getattr(one.price, name) for name in RATES}
    return {
        "unit": "neurons",
        **{f"per_{name}": prices.neurons(amount) for name, amount in amounts.items() if amount},
        "source": one.price.source,
        "checked": one.price.checked,
        "note": one.price.note or None,
        "example": {
            "size": str(sizes.DEFAULT),
            "steps": example.steps or None,
            "neurons": prices.neurons(example.cost),
            "dollars": prices.dollars(example.cost),
            "free_per_day": prices.free_a_day(example.cost),
        },
    }


def _dollars(price: DollarPrice | None, example: ModelCall) -> dict[str, Any] | None:
    """The same of a model of another maker, which has its price in dollars and nothing free."""
    if not price or example.microdollars is None:
        return None
    amounts = {name: getattr(price, name) for name in DOLLAR_RATES}
    return {
        "unit": "dollars",
        **{f"per_{name}": amount / prices.A_DOLLAR for name, amount in amounts.items() if amount},
        "source": price.source,
        "checked": price.checked,
        "note": price.note or None,
        "example": {
            "size": str(sizes.DEFAULT),
            "steps": example.steps or None,
            "dollars": example.microdollars / prices.A_DOLLAR,
        },
    }


DOLLAR_RATES = tuple(one.name for one in fields(DollarPrice) if one.type is int)
RATES = tuple(one.name for one in fields(Price) if one.type is int)
"""What a price is made of: `tile`, `step` and so on."""
