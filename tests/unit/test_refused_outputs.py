"""Output that cannot be a picture is refused before anything is drawn. If a picture is possible, it is drawn."""

import json
from typing import Any

import pytest

from tests.builders import Service

SCHEMA = {"type": "json_schema", "json_schema": {"name": "cat", "schema": {"type": "object"}}}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {}}}
IMAGE_TOOL = {"type": "image_generation"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a structured output": ({"response_format": SCHEMA}, "response_format"),
    "a structured output in another letter case": (
        {"response_format": {**SCHEMA, "type": "JSON_SCHEMA"}},
        "response_format",
    ),
    "a structured output without a schema": ({"response_format": {"type": "json_schema"}}, "response_format"),
    "a function by its name": (
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        "tool_choice",
    ),
    "a function without its type": ({"tools": [FUNCTION], "tool_choice": {"function": {"name": "f"}}}, "tool_choice"),
    "a custom tool": ({"tool_choice": {"type": "custom", "custom": {"name": "f"}}}, "tool_choice"),
    "any function": ({"tools": [FUNCTION], "tool_choice": "required"}, "tool_choice"),
    "any function, in Mistral's word": ({"tools": [FUNCTION], "tool_choice": "any"}, "tool_choice"),
    "a required tool without tools": ({"tool_choice": "required"}, "tool_choice"),
    "a required tool of those allowed": (
        {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [FUNCTION]},
            }
        },
        "tool_choice",
    ),
    "a function in the form before tools": (
        {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
        "function_call",
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", REFUSED)
async def test_what_no_picture_can_be_is_refused_before_it_is_drawn(case: str, *, stream: bool) -> None:
    fields, param = REFUSED[case]
    service = Service()
    answer = await service.chat("A cat", stream=stream, **fields)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_value", param)
    assert (service.painter.drawings, service.writer.prompts, service.limiter.spent) == ([], [], {})


@pytest.mark.parametrize("name", ["mask", "markup"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
async def test_a_mask_is_refused_where_pictures_are_edited_in_a_conversation(path: str, name: str) -> None:
    """The part that it protects would be redrawn. Apps' chores are answered whatever they contain."""
    service = Service()
    asked = {"messages": [{"role": "user", "content": "A cat"}], "input": "A cat"}
    answer = await service.post(path, {**asked, name: "data:image/png;base64,AAAA"})
    assert (answer.status, answer.error["param"]) == (400, name)
    assert service.painter.drawings == []


DRAWN: dict[str, dict[str, Any]] = {
    "an object": {"response_format": {"type": "json_object"}},
    "a text": {"response_format": {"type": "text"}},
    "no format": {"response_format": None},
    "optional tools": {"tools": [FUNCTION]},
    "optional tools, said so": {"tools": [FUNCTION], "tool_choice": "auto"},
    "optional tools, said so as an object": {"tools": [FUNCTION], "tool_choice": {"type": "auto"}},
    "no tools": {"tools": [FUNCTION], "tool_choice": "none"},
    "no choice": {"tools": [FUNCTION], "tool_choice": None},
    "an empty choice": {"tool_choice": ""},
    "the image tool is required": {"tools": [FUNCTION, IMAGE_TOOL], "tool_choice": "required"},
    "the image tool is forced": {"tools": [IMAGE_TOOL], "tool_choice": IMAGE_TOOL},
    "tools are allowed": {
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}}
    },
    "functions in the form before tools": {"functions": [{"name": "f"}], "function_call": "auto"},
    "tools of another shape": {"tools": "none"},
}


@pytest.mark.parametrize("case", DRAWN)
async def test_what_leaves_room_for_a_picture_is_drawn(case: str) -> None:
    answer = await Service().chat("A cat", **DRAWN[case])
    assert answer.status == 200
    assert "![" in answer.content


async def test_a_chore_with_a_schema_is_answered_all_the_same() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    service = Service()
    answer = await service.post(
        "/v1/chat/completions",
        {
            "messages": [
                {"role": "user", "content": "A cute cat"},
                {"role": "assistant", "content": "Here."},
                {"role": "user", "content": "Name this."},
            ],
            "response_format": {"type": "json_schema", "json_schema": {"name": "title", "schema": schema}},
        },
    )
    assert json.loads(answer.content).keys() == {"title"}
    assert service.painter.drawings == []


# --- a conversation without a user ----------------------------------------------------------------

ALONE: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "a system text": ([("system", "A barn 16:9")], "A barn"),
    "a developer text": ([("developer", "A barn")], "A barn"),
    "parts": ([("system", [{"type": "text", "text": "A barn"}])], "A barn"),
    "the last of several": ([("system", "You paint."), ("developer", "A barn")], "A barn"),
    "the last with a text": ([("system", "A barn"), ("system", "")], "A barn"),
    "before an answer": ([("system", "A barn"), ("assistant", "Here it is.")], "A barn"),
    "never where a user spoke": ([("user", "A barn"), ("system", "You paint.")], "A barn"),
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("case", ALONE)
async def test_without_a_user_the_last_instruction_is_drawn(case: str, path: str) -> None:
    turns, prompt = ALONE[case]
    service = Service()
    messages = [{"role": role, "content": content} for role, content in turns]
    answer = await service.post(path, {"messages" if "chat" in path else "input": messages})
    assert answer.status == 200, answer.text
    assert [drawing.prompt for drawing in service.painter.drawings] == [prompt]


# --- names that promise OpenAI's own habits -------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    ["gpt-image-1", "gpt-image-1.5", "GPT-Image-2", "gpt-image-1-mini", "gpt-image-9-2027-01-01", "openai/gpt-image-2",
     "openai:gpt-image-1", "chatgpt-image-latest", "litellm/openai/gpt-image-1"],
)  # fmt: skip
async def test_for_openais_picture_models_the_picture_alone_is_the_answer_and_nothing_is_stored(model: str) -> None:
    service = Service()
    answer = await service.generate("A cat", model=model)
    assert [item.keys() for item in answer.json["data"]] == [{"b64_json"}]
    assert service.store.pictures == {}


@pytest.mark.parametrize("model", ["dall-e-3", "dall-e-2", "flux", "openai/dall-e-3", "flux-1-schnell", "", None])
async def test_for_other_names_each_picture_comes_in_both_forms(model: str | None) -> None:
    service = Service()
    answer = await service.generate("A cat", model=model)
    assert [item.keys() for item in answer.json["data"]] == [{"b64_json", "url"}]
    assert len(service.store.pictures) == 1


@pytest.mark.parametrize(("wanted", "keys"), [("url", {"url"}), ("URL", {"url"}), ("b64_json", {"b64_json"})])
async def test_a_response_format_counts_whatever_the_name(wanted: str, keys: set[str]) -> None:
    answer = await Service().generate("A cat", model="gpt-image-1", response_format=wanted)
    assert [item.keys() for item in answer.json["data"]] == [keys]


@pytest.mark.parametrize(("sent", "told"), [("someone", "someone"), (None, None), (5, None)])
async def test_a_safety_identifier_is_repeated(sent: Any, told: str | None) -> None:
    answer = await Service().generate("A cat", safety_identifier=sent)
    assert answer.json.get("safety_identifier") == told
    assert answer.json["usage"]["output_tokens_details"] == {"text_tokens": 0, "image_tokens": 1024}
