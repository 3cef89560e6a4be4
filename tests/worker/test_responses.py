"""The Responses API in the official `openai` client for Python, unmodified. It checks no fields, so these tests do."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import openai
import pytest

from tests.worker import responses
from tests.worker.service import (
    KEY,
    PATIENCE_SECONDS,
    SCHNELL,
    Ledger,
    Service,
    fetched,
    links,
    shows,
    unique,
)

LUCID = "@cf/leonardo/lucid-origin"
MODEL = "gpt-6-astra"
"""A text model, like the default model of this API's clients."""

Json = dict[str, Any]

INPUTS: Mapping[str, Callable[[str], Any]] = {
    "a text": lambda prompt: prompt,
    "an item": lambda prompt: [{"role": "user", "content": prompt}],
    "an item with its type": lambda prompt: [{"type": "message", "role": "user", "content": prompt}],
    "an item with parts": lambda prompt: [{"role": "user", "content": [{"type": "input_text", "text": prompt}]}],
}
TOOLS: Mapping[str, Any] = {"without the tool": openai.omit, "with the tool": [{"type": "image_generation"}]}


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[openai.OpenAI]:
    """A client with base URL and key, which checks every field in responses."""
    with openai.OpenAI(
        base_url=f"{service.url}/v1", api_key=KEY, timeout=PATIENCE_SECONDS, _strict_response_validation=True
    ) as client:
        yield client


def sent(answer: openai.BaseModel) -> Json:
    """A response or an event in the form in which the service sent it."""
    return dict(answer.to_dict())


def assert_shows(response: Json, prompt: str) -> None:
    """Check a response: its picture is the one behind its link, matches its description, and is of this prompt."""
    responses.assert_response(response)
    item, message = response["output"]
    picture, stored = fetched(*links(message["content"][0]["text"]))
    assert base64.b64decode(item["result"]) == stored.content
    assert item["size"] == "{}x{}".format(*picture.size)
    assert f"image/{item['output_format']}" == picture.get_format_mimetype()
    assert item["revised_prompt"] == prompt
    assert shows(picture, prompt)


# --- the answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tools", TOOLS)
@pytest.mark.parametrize("form", INPUTS)
def test_a_response_is_a_picture_and_a_message_with_its_link(client: openai.OpenAI, form: str, tools: str) -> None:
    prompt = unique("a cute cat")
    answer = client.responses.create(model=MODEL, input=INPUTS[form](f"{prompt} 3:2"), tools=TOOLS[tools])
    assert_shows(sent(answer), prompt)
    assert answer.output_text.startswith(f"🎨 Original prompt: {prompt} 3:2\n")
    assert sent(answer)["output"][0]["size"] == "768x512"
    assert answer.model == SCHNELL


def test_a_response_repeats_what_the_request_said(client: openai.OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input=unique("a mirror"),
        instructions="You draw.",
        metadata={"ticket": "7"},
        tools=[{"type": "image_generation", "quality": "low", "size": "1024x1024"}],
        tool_choice={"type": "image_generation"},
        parallel_tool_calls=False,
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=1000,
        store=True,
        reasoning={"effort": "low"},
        include=["reasoning.encrypted_content"],
        truncation="auto",
        user="somebody",
    )
    answer = sent(response)
    responses.assert_response(answer)
    assert {name: answer[name] for name in ("instructions", "metadata", "tools", "tool_choice")} == {
        "instructions": "You draw.",
        "metadata": {"ticket": "7"},
        "tools": [{"type": "image_generation", "quality": "low", "size": "1024x1024"}],
        "tool_choice": {"type": "image_generation"},
    }
    assert (answer["parallel_tool_calls"], answer["temperature"], answer["top_p"]) == (False, 0.5, 0.25)
    assert (answer["max_output_tokens"], answer["store"], answer["previous_response_id"]) == (1000, False, None)


def test_the_options_of_the_tool_decide(client: openai.OpenAI, ledger: Ledger) -> None:
    prompt = unique("a lantern")
    response = client.responses.create(
        model="flux",
        input=prompt,
        tools=[{"type": "image_generation", "model": LUCID, "size": "768x512", "output_format": "webp"}],
    )
    answer = sent(response)
    item = answer["output"][0]
    assert (item["size"], item["output_format"], answer["model"]) == ("768x512", "webp", LUCID)
    picture, _ = fetched(*links(answer["output"][1]["content"][0]["text"]))
    assert (picture.size, picture.format) == ((768, 512), "WEBP")
    [call] = ledger.calls(prompt)
    assert call["model"] == LUCID


def test_a_picture_in_a_message_goes_to_a_model_that_takes_pictures(client: openai.OpenAI, ledger: Ledger) -> None:
    drawn = sent(client.responses.create(model=MODEL, input=unique("a snowman")))["output"][0]
    prompt = unique("make it melt")
    picture = {"type": "input_image", "image_url": f"data:image/jpeg;base64,{drawn['result']}", "detail": "auto"}
    content: Any = [{"type": "input_text", "text": prompt}, picture]
    answer = sent(client.responses.create(model=MODEL, input=[{"role": "user", "content": content}]))
    responses.assert_response(answer)
    assert answer["output"][0]["action"] == "edit"
    assert len(pictures_in(ledger, prompt)) == 1


