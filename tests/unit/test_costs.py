"""The cost of an answer is reported in a header, in its usage, in each API's stream and in the log."""

import json
from typing import Any

import pytest

from flux import upstream
from flux.ports import RewriteFailed
from tests.builders import CHAT, EDITS, GENERATIONS, SCHNELL, Answer, Service, chat_of, data_url
from tests.fakes import Outcome, Painter, Rewriter, data_of, painted

pytestmark = pytest.mark.usefixtures("clock")

RESPONSES = "/v1/responses"
PHOTO = data_url(data_of(painted().blob), "image/jpeg")

BODIES: dict[str, dict[str, Any]] = {
    CHAT: chat_of("A cat", stream_options={"include_usage": True}),
    GENERATIONS: {"prompt": "A cat"},
    EDITS: {"prompt": "A cat", "image": PHOTO, "size": "1024x1024"},
    RESPONSES: {"model": "flux", "input": "A cat"},
}
KONTEXT = "black-forest-labs/flux-1-kontext-pro"
COSTS = {CHAT: 57.6, GENERATIONS: 57.6, EDITS: 109.57, RESPONSES: 57.6}

PICTURE, WRITER = 57.6, 5
"""Neurons of a picture and of a rewritten prompt in the fakes."""


def costs(answer: Answer, path: str = CHAT, field: str = "cost_neurons") -> list[float | None]:
    """The cost in each `usage` of an answer or of a stream's events."""
    if answer.headers["content-type"].startswith("application/json"):
        return [answer.json["usage"][field]]
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: {")]
    events = [json.loads(line) for line in lines]
    usages = (event.get("response", {}).get("usage") if path == RESPONSES else event.get("usage") for event in events)
    return [usage[field] for usage in usages if usage]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_every_api_tells_what_its_answer_cost(path: str, *, stream: bool) -> None:
    """Also in the header, if the whole answer is known when it begins."""
    service = Service()
    answer = await service.post(path, {**BODIES[path], "stream": stream})
    assert costs(answer, path) == [COSTS[path]]
    assert answer.headers["x-cost-neurons"] == str(COSTS[path])
    assert service.log[0]["neurons"] == COSTS[path]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_every_api_tells_it_in_dollars_too(path: str, *, stream: bool) -> None:
    """A model of another maker costs no neurons."""
    service = Service(variables={"PARTNER_MODELS": "*"})
    answer = await service.post(path, {**BODIES[path], "model": KONTEXT, "stream": stream})
    assert (costs(answer, path, "cost_dollars"), costs(answer, path)) == ([0.04], [0])
    assert (answer.headers["x-cost-dollars"], answer.headers["x-cost-neurons"]) == ("0.04", "0")


@pytest.mark.parametrize("path", BODIES)
async def test_a_stream_that_opened_before_the_picture_was_there_tells_it_at_its_end(path: str) -> None:
    service = Service(painter=Painter(seconds=3))
    answer = await service.post(path, {**BODIES[path], "stream": True})
    assert costs(answer, path) == [COSTS[path]]
    assert "x-cost-neurons" not in answer.headers
    assert service.log[0]["neurons"] == COSTS[path]


async def test_the_events_of_several_pictures_add_up_to_the_whole() -> None:
    """The rewriter's cost is included in the first one."""
    answer = await Service().generate(n=3, optimize=True, stream=True)
    assert costs(answer) == [PICTURE + WRITER, PICTURE, PICTURE]
    assert answer.headers["x-cost-neurons"] == "177.8"


BUSY, FLAGGED = upstream.failure("3040: busy"), upstream.failure("3030: your output has been flagged")
SLOW, BROKEN = upstream.failure("3007: too slow"), upstream.failure("network connection lost")


@pytest.mark.parametrize(
    ("outcomes", "paid"),
    [
        ((), 1),
        ((BUSY,), 1),
        ((BUSY, BUSY), 1),
        ((SLOW,), 2),
        ((BROKEN,), 2),
        ((FLAGGED,), 2),
    ],
)
async def test_a_call_that_failed_costs_unless_it_is_certain_to_have_drawn_nothing(
    outcomes: tuple[Outcome, ...], paid: int
) -> None:
    """A picture that the filter refused was drawn. For one that did not arrive in time it is unknown."""
    answer = await Service(painter=Painter(*outcomes)).generate()
    assert answer.headers["x-cost-neurons"] == f"{paid * PICTURE:.1f}"


@pytest.mark.parametrize(
    ("failure", "free"),
    [
        ("3030: NSFW", True),
        ("3040: busy", True),
        ("3036: used up", True),
        ("5018: no", True),
        ("5006: no such field", True),
        ("5007: no such model", True),
        ("3007: too slow", False),
        ("3005: internal server error", False),
        ("500: no idea", False),
        ("your output has been flagged", False),
    ],
)
def test_a_failure_knows_whether_something_may_have_been_drawn(failure: str, *, free: bool) -> None:
    assert upstream.failure(failure).may_have_cost is not free


@pytest.mark.parametrize(("status", "free"), [(429, True), (401, True), (503, False), (504, False), (500, False)])
def test_so_does_a_status_that_says_nothing_else(status: int, *, free: bool) -> None:
    assert upstream.failure("<html>", status=status).may_have_cost is not free


@pytest.mark.parametrize(
    ("outcome", "neurons"),
    [
        (None, WRITER),
        (RewriteFailed("3040: busy", may_have_cost=False), 0),
        (RewriteFailed("an answer of no known shape"), 20),
        (30.0, 20),
    ],
)
async def test_the_writer_costs_its_tokens_or_the_most_that_it_could(outcome: Outcome, neurons: int) -> None:
    """If it does not report them: `max_tokens`."""
    answer = await Service(writer=Rewriter("A fluffy cat", outcome)).generate(optimize=True)
    assert answer.headers["x-cost-neurons"] == f"{PICTURE + neurons:.1f}"


async def test_a_price_that_is_not_known_is_null() -> None:
    service = Service()
    answer = await service.generate(model="sdxl")
    assert costs(answer) == [None]
    assert "x-cost-neurons" not in answer.headers
    assert "neurons" not in service.log[0]


async def test_a_chore_costs_nothing() -> None:
    service = Service()
    answer = await service.post(CHAT, chat_of("A cat"), headers={"x-openwebui-task": "title_generation"})
    assert (costs(answer), service.painter.drawings) == ([0], [])


async def test_what_was_spent_on_a_request_that_failed_is_in_the_log() -> None:
    service = Service(painter=Painter(upstream.failure("500: no idea")))
    assert (await service.generate(model=SCHNELL)).status == 502
    assert service.log[0]["neurons"] == PICTURE
