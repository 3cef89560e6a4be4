"""`POST /v1/responses`: parsing, the answer with and without streaming, and errors."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from flux import picture, upstream
from flux.ports import NotStored
from flux.words import LANGUAGES
from tests.builders import KLEIN, NOW, ORIGIN, SCHNELL, SDXL, Answer, Service, data_url
from tests.fakes import Painter, Shelf, decode, encoded, opened, painted, shows

pytestmark = pytest.mark.usefixtures("clock")

RESPONSES = "/v1/responses"
EN = LANGUAGES["en"]
PHOTO = encoded(opened(painted("A photo", 300, 200)), "image/png")
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
IMAGE_TOOL = {"type": "image_generation"}


async def ask(service: Service, value: Any = "A cat", **fields: Any) -> Answer:
    """The answer to a request with this input."""
    return await service.post(RESPONSES, {"model": "gpt-6-astra", "input": value, **fields})


def events(answer: Answer) -> list[dict[str, Any]]:
    """The events of a stream. Each has the same name as in its data."""
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    found = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name for name, _ in blocks] == [f"event: {event['type']}" for event in found]
    return found


def text_of(response: Mapping[str, Any]) -> str:
    """The text of a response's message."""
    (message,) = [item for item in response["output"] if item["type"] == "message"]
    return str(message["content"][0]["text"])


def item_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """The picture item of a response."""
    (item,) = [item for item in response["output"] if item["type"] == "image_generation_call"]
    return dict(item)


# --- the answer -----------------------------------------------------------------------------------


async def test_an_answer_holds_the_picture_and_a_message_with_the_lines_of_a_chat() -> None:
    service = Service()
    answer = await ask(service, "A cute cat 3:2")
    Response.model_validate(answer.json, strict=True)
    item = item_of(answer.json)
    assert shows(decode(item["result"]), "A cute cat")
    assert (item["size"], item["output_format"], item["action"]) == ("768x512", "jpeg", "generate")
    chat = await service.chat("A cute cat 3:2")
    first, second = service.store.pictures
    assert text_of(answer.json) == chat.content.replace(second, first)
    assert (answer.json["model"], answer.json["status"], answer.json["store"]) == (SCHNELL, "completed", False)


async def test_ids_hold_the_identifier_of_the_picture() -> None:
    """Without the file extension. The response has the identifier of its last picture."""
    service = Service()
    answer = await ask(service, "A cat --n 2")
    first, second = service.store.pictures
    assert [item["id"] for item in answer.json["output"][:2]] == [f"ig_{first}", f"ig_{second}"]
    assert answer.json["id"] == f"resp_{second}"
    assert picture.expiry(first) == NOW + 1800
    assert f"{ORIGIN}/image/{first}.jpg" in text_of(answer.json)


async def test_fields_of_the_request_are_repeated() -> None:
    fields = {
        "instructions": "Be kind.",
        "metadata": {"a": "b"},
        "tools": [{"type": "image_generation", "size": "1024x1024"}],
        "tool_choice": {"type": "image_generation"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 100,
    }
    answer = await ask(Service(), **fields)
    Response.model_validate(answer.json, strict=True)
    assert {name: answer.json[name] for name in fields} == fields


USELESS = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "high"},
    "store": True,
    "truncation": "auto",
    "service_tier": "flex",
    "user": 5,
    "background": False,
    "metadata": "none",
    "tools": None,
    "temperature": "hot",
}


@pytest.mark.parametrize("name", USELESS)
async def test_fields_that_do_not_concern_us_are_never_refused(name: str) -> None:
    answer = await ask(Service(), **{name: USELESS[name]})
    Response.model_validate(answer.json, strict=True)


async def test_a_picture_that_cannot_be_stored_is_in_the_item_and_in_the_message() -> None:
    answer = await ask(Service(store=Shelf(NotStored("429"))))
    assert shows(decode(item_of(answer.json)["result"]), "A cat")
    assert EN.not_stored in text_of(answer.json)


# --- the input ------------------------------------------------------------------------------------

