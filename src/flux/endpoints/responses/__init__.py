"""`POST /v1/responses`: a picture as an answer of OpenAI's Responses API, streamed or not."""

import time

from flux import chores, conversation, picture
from flux.call import Call
from flux.chores import Chore
from flux.endpoints import drawing
from flux.endpoints.responses import parse, respond
from flux.endpoints.responses.parse import ResponsesRequest
from flux.endpoints.responses.respond import Answer, ResponsesPresenter
from flux.http import MAX_BODY, Response


async def create(call: Call) -> Response:
    """Answer with a picture, or with text if the request is a chore."""
    settings = call.services.settings
    document = await call.request.body.document(MAX_BODY)
    body = document.json_object()
    request = parse.responses(body, call.headers, settings.partners)
    if settings.answer_chores and (chore := chores.recognise(request.conversation)):
        return _answer_chore(call, request, chore)
    parse.refuse(body, request)
    asked = conversation.generation(
        request.conversation,
        request.options,
        follow_ups=settings.follow_ups,
        notices=request.notices,
        ignored=request.ignored,
    )
    plan = await drawing.planned(call, asked, document.decode)
    del document  # frees the bytes of all pictures in the request
    ids = tuple(_new_id(call) for _ in range(asked.n))
    answer = Answer(request.echo, ids[-1], call.trace.request_id, plan.model.id)
    presenter = ResponsesPresenter(answer, plan, call.services.words, ids, _input_text(request))
    return await drawing.answer(call, plan, presenter, drawing.storage(call, ids), stream=request.stream)


def _new_id(call: Call) -> str:
    """The identifier of a picture that is not drawn yet."""
    return picture.new_id(int(time.time()) + call.services.settings.image_expiration)


def _input_text(request: ResponsesRequest) -> str:
    message = request.conversation.asking
    return message.text if message else ""


def _answer_chore(call: Call, request: ResponsesRequest, chore: Chore) -> Response:
    call.trace.facts.chore = chore.kind
    # The id has the usual form, so that an app can continue from this response too. No picture is stored under it.
    answer = Answer(request.echo, _new_id(call), call.trace.request_id, call.services.settings.model.id)
    body = respond.chore(answer, _input_text(request), chore.text, stream=request.stream)
    return drawing.told(body, stream=request.stream)
