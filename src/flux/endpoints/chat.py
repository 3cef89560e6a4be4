"""`POST /v1/chat/completions`: a picture as a chat answer, streamed or not."""

from functools import partial

from flux import chores, parse, plan, respond, sse
from flux.call import Call
from flux.chores import Chore
from flux.endpoints import drawing
from flux.errors import ApiError
from flux.http import Response, Stream
from flux.parse import ChatRequest
from flux.pipeline import FinalPrompt, Result, unheard
from flux.plan import Plan
from flux.progress import Progress
from flux.respond import Completion
from flux.text import Text, join, write_json


async def complete(call: Call) -> Response:
    """Answer a chat request with a picture, or with the chore that it turns out to be."""
    services = call.services
    document = await call.request.body.document()
    request = parse.chat(parse.json_object(document.text))
    if services.settings.answer_chores and (chore := chores.recognise(request, call.headers)):
        return _answer_chore(call, request, chore)
    planned = plan.make(parse.chat_wish(request, document.decode), services.settings)
    work = await drawing.ready(call, planned, stored=not request.images_apart)
    if request.stream:
        progress = await Progress.begin(work)
        completion = _completion(call, request, planned.model.id)
        stream = _stream(call, request, planned, completion, progress)
        return await drawing.streamed(stream, progress, partial(_failure, completion))
    result = await work(unheard)
    return _whole(call, request, planned, _completion(call, request, result.model.id), result)


def _completion(call: Call, request: ChatRequest, model: str) -> Completion:
    prompt = request.last_user.text if request.last_user else ""
    return Completion(call.trace.request_id, model, prompt, counted=request.include_usage)


def _whole(call: Call, request: ChatRequest, planned: Plan, completion: Completion, result: Result) -> Response:
    words = call.services.words
    content = join(
        respond.opening(planned, words),
        respond.writing(result.written, words),
        *respond.closing(planned, result, words, images_apart=request.images_apart),
    )
    images = respond.images_field(result) if request.images_apart else None
    return Response(body=write_json(completion.whole(content, completion.usage(content, result.pictures), images)))


def _failure(completion: Completion, error: ApiError) -> Text:
    """A sentence for apps that show nothing but content, then the error for those that know one."""
    sentence = completion.chunk({"content": respond.failure_text(error)})
    return join(sse.event(sentence), sse.event(error.body()), sse.DONE)


async def _stream(
    call: Call, request: ChatRequest, planned: Plan, completion: Completion, progress: Progress
) -> Stream:
    words = call.services.words
    said: list[Text] = []

    def delta(content: Text) -> Text:
        said.append(content)
        return sse.event(completion.chunk({"content": content}))

    try:
        yield ""
        # Each write costs a wait: what is known at one time is sent as one.
        yield join(_role(completion), delta(respond.opening(planned, words)))
        async for written in progress.follow(FinalPrompt):
            yield delta(respond.writing(written, words)) if written else sse.PING
        result = await progress.result()
    finally:
        progress.end()
    closing = [delta(text) for text in respond.closing(planned, result, words, images_apart=request.images_apart)]
    if request.images_apart:
        closing.append(sse.event(completion.chunk({"images": respond.images_field(result)})))
    yield join(*closing, _end(completion, completion.usage(join(*said), result.pictures)))


def _role(completion: Completion) -> Text:
    """The first event of a stream."""
    return sse.event(completion.chunk({"role": "assistant", "content": ""}))


def _end(completion: Completion, usage: respond.Json) -> Text:
    """The last events of a stream that went well."""
    return join(*map(sse.event, completion.last_chunks(usage)), sse.DONE)


def _answer_chore(call: Call, request: ChatRequest, chore: Chore) -> Response:
    call.trace.facts["chore"] = chore.kind
    completion = _completion(call, request, call.services.settings.model.id)
    usage = completion.usage(chore.text)
    if not request.stream:
        return Response(body=write_json(completion.whole(chore.text, usage)))
    said = sse.event(completion.chunk({"content": chore.text}))
    return Response(headers=dict(sse.HEADERS), body=join(_role(completion), said, _end(completion, usage)))