FORMS: dict[str, Any] = {
    "a text": "A cat",
    "a message": [{"role": "user", "content": "A cat"}],
    "a message with its type": [{"type": "message", "role": "user", "content": "A cat"}],
    "parts": [{"role": "user", "content": [{"type": "input_text", "text": "A cat"}]}],
    "after an answer": [
        {"role": "user", "content": "A dog"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Here."}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "A bird"},
        {"type": "item_reference", "id": "msg_1"},
        {"role": "user", "content": "A cat"},
    ],
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_prompt_is_the_last_user_message_in_every_form(form: str) -> None:
    service = Service()
    answer = await ask(service, FORMS[form])
    assert [drawing.prompt for drawing in service.painter.drawings] == ["A cat"], answer.text


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        (None, "input", "missing_required_parameter"),
        ("", "input", "missing_required_parameter"),
        (5, "input", "invalid_value"),
        ([], "input", "invalid_value"),
        (["A cat"], "input[0]", "invalid_value"),
        ([{"content": "A cat"}], "input[0]", "invalid_value"),
        ([{"role": "user", "content": 5}], "input[0].content", "invalid_value"),
        ([{"role": "assistant", "content": "A cat"}], "input", "missing_required_parameter"),
    ],
)
async def test_an_input_of_another_shape_is_refused_by_its_place(value: Any, param: str, code: str) -> None:
    answer = await ask(Service(), value)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, param, code)


# --- the tool -------------------------------------------------------------------------------------


async def test_the_options_of_the_tool_count() -> None:
    service = Service()
    tool = {**IMAGE_TOOL, "model": "sdxl", "size": "512x512", "quality": "low", "output_format": "webp"}
    item = item_of((await ask(service, tools=[{"type": "web_search"}, tool])).json)
    (drawing,) = service.painter.drawings
    assert (drawing.model.id, drawing.inputs["num_steps"]) == (SDXL, 8)
    assert (item["size"], item["output_format"], item["quality"]) == ("512x512", "webp", "low")


MODELS = {
    "an unknown outer model draws with the default": ("gpt-6-astra", None, SCHNELL, False),
    "a known outer model draws": ("sdxl", None, SDXL, False),
    "the model of the tool wins": ("sdxl", "phoenix", "@cf/leonardo/phoenix-1.0", False),
    "a generic model of the tool leaves the choice": ("sdxl", "gpt-image-1.5", SDXL, False),
    "an unknown model of the tool draws with the default": ("sdxl", "midjourney", SCHNELL, True),
}


@pytest.mark.parametrize("case", MODELS)
async def test_which_model_draws(case: str) -> None:
    outer, inner, drawn, said = MODELS[case]
    answer = await ask(Service(), model=outer, tools=[IMAGE_TOOL | ({"model": inner} if inner else {})])
    assert answer.json["model"] == drawn
    assert (EN.model_unknown.format(drawn) in text_of(answer.json)) == said


async def test_a_wrong_option_of_the_tool_is_refused_by_its_place() -> None:
    answer = await ask(Service(), tools=[{"type": "web_search"}, {**IMAGE_TOOL, "size": "huge"}])
    assert (answer.status, answer.error["param"]) == (400, "tools[1].size")


# --- refusals -------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a background response": ({"background": True}, "background", "invalid_value"),
    "a conversation": ({"conversation": "conv_1"}, "conversation", "invalid_value"),
    "a mask": (
        {"tools": [{**IMAGE_TOOL, "input_image_mask": {"file_id": "f"}}]},
        "tools[0].input_image_mask",
        "invalid_value",
    ),
    "an uploaded file": (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}, "A cat"]}]},
        "input[0].content",
        "invalid_value",
    ),
    "another service's response": (
        {"previous_response_id": "resp_0123456789abcdef"},
        "previous_response_id",
        "previous_response_not_found",
    ),
    "settings of the text that are no object": ({"text": "json"}, "text", "invalid_value"),
    "tools that are no list": ({"tools": {"type": "image_generation"}}, "tools", "invalid_value"),
    "a structured output": (
        {"text": {"format": {"type": "json_schema", "name": "cat", "schema": {"type": "object"}}}},
        "text.format",
        "invalid_value",
    ),
    "a function that is forced": ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", "invalid_value"),
    "a tool that is required": (
        {"tool_choice": "required", "tools": [{"type": "function", "name": "f"}]},
        "tool_choice",
        "invalid_value",
    ),
}


