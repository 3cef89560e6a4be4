"""The body of a chat completion -> a validated value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flux import conversation, fields, output
from flux.conversation import Conversation, Message
from flux.errors import InvalidRequest, MissingParameter
from flux.fields import Body
from flux.generation import Options, PictureSource


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`POST /v1/chat/completions`, before it is known whether it requests a picture or a chore."""

    conversation: Conversation
    options: Options
    stream: bool
    include_usage: bool
    include_progress: bool
    """Our own extension: whether the stream also reports progress as data, with each picture as soon as it is
    finished."""
    images_apart: bool
    """Whether `modalities` has "image": pictures are then sent in `images`, not in the text."""
    ignored: tuple[str, ...]
    """The fields that cannot be followed."""

    @property
    def choices(self) -> int:
        """The number of choices in the answer. `--n` in a prompt requests several pictures in one choice."""
        return self.options.n or 1


def chat(body: Body, headers: Mapping[str, str]) -> ChatRequest:
    """A chat request. Raises `InvalidRequest` or a subclass, with the field's name."""
    messages = body.get("messages")
    if messages is None:
        raise MissingParameter("Send 'messages', with your prompt as the last message.", param="messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("'messages' must be a list with at least one message.", param="messages")
    stream_options = fields.value_of(body, "stream_options", dict, "an object") or {}
    stream = fields.switch(body, "stream")
    return ChatRequest(
        conversation=Conversation(
            messages=tuple(_message(item, f"messages[{i}]") for i, item in enumerate(messages)),
            schema=_schema(body),
            tasks=conversation.tasks(headers, body),
            max_tokens=conversation.limits(body, "max_tokens", "max_completion_tokens"),
            fields=frozenset(body),
            streamed=stream,
        ),
        options=fields.options(body),
        stream=stream or False,
        include_usage=fields.switch(stream_options, "include_usage") or False,
        include_progress=fields.switch(stream_options, "include_progress") or False,
        images_apart="image" in fields.texts(body, "modalities"),
        ignored=fields.ignored(body, also=fields.PICTURE_FIELDS),
    )


def refuse(body: Body) -> None:
    """Refuse masks and output that cannot be a picture, for requests that are not chores. Raises `InvalidRequest`."""
    fields.refuse_masks(body)
    wanted = body.get("response_format")
    output.refuse_others(body, structured="response_format" if output.is_structured(wanted) else None)
    forced = body.get("function_call")
    if forced and isinstance(forced, dict):  # `function_call`, the predecessor of `tool_choice`
        raise output.no_functions("function_call")


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise InvalidRequest(f"{where} must be an object with a 'role'.", param=where)
    return conversation.message(item["role"], item.get("content"), where, "messages", apart=_images(item))


def _images(item: Body) -> tuple[PictureSource, ...]:
    """The pictures that one of our answers had outside its text (`modalities`)."""
    images = item.get("images")
    urls = (fields.url_of(one) for one in images) if isinstance(images, list) else ()
    sources = (fields.picture_source(url, "messages") for url in urls if url is not None)
    return tuple(filter(None, sources))


def _schema(body: Body) -> Mapping[str, Any] | None:
    schema = body.get("response_format")
    for name in ("json_schema", "schema"):
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema if isinstance(schema, dict) else None
