"""A value of any type in any field of a body gives a picture or an error for the caller, never an internal error."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import Service

pytestmark = pytest.mark.usefixtures("clock")

ODD: list[Any] = [
    {},
    [],
    {"a": 1},
    [1],
    True,
    1.5,
    "",
    " ",
    None,
    [None],
    {"type": {}},
    {"type": []},
    "x",
    "\udc00",
    {"\udc00": "\ud800"},
]

CHAT, RESPONSES, GENERATIONS, EDITS, MCP = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/images/generations",
    "/v1/images/edits",
    "/mcp",
)
ASKED = {"role": "user", "content": "A cat"}


def tool_call(**params: Any) -> dict[str, Any]:
    """A call of an MCP tool."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


SHARED = ("model", "n", "seed", "steps", "quality", "size", "width", "image_config", "imageConfig", "output_format",
          "output_compression", "optimize", "negative_prompt", "mask", "stream", "user")  # fmt: skip
FIELDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    CHAT: (
        {"messages": [ASKED]},
        ("messages", "stream_options", "response_format", "tools", "tool_choice", "function_call", "metadata",
         "max_tokens", "modalities", "image", *SHARED),
    ),
    RESPONSES: (
        {"input": "A cat"},
        ("input", "text", "tools", "tool_choice", "instructions", "metadata", "previous_response_id", "background",
         "conversation", "max_output_tokens", "include", "reasoning", *SHARED),
    ),
    GENERATIONS: (
        {"prompt": "A cat"},
        ("prompt", "image", "images", "image_url", "response_format", "safety_identifier", *SHARED),
    ),
    MCP: (tool_call(name="draw", arguments={"prompt": "A cat"}), ("jsonrpc", "id", "method", "params")),
}  # fmt: skip
"""For each API, a valid body, and the fields whose values are replaced or added."""

INSIDE: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "a message": (CHAT, lambda odd: {"messages": [odd, ASKED]}),
    "a role": (CHAT, lambda odd: {"messages": [{**ASKED, "role": odd}]}),
    "a content part": (CHAT, lambda odd: {"messages": [{"role": "user", "content": ["A cat", odd]}]}),
    "pictures beside a message": (CHAT, lambda odd: {"messages": [{**ASKED, "images": odd}]}),
    "a JSON schema": (
        CHAT,
        lambda odd: {"messages": [ASKED], "response_format": {"type": "json_schema", "json_schema": odd}},
    ),
    "an item": (RESPONSES, lambda odd: {"input": [odd, ASKED]}),
    "an item's part": (RESPONSES, lambda odd: {"input": [{"role": "user", "content": ["A cat", odd]}]}),
    "a picture's item": (
        RESPONSES,
        lambda odd: {"input": [{"type": "image_generation_call", "id": odd, "result": odd}, ASKED]},
    ),
    "a tool": (RESPONSES, lambda odd: {"input": "A cat", "tools": [odd]}),
    "the image tool's action": (
        RESPONSES,
        lambda odd: {"input": "A cat", "tools": [{"type": "image_generation", "action": odd}]},
    ),
    "the image tool's size": (
        RESPONSES,
        lambda odd: {"input": "A cat", "tools": [{"type": "image_generation", "size": odd}]},
    ),
    "the format of the text": (RESPONSES, lambda odd: {"input": "A cat", "text": {"format": odd}}),
    "tools that are allowed": (
        RESPONSES,
        lambda odd: {"input": "A cat", "tool_choice": {"type": "allowed_tools", "tools": odd, "mode": odd}},
    ),
    "a side": (GENERATIONS, lambda odd: {"prompt": "A cat", "size": {"width": odd, "height": odd}}),
    "a picture": (EDITS, lambda odd: {"prompt": "A cat", "images": [odd]}),
    "a picture's URL": (EDITS, lambda odd: {"prompt": "A cat", "images": [{"image_url": {"url": odd}}]}),
    "a tool's name": (MCP, lambda odd: tool_call(name=odd, _meta=odd)),
    "a tool's arguments": (MCP, lambda odd: tool_call(name="draw", arguments=odd)),
    "a tool's size and model": (
        MCP,
        lambda odd: tool_call(name="draw", arguments={"prompt": "A cat", "size": odd, "model": odd}),
    ),
    "a tool's picture": (MCP, lambda odd: tool_call(name="edit", arguments={"prompt": "A cat", "images": [odd]})),
}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, (_, names) in FIELDS.items() for name in names], ids=str
)
async def test_no_value_of_a_field_is_an_error_of_ours(path: str, name: str) -> None:
    for odd in ODD:
        answer = await Service().post(path, {**FIELDS[path][0], name: odd})
        assert answer.status < 500, (odd, answer.text)
        answer.text.encode()


@pytest.mark.parametrize("place", INSIDE)
async def test_no_value_inside_a_field_is_an_error_of_ours(place: str) -> None:
    path, body = INSIDE[place]
    for odd in ODD:
        answer = await Service().post(path, body(odd))
        assert answer.status < 500, (odd, answer.text)
        answer.text.encode()
