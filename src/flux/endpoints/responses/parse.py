"""The body of a Responses API call -> a validated value.

Where OpenAI's documentation is silent, the types of its `openai` packages (3.57 for Python) are the specification.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flux import catalog, conversation, fields, output, partners
from flux.conversation import Conversation, Message
from flux.errors import InvalidRequest, MissingParameter, PreviousResponseNotFound
from flux.fields import Body
from flux.generation import NO_OPTIONS, Action, Notice, Options, PictureSource
from flux.picture import is_id
from flux.text import clean

ITEM, RESPONSE = "ig_", "resp_"
"""Prefixes of picture and response ids; the picture's identifier follows."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Fields that the answer repeats."""

    instructions: str | None
    metadata: Mapping[str, Any]
    tools: Sequence[Any]
    tool_choice: Any
    parallel_tool_calls: bool
    previous_response_id: str | None
    temperature: float
    top_p: float
    max_output_tokens: int | None


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """`POST /v1/responses`, before it is known whether it requests a picture or a chore."""

    conversation: Conversation
    options: Options
    stream: bool
    echo: Echo
    notices: tuple[Notice, ...]
    ignored: tuple[str, ...]
    """The fields of the request and of its tool that cannot be followed."""


def responses(body: Body, headers: Mapping[str, str], others: partners.Enabled = partners.NONE) -> ResponsesRequest:
    """A Responses API request. Raises `InvalidRequest` or a subclass, with the field's name."""
    echo = _echo(body)
    stream = fields.switch(body, "stream")
    messages = (*_before(echo), *_input(body))
    if not messages:
        raise _nothing_to_draw()
    tool, notices, ignored = _image_tool(echo.tools, others)
    return ResponsesRequest(
        conversation=Conversation(
            messages=messages,
            param="input",
            schema=_schema(body),
            tasks=conversation.tasks(headers, body),
            max_tokens=conversation.limits(body, "max_output_tokens"),
            # Named as in a chat, because apps are recognised by the fields they send.
            fields=frozenset("messages" if name == "input" else name for name in body),
            streamed=stream,
        ),
        options=tool.over(fields.options(body)),
        stream=stream or False,
        echo=echo,
        notices=notices,
        ignored=tuple(dict.fromkeys((*ignored, *_ignored(body)))),
    )


def _ignored(body: Body) -> tuple[str, ...]:
    """Like `fields.ignored`, but without `background`, which here concerns the response and not the picture."""
    return tuple(name for name in fields.ignored(body, also=fields.PICTURE_FIELDS) if name != "background")


def _echo(body: Body) -> Echo:
    return Echo(
        instructions=fields.value_of(body, "instructions", str, "a string"),
        metadata=_or(body, "metadata", dict, default={}),
        tools=fields.value_of(body, "tools", list, "a list") or [],
        tool_choice=fields.value_of(body, "tool_choice", (str, dict), "a string or an object") or "auto",
        parallel_tool_calls=_or(body, "parallel_tool_calls", bool, default=True),
        previous_response_id=fields.text(body, "previous_response_id") or None,
        temperature=_or(body, "temperature", (int, float), default=1.0),
        top_p=_or(body, "top_p", (int, float), default=1.0),
        max_output_tokens=_or(body, "max_output_tokens", int, default=None),
    )


def _or(body: Body, name: str, kind: Any, *, default: Any) -> Any:
    """A field without effect, if it has the right type. In JSON, booleans are not numbers."""
    value = body.get(name)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return value if fits else default


# --- the conversation ---------------------------------------------------------------------------


def _before(echo: Echo) -> list[Message]:
    """What precedes the input: instructions, and the last picture of the response that is continued."""
    messages = [Message("system", clean(echo.instructions))] if echo.instructions else []
    if id := _picture_id(echo.previous_response_id, RESPONSE):
        source = PictureSource("previous_response_id", id=id, missing=PreviousResponseNotFound)
        messages.append(Message("assistant", "", (source,)))
    return messages


def _input(body: Body) -> list[Message]:
    value = body.get("input")
    if value is None or value == "":
        raise _nothing_to_draw()
    if isinstance(value, str):
        return [Message("user", clean(value))]
    if not isinstance(value, list) or not value:
        raise InvalidRequest("'input' must be a string or a list with at least one item.", param="input")
    messages = (_item(item, f"input[{i}]") for i, item in enumerate(value))
    return [message for message in messages if message]


