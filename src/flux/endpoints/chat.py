"""`POST /v1/chat/completions`: a picture as a chat answer, streamed or not."""

from flux import chores, parse, plan, respond, sse
from flux.call import Call
from flux.chores import Chore
from flux.endpoints import drawing
from flux.errors import ApiError
from flux.http import Response, Stream, begun
from flux.parse import ChatRequest
from flux.plan import Plan
from flux.progress import Progress
from flux.studio import Album, Written
from flux.text import Text, join, write_json

BODY_LIMIT = 1024 * 1024
"""Bytes of JSON."""


async def complete(call: Call) -> Response:
    """Answer a chat request with a picture, or with the chore that it turns out to be."""
    services = call.services
    request = parse.chat(parse.json_object(await call.request.body.text(BODY_LIMIT)))
    if services.settings.answer_chores and (chore := chores.recognise(request, call.headers)):
        return _answer_chore(call, request, chore)
    planned = plan.make(parse.chat_wish(request, services.decode), services.settings)
    work = await drawing.ready(call, planned, stored=not request.images_apart)
    if request.stream:
        progress = await Progress.begin(work)
        return Response(headers=dict(sse.HEADERS), body=await begun(_stream(call, request, planned, progress)))
    return _whole(call, request, planned, await work(drawing.unheard))


def _completion(call: Call, request: ChatRequest, model: str) -> respond.Completion:
    prompt = request.last_user.text if request.last_user else ""
    return respond.Completion(call.trace.request_id, model, prompt)


def _whole(call: Call, request: ChatRequest, planned: Plan, album: Album) -> Response:
    words = call.services.words
    content = join(
        respond.opening(planned, words),
        respond.writing(album.written, words),
        *respond.closing(planned, album, words, images_apart=request.images_apart),
    )
    completion = _completion(call, request, album.model.id)
    images = respond.images_field(album) if request.images_apart else None
    usage = completion.usage(content, album.prints)
    return Response(body=write_json(completion.whole(content, usage, images)))


async def _stream(call: Call, request: ChatRequest, planned: Plan, progress: Progress) -> Stream:
    words = call.services.words
    completion = _completion(call, request, planned.model.id)
    said: list[Text] = []

    def delta(content: Text) -> Text:
        said.append(content)
        return chunk({"content": content})

    def chunk(part: respond.Json, finish_reason: str | None = None) -> Text:
        return sse.event(completion.chunk(part, finish_reason, with_usage=request.include_usage))

    try:
        yield ""
        yield chunk({"role": "assistant", "content": ""})
        yield delta(respond.opening(planned, words))
        async for report in progress.follow():
            if report is None:
                yield sse.PING
            elif isinstance(report, Written):
                yield delta(respond.writing(report, words))
        album = await progress.album()
        for text in respond.closing(planned, album, words, images_apart=request.images_apart):
            yield delta(text)
        if request.images_apart:
            yield chunk({"images": respond.images_field(album)})
        yield chunk({}, "stop")
        if request.include_usage:
            yield sse.event(completion.usage_chunk(completion.usage(join(*said), album.prints)))
    except ApiError as error:
        call.trace.failed(error)
        yield delta(respond.failure_text(error))
        yield sse.event(error.body())
    finally:
        progress.end()
    yield sse.DONE


def _answer_chore(call: Call, request: ChatRequest, chore: Chore) -> Response:
    call.trace.facts["chore"] = chore.kind
    completion = _completion(call, request, call.services.settings.model.id)
    usage = completion.usage(chore.text)
    if request.stream:
        return Response(headers=dict(sse.HEADERS), body=_chore_stream(request, completion, chore, usage))
    return Response(body=write_json(completion.whole(chore.text, usage)))


async def _chore_stream(
    request: ChatRequest, completion: respond.Completion, chore: Chore, usage: respond.Json
) -> Stream:
    counted = request.include_usage
    yield sse.event(completion.chunk({"role": "assistant", "content": ""}, with_usage=counted))
    yield sse.event(completion.chunk({"content": chore.text}, with_usage=counted))
    yield sse.event(completion.chunk({}, "stop", with_usage=counted))
    if counted:
        yield sse.event(completion.usage_chunk(usage))
    yield sse.DONE
