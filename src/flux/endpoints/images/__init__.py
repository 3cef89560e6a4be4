"""`POST /v1/images/generations` and `/v1/images/edits`: OpenAI's Images API."""

from flux import fields
from flux.call import Call
from flux.endpoints import drawing
from flux.endpoints.images import parse
from flux.endpoints.images.respond import ImagesPresenter
from flux.http import MAX_BODY, Decoder, Response


async def generate(call: Call) -> Response:
    """Draw pictures from a prompt, and from pictures if the body has any."""
    return await _draw(call, edit=False)


async def edit(call: Call) -> Response:
    """Draw pictures from a prompt and pictures."""
    return await _draw(call, edit=True)


async def _draw(call: Call, *, edit: bool) -> Response:
    decode: Decoder
    if call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        form = await call.request.body.form(MAX_BODY)
        request = parse.image(fields.form_values(form), parse.form_sources(form), edit=edit)
        decode = form.decode
        del form
    else:
        document = await call.request.body.document(MAX_BODY)
        body = document.json_object()
        request, decode = parse.image(body, parse.json_sources(body), edit=edit), document.decode
        del document, body
    plan = await drawing.planned(call, request.generation, decode)
    del decode  # frees the bytes of all pictures in the request
    storage = drawing.storage(call) if request.wants_url else None
    return await drawing.answer(call, plan, ImagesPresenter(request, plan), storage, stream=request.stream)