@pytest.mark.parametrize("name", ["max_output_tokens", "temperature", "top_p"])
async def test_true_is_no_number_and_is_not_echoed_as_one(name: str) -> None:
    response = (await ask(Service(), **{name: True})).json
    assert response[name] == {"max_output_tokens": None, "temperature": 1.0, "top_p": 1.0}[name]


@pytest.mark.parametrize(
    "item",
    [{"type": {}}, {"type": "reasoning", "summary": []}, {"type": "item_reference", "id": "msg_1"},
     {"type": "function_call_output", "call_id": "1", "output": "A bird"}, {"role": "user", "content": None},
     {"role": "user", "content": []}, {"role": "tool", "content": "A bird"}],
    ids=str,
)  # fmt: skip
async def test_an_input_without_anything_to_draw_is_refused(item: dict[str, Any]) -> None:
    answer = await ask(Service(), [item])
    assert (answer.status, answer.error["param"]) == (400, "input")
    assert answer.error["code"] == "missing_required_parameter"


@pytest.mark.parametrize("case", REFUSED)
async def test_what_no_answer_of_ours_can_be_is_refused_before_anything_is_drawn(case: str) -> None:
    fields, param, code = REFUSED[case]
    service = Service()
    answer = await service.post(RESPONSES, {"input": "A cat", **fields})
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, param, code)
    assert service.painter.drawings == []


ACCEPTED: dict[str, dict[str, Any]] = {
    "the image tool is required": {"tool_choice": "required", "tools": [IMAGE_TOOL]},
    "the image tool is forced": {"tool_choice": {"type": "image_generation"}, "tools": [IMAGE_TOOL]},
    "tools are optional": {"tool_choice": "auto", "tools": [{"type": "function", "name": "f"}]},
    "tools are forbidden": {"tool_choice": "none"},
    "some tools are allowed": {
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    },
    "an object": {"text": {"format": {"type": "json_object"}}},
}


@pytest.mark.parametrize("case", ACCEPTED)
async def test_what_leaves_room_for_a_picture_is_drawn(case: str) -> None:
    answer = await ask(Service(), **ACCEPTED[case])
    Response.model_validate(answer.json, strict=True)


async def test_a_chore_is_answered_with_a_message_alone() -> None:
    """Even if it requests structured output, which is refused otherwise."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    service = Service()
    for stream in (False, True):
        answer = await ask(
            service,
            [
                {"role": "user", "content": "A cute cat"},
                {"role": "assistant", "content": "Here."},
                {"role": "user", "content": "Name this."},
            ],
            text={"format": {"type": "json_schema", "name": "title", "schema": schema}},
            stream=stream,
        )
        response = events(answer)[-1]["response"] if stream else answer.json
        Response.model_validate(response, strict=True)
        assert [item["type"] for item in response["output"]] == ["message"]
        assert json.loads(text_of(response)) == {"title": "A cute cat"}
    assert service.painter.drawings == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/resp_1", "/resp_1/cancel", "/resp_1/input_items", "/compact"])
async def test_no_response_is_kept(method: str, path: str) -> None:
    answer = await Service().get(f"{RESPONSES}{path}", method=method)
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert "not kept" in answer.error["message"]


async def test_responses_cannot_be_listed() -> None:
    answer = await Service().get(RESPONSES)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


# --- the stream -----------------------------------------------------------------------------------

ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.completed",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    *["response.output_text.delta"] * 3,
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


@pytest.mark.parametrize("seconds", [0, 25])
async def test_a_stream_has_every_event_in_its_order(seconds: float) -> None:
    """Numbered without gaps, each valid by OpenAI's types, whether or not it ends within the grace period."""
    answer = await ask(Service(painter=Painter(seconds=seconds)), "A cute cat 3:2", stream=True)
    found = events(answer)
    assert [event["type"] for event in found] == ORDER
    assert [event["sequence_number"] for event in found] == list(range(len(ORDER)))
    for event in found:
        EVENTS.validate_python(event, strict=True)
    assert answer.text.count(": ping\n\n") == (2 if seconds else 0)


