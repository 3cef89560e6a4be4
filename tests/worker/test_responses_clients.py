"""Clients of the Responses API, each unmodified and in a separate process (tests/clients).

Each calls a Worker as deployed and one with `FOLLOW_UPS=edit`. A turn is named by the words after the prompt.
"""

import base64
import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.worker import responses
from tests.worker.clients import Understood, only_link, understood
from tests.worker.service import Ledger, Service, Start, decoded, fetched, shows

CLIENTS = {
    "openai for Node": "with_openai_responses.mjs",
    "openai-agents": "with_openai_agents.py",
    "pydantic-ai": "with_pydantic_ai.py",
    "langchain-openai": "with_langchain_responses.py",
    "@ai-sdk/openai": "with_ai_sdk_responses.mjs",
}
FOLLOW_UPS = ("new", "edit")
"""Settings of the Worker. The first is the default."""
FIRST = {"second": "first", "second by id": "first", "plain second": "plain first"}
"""Second turns, each with the first turn of the same conversation."""
WITH_TOOL = {"first", "second", "stream", "forced", "helper"}
"""Turns whose tool specifies a size."""

Calls = Mapping[tuple[str, str], Future[Understood]]
"""By client and setting of the Worker."""


@pytest.fixture(scope="module")
def calls(service: Service, start: Start) -> Iterator[Calls]:
    """The calls of every client to both Workers, a few clients at a time: each takes seconds to import."""
    with start(vars={"FOLLOW_UPS": "edit"}) as editing, ThreadPoolExecutor(3) as pool:
        deployed = {"new": service, "edit": editing}
        yield {
            (client, follow_ups): pool.submit(understood, CLIENTS[client], deployed[follow_ups])
            for client, follow_ups in itertools.product(CLIENTS, FOLLOW_UPS)
        }


@pytest.fixture(params=FOLLOW_UPS)
def follow_ups(request: pytest.FixtureRequest) -> str:
    """How the Worker treats a second turn."""
    return str(request.param)


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, calls: Calls, follow_ups: str) -> Understood:
    """A client's prompt and its report."""
    return calls[request.param, follow_ups].result()


def only_call(ledger: Ledger, prompt: str) -> dict[str, Any]:
    """The only model call with exactly this prompt."""
    [call] = [call for call in ledger.calls(prompt) if call["prompt"] == prompt]
    return call


def test_every_turn_is_one_picture_of_its_prompt_and_a_text_with_its_link(client: Understood, ledger: Ledger) -> None:
    prompt, found = client
    for name, turn in found["turns"].items():
        picture, response = fetched(only_link(turn["text"]))
        [base64_picture] = turn["pictures"]
        assert base64.b64decode(base64_picture) == response.content, name
        drawn = only_call(ledger, f"{prompt} {name}")["answer"]
        assert shows(picture, f"{prompt} {name}", (drawn["width"], drawn["height"])), name
        if name in WITH_TOOL:
            assert picture.size == (1536, 1024), name
        assert turn["tokens"] > 0, name


def test_a_streamed_text_comes_in_pieces_and_its_link_in_one(client: Understood) -> None:
    streamed = {name: turn for name, turn in client[1]["turns"].items() if "pieces" in turn}
    assert streamed
    for turn in streamed.values():
        assert "".join(turn["pieces"]) == turn["text"]
        [piece] = [piece for piece in turn["pieces"] if "![" in piece]
        assert only_link(piece) == only_link(turn["text"])


def test_a_second_turn_edits_the_first_picture_only_where_the_owner_wants_it(
    client: Understood, follow_ups: str, ledger: Ledger
) -> None:
    """However the client repeats the first turn. FLUX.2 takes pictures of less than 512 pixels per side."""
    prompt, found = client
    seconds = [name for name in found["turns"] if name in FIRST]
    assert seconds
    for name in seconds:
        inputs = only_call(ledger, f"{prompt} {name}")["inputs"].values()
        given = [value["width"] / value["height"] for value in inputs if isinstance(value, dict)]
        before, _ = fetched(only_link(found["turns"][FIRST[name]]["text"]))
        expected = [before.width / before.height] if follow_ups == "edit" else []
        assert given == pytest.approx(expected, abs=0.01), name


def test_a_failure_inside_a_stream_reaches_the_caller_and_is_not_repeated(client: Understood, ledger: Ledger) -> None:
    """The AI SDK retries a request whose stream fails before it names an item."""
    prompt, found = client
    assert "safety filter" in found["late failure"]
    assert len(ledger.calls(f"{prompt} late ")) == 1


@pytest.mark.parametrize("client", ["openai for Node"], indirect=True)
def test_openai_for_node_is_sent_valid_responses_and_events(client: Understood) -> None:
    turns = client[1]["turns"].values()
    streams = [turn["events"] for turn in turns if "events" in turn]
    whole = [turn["response"] for turn in turns if "response" in turn]
    assert streams
    assert whole
    for response in whole:
        responses.assert_response(response)
    for events in streams:
        responses.assert_stream(events)


@pytest.mark.parametrize("client", ["pydantic-ai"], indirect=True)
def test_pydantic_ai_gives_the_picture_itself_as_a_runs_output(client: Understood) -> None:
    pictured = [turn for turn in client[1]["turns"].values() if "output" in turn]
    assert len(pictured) == 2
    for turn in pictured:
        head, data = turn["output"].split(",")
        assert [data] == turn["pictures"]
        assert head == f"data:{decoded(base64.b64decode(data)).get_format_mimetype()};base64"
