"""`POST /mcp`: tools that draw, for agents and chat apps, over the Model Context Protocol."""

from collections.abc import Awaitable, Callable, Mapping

from flux import http
from flux.call import Call
from flux.endpoints import drawing
from flux.endpoints.mcp import protocol, respond, tools
from flux.endpoints.mcp.protocol import METHOD_NOT_FOUND, Json, Message, RpcError
from flux.endpoints.mcp.respond import ToolPresenter
from flux.errors import ApiError
from flux.http import JSON, MAX_BODY, Decoder, Response
from flux.plan import Plan
from flux.text import quoted

Outcome = Json | Plan
"""The outcome of a method: a result, or a plan to draw."""
Method = Callable[[Call, Message, Decoder], Awaitable[Outcome]]


async def answer(call: Call) -> Response:
    """Answer one JSON-RPC message, in the modern or the legacy era."""
    document = await call.request.body.document(MAX_BODY)
    asked = Message()
    try:
        asked = protocol.message(protocol.read(document.text), call.headers)
        if asked.id is None:
            return Response(202)  # also for `notifications/cancelled`: only closing the connection ends the work
        protocol.check(asked, call.headers)
        outcome = await _method(asked)(call, asked, document.decode)
        del document  # frees the bytes of all pictures in the request
        if isinstance(outcome, Plan):
            return await _draw(call, asked, outcome)
    except RpcError as failure:
        call.trace.facts.error = str(failure.code)
        status, text = protocol.error(asked, failure)
        return Response(status, dict(JSON), text)
    except ApiError as failure:  # a tool failed: the model that called it reads what to do
        call.trace.failed(failure)
        outcome = respond.failure(failure)
    return http.json(protocol.result(asked, outcome))


async def _draw(call: Call, asked: Message, plan: Plan) -> Response:
    """Draw. The answer is streamed if the host wants progress notifications."""
    presenter = ToolPresenter(asked, plan, call.services.settings.image_expiration)
    takes_stream = "text/event-stream" in call.headers.get("accept", "").lower()
    stream = takes_stream and asked.progress_token is not None
    return await drawing.answer(call, plan, presenter, drawing.storage(call), stream=stream)


# --- methods --------------------------------------------------------------------------------------


async def _initialize(_call: Call, asked: Message, _decode: Decoder) -> Outcome:
    return protocol.initialize(asked, tools.INSTRUCTIONS)


async def _ping(_call: Call, _asked: Message, _decode: Decoder) -> Outcome:
    return {}


async def _discover(_call: Call, _asked: Message, _decode: Decoder) -> Outcome:
    return protocol.discover(tools.INSTRUCTIONS)


async def _list_tools(call: Call, _asked: Message, _decode: Decoder) -> Outcome:
    return tools.listed(call.services.settings.models)


async def _call_tool(call: Call, asked: Message, decode: Decoder) -> Outcome:
    tool, arguments = tools.called(asked.params)
    call.trace.facts.tool = tool.name
    if tool is tools.LIST_MODELS:
        return respond.models(call.services.settings.models, call.services.settings.model)
    return await drawing.planned(call, tools.generation(tool, arguments), decode)


_TOOLS: Mapping[str, Method] = {"tools/list": _list_tools, "tools/call": _call_tool}
MODERN: Mapping[str, Method] = {"server/discover": _discover, **_TOOLS}
LEGACY: Mapping[str, Method] = {"initialize": _initialize, "ping": _ping, **_TOOLS}


def _method(asked: Message) -> Method:
    methods = MODERN if asked.modern else LEGACY
    if asked.method not in methods:
        raise RpcError(
            METHOD_NOT_FOUND, f"There is no method {quoted(asked.method)} here. These are: {', '.join(methods)}."
        )
    return methods[asked.method]