def _nothing_to_draw() -> MissingParameter:
    return MissingParameter("Send an 'input' that says what to draw.", param="input")


def _item(item: object, where: str) -> Message | None:
    """A message; None for items without pictures or text to draw, such as the model's reasoning."""
    if not isinstance(item, dict):
        raise InvalidRequest(f"{where} must be an object.", param=where)
    kind, role = item.get("type"), item.get("role")
    if kind in (None, "message"):
        if not isinstance(role, str):
            raise InvalidRequest(f"{where} must be a message with a 'role', or an item with a 'type'.", param=where)
        return conversation.message(role, item.get("content"), where, "input")
    if kind in ("image_generation_call", "item_reference"):
        return _drawn(item)
    return Message("tool", "") if kind == "function_call_output" else None


def _drawn(item: Body) -> Message | None:
    """A picture drawn earlier, given with its bytes or only by its id."""
    result = item.get("result")
    if isinstance(result, str) and result:
        return Message("assistant", "", (PictureSource("input", data=result),))
    id = _picture_id(item.get("id"), ITEM)
    return Message("assistant", "", (PictureSource("input", id=id),)) if id else None


def _picture_id(id: object, prefix: str) -> str | None:
    if not isinstance(id, str) or not id.startswith(prefix):
        return None
    rest = id.removeprefix(prefix)
    return rest if is_id(rest) else None


def _format(body: Body) -> Mapping[str, Any]:
    text = fields.object_of(body, "text") or {}
    found = text.get("format")
    return found if isinstance(found, dict) else {}


def _schema(body: Body) -> Mapping[str, Any] | None:
    schema = _format(body).get("schema")
    return schema if isinstance(schema, dict) else None


# --- the tool -----------------------------------------------------------------------------------

_ACTIONS: Mapping[str, Action] = {"edit": "edit", "generate": "generate"}


def _image_tool(tools: Sequence[Any], others: partners.Enabled) -> tuple[Options, tuple[Notice, ...], tuple[str, ...]]:
    """The options of the first `image_generation` tool, and those of them that cannot be followed."""
    for index, tool in enumerate(tools):
        if isinstance(tool, dict) and tool.get("type") == "image_generation":
            try:
                return *_tool_options(tool, others), fields.ignored(tool)
            except InvalidRequest as error:
                error.param = f"tools[{index}].{error.param}"
                raise
    return NO_OPTIONS, (), ()


def _tool_options(tool: Body, others: partners.Enabled) -> tuple[Options, tuple[Notice, ...]]:
    action = (fields.text(tool, "action") or "").lower()
    options = replace(fields.options(tool), action=_ACTIONS.get(action))
    name = options.model or "default"
    if partners.is_known(name) or others.find(name):
        return options, ()
    if catalog.is_generic(name):
        # The tool leaves the choice to the service, so the request's own model counts.
        return replace(options, model=None), ()
    return options, () if catalog.find(name) else ("model_unknown",)


# --- refusals, for requests that are not chores ---------------------------------------------------


def refuse(body: Body, request: ResponsesRequest) -> None:
    """Refuse masks, output that cannot be a picture, and what is not stored here. Raises `InvalidRequest`."""
    fields.refuse_masks(body)
    background = body.get("background")
    if background is not None and background is not False:
        raise InvalidRequest(
            "Background responses are not supported: leave 'background' out, and wait or stream.", param="background"
        )
    if body.get("conversation") is not None:
        raise InvalidRequest(
            "Conversations are not kept here: send the whole conversation as 'input'.", param="conversation"
        )
    previous = request.echo.previous_response_id
    if previous and not _picture_id(previous, RESPONSE):
        raise PreviousResponseNotFound(
            "This is not the id of a response of this service. Send the conversation as 'input'.",
            param="previous_response_id",
        )
    for index, tool in enumerate(request.echo.tools):
        if isinstance(tool, dict) and tool.get("input_image_mask") is not None:
            raise InvalidRequest(
                "Masks are not supported: describe the change instead.", param=f"tools[{index}].input_image_mask"
            )
    output.refuse_others(body, structured="text.format" if output.is_structured(_format(body)) else None)
