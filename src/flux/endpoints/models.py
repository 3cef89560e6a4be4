"""`GET /v1/models` and `/v1/models/{id}`."""

from typing import Any

from flux import catalog, http
from flux.call import Call
from flux.catalog import Model
from flux.errors import ModelNotFound
from flux.http import Response


async def list_all(call: Call) -> Response:
    """Every model we serve."""
    return http.json({"object": "list", "data": [model_object(one) for one in catalog.MODELS.values()]})


async def retrieve(call: Call) -> Response:
    """One model, by its id or one of its short names."""
    name = call.argument
    found = call.services.settings.model if catalog.is_generic(name) else catalog.find(name)
    if found is None:
        raise ModelNotFound("There is no such model here. GET /v1/models lists those there are.", param="model")
    return http.json(model_object(found))


def model_object(one: Model) -> dict[str, Any]:
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
            "size": one.sides is not None,
            "seed": bool(one.seeds),
            "negative_prompt": one.negative_prompt,
            "images": one.max_images,
            "steps": [one.steps.min, one.steps.max] if one.steps else None,
        },
    }