async def test_a_stream_says_what_the_whole_answer_says() -> None:
    service = Service()
    found = events(await ask(service, "A cute cat 3:2", stream=True))
    whole = (await ask(service, "A cute cat 3:2")).json
    response = found[-1]["response"]
    first, second = service.store.pictures
    text = text_of(response)
    assert text == text_of(whole).replace(second, first)
    assert "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta") == text
    assert response["output"] == [e["item"] for e in found if e["type"] == "response.output_item.done"]
    assert (response.keys(), response["usage"]) == (whole.keys(), whole["usage"])


async def test_every_event_of_a_picture_carries_its_identifier() -> None:
    service = Service(painter=Painter(9.0, 3.0))
    found = events(await ask(service, "A cat --n 2", stream=True))
    second, first = service.store.pictures
    told: dict[int, set[str]] = {}
    for event in found:
        if id := event.get("item_id") or event.get("item", {}).get("id"):
            told.setdefault(event["output_index"], set()).add(id)
    assert told == {0: {f"ig_{first}"}, 1: {f"ig_{second}"}, 2: {found[-1]["response"]["output"][2]["id"]}}
    assert {event["response"]["id"] for event in found if "response" in event} == {f"resp_{second}"}


@pytest.mark.parametrize("seconds", [0.0, 5.0])
async def test_of_several_pictures_the_one_that_failed_is_an_item_that_says_so(seconds: float) -> None:
    """In the stream and in the whole response. The message says why, and the conversation can be continued."""
    failure = upstream.failure("500: no idea")
    whole = await ask(Service(painter=Painter(None, failure)), "A cat --n 2")
    service = Service(painter=Painter(seconds, failure))
    found = events(await ask(service, "A cat --n 2", stream=True))
    response = found[-1]["response"]
    for answer in (whole.json, response):
        assert [item["status"] for item in answer["output"]] == ["completed", "failed", "completed"]
        assert answer["output"][1]["result"] is None
        assert EN.some_failed.format(1, 2, failure) in text_of(answer)
        assert answer["status"] == "completed"
    assert response["output"] == [event["item"] for event in found if event["type"] == "response.output_item.done"]
    Response.model_validate(response, strict=True)
    again = await ask(service, "Make it blue --edit", model="klein", previous_response_id=response["id"])
    assert again.json["output"][0]["action"] == "edit"


FAILURES = {
    "3030: NSFW": (400, "content_policy_violation", "image_content_policy_violation"),
    "3036: used up": (429, "insufficient_quota", "rate_limit_exceeded"),
    "500: no idea": (502, "upstream_error", "server_error"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_has_its_status_within_the_grace_and_comes_in_the_stream_afterwards(failure: str) -> None:
    class Failing(Painter):
        async def draw(self, *_asked: Any, **_options: Any) -> Any:
            await self.fate.next()
            raise upstream.failure(failure)

    status, code, told = FAILURES[failure]
    early = await ask(Service(painter=Failing(0.5)), stream=True)
    assert (early.status, early.error["code"]) == (status, code)
    late = events(await ask(Service(painter=Failing(5.0)), stream=True))
    assert [event["sequence_number"] for event in late] == list(range(len(late)))
    assert late[-1]["type"] == "response.failed"
    assert (late[-1]["response"]["status"], late[-1]["response"]["error"]["code"]) == ("failed", told)
    for event in late:
        EVENTS.validate_python(event, strict=True)


# --- input pictures -------------------------------------------------------------------------------


async def test_an_attached_picture_is_edited() -> None:
    service = Service()
    part = {"type": "input_image", "image_url": data_url(PHOTO), "detail": "auto"}
    answer = await ask(service, [{"role": "user", "content": [{"type": "input_text", "text": "Blue"}, part]}])
    assert item_of(answer.json)["action"] == "edit"
    (drawing,) = service.painter.drawings
    assert (drawing.model.id, len(drawing.images)) == (KLEIN, 1)
    assert answer.json["usage"]["input_tokens"] > answer.json["usage"]["output_tokens"] // 100
