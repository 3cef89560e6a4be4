"""Checks answers of `POST /v1/responses` against the types of the `openai` package, which itself accepts anything."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from tests.worker.service import links

Json = dict[str, Any]

EVENTS: Mapping[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(ResponseStreamEvent)[0])
}
"""The class for each type of event."""

UNTYPED = {"store", "cost_neurons", "cost_dollars"}
"""Fields without a type in the package: one of OpenAI's own, and the costs."""

ORDER = re.compile(
    "created in_progress "
    "output_item.added "
    "image_generation_call.in_progress image_generation_call.generating "
    "(image_generation_call.partial_image )*image_generation_call.completed "
    "output_item.done "
    "output_item.added content_part.added (output_text.delta )+output_text.done content_part.done output_item.done "
    "completed"
)
"""The events of a stream with one picture, without the prefix `response.`."""


def assert_valid(kind: type[BaseModel], data: Json) -> None:
    """Check that every field has its type without conversion, and that no field is unknown."""
    valid = kind.model_validate_json(json.dumps(data), strict=True)
    assert set(unknown(valid)) <= UNTYPED


def unknown(value: object) -> Iterator[str]:
    """The fields that the types do not have, at any depth."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in value.model_fields_set:
            yield from unknown(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from unknown(item)


def assert_response(response: Json) -> None:
    """Check a finished response with one picture and its message, whose ids contain the picture's identifier."""
    assert_valid(Response, response)
    picture, message = response["output"]
    assert (picture["type"], message["type"]) == ("image_generation_call", "message")
    assert {response["status"], picture["status"], message["status"]} == {"completed"}
    [part] = message["content"]
    [link] = links(part["text"])
    identifier = picture["id"].removeprefix("ig_")
    assert re.search(r"/image/([\w-]+)\.\w+$", link)
    assert f"/image/{identifier}." in link
    assert response["id"] == f"resp_{identifier}"
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def assert_numbered(events: list[Json]) -> None:
    """Check that each event is valid and none is missing."""
    for event in events:
        assert_valid(EVENTS[event["type"]], event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def assert_stream(events: list[Json]) -> Json:
    """Check a complete stream with one picture. Returns its final response, with which all events must agree."""
    assert_numbered(events)
    assert ORDER.fullmatch(" ".join(event["type"].removeprefix("response.") for event in events))
    created, in_progress, *between, completed = events
    response: Json = completed["response"]
    assert_response(response)
    for begun in (created["response"], in_progress["response"]):
        assert (begun["status"], begun["output"]) == ("in_progress", [])
        assert (begun["id"], begun["created_at"]) == (response["id"], response["created_at"])

    picture, message = response["output"]
    added = [event["item"] for event in between if event["type"] == "response.output_item.added"]
    assert [item["id"] for item in added] == [picture["id"], message["id"]]
    assert [item["status"] for item in added] == ["in_progress"] * 2
    assert (added[0]["result"], added[1]["content"]) == (None, [])
    done = [event["item"] for event in between if event["type"] == "response.output_item.done"]
    assert done == [picture, message]
    for event in between:
        item_id = event["item"]["id"] if "item" in event else event["item_id"]
        assert item_id == response["output"][event["output_index"]]["id"]

    [part] = message["content"]
    assert "".join(event["delta"] for event in between if event["type"] == "response.output_text.delta") == part["text"]
    assert [event["text"] for event in between if event["type"] == "response.output_text.done"] == [part["text"]]
    parts = [event["part"] for event in between if "part" in event]
    assert parts == [{**part, "text": ""}, part]
    return response
