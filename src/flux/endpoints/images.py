"""`POST /v1/images/generations` and `/v1/images/edits`: OpenAI's Images API."""

from flux import parse, plan, respond, sse
from flux.call import Call
from flux.endpoints import drawing
from flux.errors import ApiError
from flux.http import Response, Stream
from flux.parse import ImageRequest
from flux.pipeline import GeneratedPicture, unheard
from flux.plan import Plan
from flux.progress import Progress
from flux.text import Text, join, write_json

EDIT_LIMIT = 20 * 1024 * 1024
"""Bytes of an edit's body, pictures included."""


async def generate(call: Call) -> Response:
    """Draw pictures from a prompt."""
    document = await call.request.body.document()
    return await _draw(call, parse.image(parse.json_object(document.text)))


async def edit(call: Call) -> Response:
    """Draw pictures from a prompt and pictures, sent as a form or as JSON."""
    if call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        form = await call.request.body.form(EDIT_LIMIT)
        request = parse.image(parse.form_values(form), edit=True)
        pictures = parse.form_pictures(form)
    else:
        document = await call.request.body.document(EDIT_LIMIT)
        body = parse.json_object(document.text)
        request = parse.image(body, edit=True)
        pictures = parse.json_pictures(body, document.decode)
    return await _draw(call, parse.with_pictures(request, pictures))


async def _draw(call: Call, request: ImageRequest) -> Response:
    planned = plan.make(
        request.wish,
        call.services.settings,
        edit=request.edit,
        mime=request.mime,
        compression=request.compression,
    )
    work = await drawing.ready(call, planned, stored=request.wants_url)
    if request.stream:
        progress = await Progress.begin(work)
        stream = _stream(request, planned, progress)
        return await drawing.streamed(stream, progress, _failure)
    return Response(body=write_json(respond.images(request, planned, await work(unheard))))


async def _stream(request: ImageRequest, planned: Plan, progress: Progress) -> Stream:
    try:
        yield ""
        yield sse.PING  # opens the stream: there is nothing to tell before the first picture
        async for generated in progress.follow(GeneratedPicture):
            yield _event(request, planned, generated) if generated else sse.PING
        await progress.result()
    finally:
        progress.end()
    yield sse.DONE


def _event(request: ImageRequest, planned: Plan, generated: GeneratedPicture) -> Text:
    name, data = respond.image_event(request, planned, generated)
    return sse.event(data, name)


def _failure(error: ApiError) -> Text:
    return join(sse.event(error.body(), "error"), sse.DONE)