def pictures_in(ledger: Ledger, prompt: str) -> list[Json]:
    """The pictures that the model received."""
    [call] = ledger.calls(prompt)
    return [value for value in call["inputs"].values() if isinstance(value, dict)]


# --- a second turn --------------------------------------------------------------------------------


def items(first: Json) -> tuple[Json, Json]:
    """The picture and the message of a response."""
    picture, message = first["output"]
    return picture, message


HISTORIES: Mapping[str, Callable[[Json], Json]] = {
    "whole items": lambda first: {"input": first["output"]},
    "its id": lambda first: {"input": [{"type": "image_generation_call", "id": items(first)[0]["id"]}]},
    "a reference": lambda first: {"input": [{"type": "item_reference", "id": items(first)[0]["id"]}]},
    "the message's link": lambda first: {"input": [items(first)[1]]},
    "the previous response": lambda first: {"input": [], "previous_response_id": first["id"]},
}
"""Ways to repeat the first turn in the second one."""


@pytest.mark.parametrize("history", HISTORIES)
def test_a_second_turn_that_asks_for_an_edit_gives_the_model_the_first_picture(
    client: openai.OpenAI, ledger: Ledger, history: str
) -> None:
    """Recognised by its shape: the first picture is the only wide one."""
    asked: Any = {"role": "user", "content": f"{unique('a bridge')} 16:9"}
    told = HISTORIES[history](sent(client.responses.create(model=MODEL, input=[asked])))
    prompt = unique("at night")
    told["input"] = [asked, *told["input"], {"role": "user", "content": prompt}]
    tool: Any = {"type": "image_generation", "action": "edit", "size": "1024x1024"}
    second = sent(client.responses.create(model=MODEL, tools=[tool], **told))
    responses.assert_response(second)
    [given] = pictures_in(ledger, prompt)
    assert given["width"] / given["height"] == pytest.approx(16 / 9, abs=0.01)
    assert second["output"][0]["action"] == "edit"
    assert second["previous_response_id"] == told.get("previous_response_id")


# --- the stream -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tools", TOOLS)
@pytest.mark.parametrize("seconds", [0, 2], ids=["at once", "after the stream has begun"])
def test_a_stream_has_every_event_in_order_and_ends_with_the_response(
    client: openai.OpenAI, seconds: int, tools: str
) -> None:
    prompt = unique(f"a tiny house [[delay {seconds}s]]")
    stream = client.responses.create(model=MODEL, input=f"{prompt} 3:2", tools=TOOLS[tools], stream=True)
    assert_shows(responses.assert_stream([sent(event) for event in stream]), prompt)


def test_the_clients_helper_puts_the_response_together_from_the_events(client: openai.OpenAI) -> None:
    prompt = unique("a windmill")
    with client.responses.stream(model=MODEL, input=prompt, tools=[{"type": "image_generation"}]) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(pieces) == final.output_text
    [markdown] = [piece for piece in pieces if "![" in piece]
    picture, stored = fetched(*links(markdown))
    assert shows(picture, prompt)
    [item] = [item for item in final.output if item.type == "image_generation_call"]
    assert base64.b64decode(item.result or "") == stored.content


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_stream_begins_is_the_clients_own_error_class(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input=unique("a duel [[fault 3030]]"), stream=stream)
    assert caught.value.code == "content_policy_violation"


def test_a_failure_inside_a_stream_is_a_failed_response(client: openai.OpenAI, ledger: Ledger) -> None:
    prompt = unique("a late duel [[delay 2s]] [[fault 3030]]")
    events = [sent(event) for event in client.responses.create(model=MODEL, input=prompt, stream=True)]
    responses.assert_numbered(events)
    *begun, failed = events
    assert [event["type"] for event in begun[:3]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
    ]
    assert failed["type"] == "response.failed"
    response = failed["response"]
    assert (response["status"], response["error"]["code"]) == ("failed", "image_content_policy_violation")
    assert "safety filter" in response["error"]["message"]
    assert ledger.outcomes(prompt) == ["3030"]


REFUSED: Mapping[str, tuple[str, Json]] = {
    "a schema": ("text.format", {"text": {"format": {"type": "json_schema", "name": "cat", "schema": {}}}}),
    "a function": ("tool_choice", {"tool_choice": {"type": "function", "name": "cat"}}),
    "any tool": ("tool_choice", {"tool_choice": "required"}),
    "work in the background": ("background", {"background": True}),
    "a conversation that we keep": ("conversation", {"conversation": "conv_1"}),
    "somebody else's response": ("previous_response_id", {"previous_response_id": "resp_1"}),
    "a mask": (
        "tools[0].input_image_mask",
        {"tools": [{"type": "image_generation", "input_image_mask": {"image_url": "data:image/png;base64,AAAA"}}]},
    ),
}
"""Output that cannot be a picture, and requests for stored data, with the field that the error names."""


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_followed_is_refused_before_anything_is_drawn(
    client: openai.OpenAI, ledger: Ledger, what: str
) -> None:
    param, fields = REFUSED[what]
    prompt = unique("a cat")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input=prompt, **fields)
    assert caught.value.param == param
    assert ledger.calls(prompt) == []
