"""`GET /v1/models` and `/v1/models/{id}`."""

from flux import catalog, respond
from flux.call import Call
from flux.errors import ModelNotFound
from flux.http import Response
from flux.text import write_json


async def list_all(call: Call) -> Response:
    """Every model we serve."""
    return Response(body=write_json(respond.models()))


async def retrieve(call: Call) -> Response:
    """One model, by its id or one of its short names."""
    name = call.argument
    found = call.services.settings.model if catalog.is_generic(name) else catalog.find(name)
    if found is None:
        raise ModelNotFound("There is no such model here. GET /v1/models lists those there are.", param="model")
    return Response(body=write_json(respond.model(found)))
