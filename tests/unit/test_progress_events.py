"""`stream_options.include_progress`: the progress of a chat request as data."""

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from flux import picture, upstream
from flux.ports import NotStored
from tests.builders import FLUX_2, NOW, ORIGIN, SCHNELL, SDXL, Answer, Service
from tests.fakes import Painter, Shelf

BUSY = upstream.failure("3040: Capacity temporarily exceeded")

Json = dict[str, Any]


async def drawn(service: Service, prompt: str, **fields: Any) -> Answer:
    options = {"include_usage": True, "include_progress": True}
    return await service.chat(prompt, stream=True, stream_options=options, **fields)


def told(answer: Answer, kind: str) -> list[Json]:
    """The stream's data of one type."""
    return [one for event in answer.events if (one := event.get("progress")) and one["type"] == kind]


async def test_nothing_of_it_is_told_unless_it_is_asked_for() -> None:
    answer = await Service().chat("A cat", stream=True, stream_options={"include_usage": True})
    assert all("progress" not in event for event in answer.events)


async def test_a_plan_tells_what_the_directives_made_of_the_request() -> None:
    answer = await drawn(Service(), "A cat 3:2 --model sdxl --n 2 --seed 7")
    (plan,) = told(answer, "plan")
    assert plan == {
        "type": "plan", "n": 2, "model": SDXL, "prompt": "A cat", "size": "768x512", "optimize": False,
    }  # fmt: skip


async def test_a_picture_tells_what_it_was_drawn_with() -> None:
    """Not the request's: its own model, seed, steps and prompt, and what could not be followed."""
    service = Service(variables={"FLUX_FALLBACK_MODEL": SDXL}, painter=Painter(BUSY))
    (one,) = told(await drawn(service, "A cat", seed=7, steps=4), "picture")
    (id,) = service.store.pictures
    assert one["url"] == f"{ORIGIN}/image/{id}.png"
    assert one["expires_at"] == picture.expiry(id) > NOW
    assert (one["model"], one["seed"], one["steps"], one["size"]) == (SDXL, 7, 4, "1024x1024")
    assert (one["prompt"], one["writer"], one["writer_failed"]) == ("A cat", None, False)
    (other,) = told(await drawn(Service(), "A cat", seed=7, negative_prompt="dogs"), "picture")
    assert (other["model"], other["seed"], other["steps"]) == (SCHNELL, None, 4)
    assert (other["notices"], other["ignored"]) == (["seed_ignored"], ["negative_prompt"])


async def test_each_of_several_has_its_own_seed_and_a_failure_its_code() -> None:
    painter = Painter(seconds=0.1)
    painter.refuses = lambda drawing: BUSY if drawing.inputs["seed"] == 8 else None
    answer = await drawn(Service(painter=painter), "A cat", n=3, seed=7, model=FLUX_2)
    assert {one["index"]: one["seed"] for one in told(answer, "picture")} == {0: 7, 2: 9}
    assert [one["error"]["code"] for one in told(answer, "failure")] == ["model_overloaded"]


async def test_a_picture_that_could_not_be_stored_is_told_itself() -> None:
    service = Service(store=Shelf(NotStored("full")))
    (one,) = told(await drawn(service, "A cat"), "picture")
    assert one["url"].startswith("data:image/jpeg;base64,")
    assert one["expires_at"] is None


@pytest.mark.parametrize("seconds", [0, 5, 25])
async def test_the_pictures_come_before_the_text_that_shows_them(seconds: float) -> None:
    """OpenAI's clients can read every chunk."""
    answer = await drawn(Service(painter=Painter(seconds=seconds)), "A cat", n=2)
    kinds = [event["progress"]["type"] for event in answer.events if "progress" in event]
    assert kinds == ["plan", "prompt", "picture", "picture"]
    last = max(index for index, event in enumerate(answer.events) if "progress" in event)
    assert not any("![" in str(event) for event in answer.events[:last])
    for event in answer.events:
        ChatCompletionChunk.model_validate(event)
