"""`POST /v1/chat/completions`: a picture as a chat answer, streamed or not."""

from flux import chores, conversation
from flux.call import Call
from flux.chores import Chore
from flux.endpoints import drawing
from flux.endpoints.chat import parse, respond
from flux.endpoints.chat.parse import ChatRequest
from flux.endpoints.chat.respond import ChatPresenter, Completion
from flux.http import MAX_BODY, Response


async def complete(call: Call) -> Response:
    """Answer a chat request with a picture, or with text if it is a chore."""
    settings = call.services.settings
    document = await call.request.body.document(MAX_BODY)
    body = document.json_object()
    request = parse.chat(body, call.headers)
    if settings.answer_chores and (chore := chores.recognise(request.conversation)):
        return _answer_chore(call, request, chore)
    parse.refuse(body)
    asked = conversation.generation(
        request.conversation, request.options, follow_ups=settings.follow_ups, ignored=request.ignored
    )
    plan = await drawing.planned(call, asked, document.decode)
    del document  # frees the bytes of all pictures in the request
    words = call.services.words
    completion = _completion(call, request)
    presenter = ChatPresenter(
        completion,
        plan,
        words,
        choices=request.choices,
        images_apart=request.images_apart,
        tells_progress=request.include_progress,
    )
    storage = None if request.images_apart else drawing.storage(call)
    return await drawing.answer(call, plan, presenter, storage, stream=request.stream)


def _completion(call: Call, request: ChatRequest) -> Completion:
    message = request.conversation.asking
    return Completion(call.trace.request_id, message.text if message else "", counted=request.include_usage)


def _answer_chore(call: Call, request: ChatRequest, chore: Chore) -> Response:
    call.trace.facts.chore = chore.kind
    model = call.services.settings.model.id
    body = respond.chore(_completion(call, request), model, chore.text, stream=request.stream)
    return drawing.told(body, stream=request.stream)
