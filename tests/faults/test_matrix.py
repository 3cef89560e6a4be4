"""Every fault of the table on real workerd: what the caller sees, what is stored, and what it costs."""

import asyncio
import base64
import json
import time
import unittest.mock
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.faults.cases import (
    CASES,
    CHAT,
    GENERATIONS,
    HANGS,
    LEAVING,
    MCP,
    RESPONSES,
    Case,
    Drawn,
    Fetched,
    InBand,
    Left,
    Refusal,
    ToolError,
)
from tests.worker.service import decoded, deltas, error_of, events, links
from tests.workerd import KEY, PATIENCE_SECONDS, Workerd
from tests.workerd import REST as REST_API

AT_ONCE = 16
POLL_SECONDS = 0.1
ARRIVAL_SECONDS = 1
"""After this time, the beginning of a body has certainly reached the Worker."""
SETTLING_SECONDS = 10
"""After this time, nothing may still run for callers that left. The stand-in needs two until it marks a call as
aborted."""


@dataclass
class Outcome:
    """The result of one case."""

    token: str
    """A text that only its prompt contains."""
    response: httpx.Response | None = None
    broke_off: bool = False
    calls: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    """Keys in KV."""


# --- all cases at the same time -------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(bare: Workerd) -> dict[str, Outcome]:
    """The outcome of every case. They are requested at the same time, since some wait for a minute."""
    found = {case.name: Outcome(f"case-{number:03}.") for number, case in enumerate(CASES)}
    await _all(bare, found)
    for outcome in found.values():
        outcome.calls = calls(bare, outcome.token)
    happened = bare.happened()
    for outcome in found.values():
        outcome.stored = [key for key, prompt in happened["kept"].items() if outcome.token in prompt]
        outcome.calls = [
            *(_word(text) for text in happened["misled"] if outcome.token in text),
            *outcome.calls,
        ]
    return found


def calls(bare: Workerd, token: str) -> list[str]:
    """The outcomes of a case's model calls in the stand-in's ledger."""
    return [call["outcome"] for call in bare.calls(token)["calls"]]


def _word(text: str) -> str:
    return "write" if "[[write" in text else "http"


async def _all(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    room = asyncio.Semaphore(AT_ONCE)
    async with bare.caller("binding") as binding, bare.caller("rest") as rest, bare.caller("spare+images") as spare:
        callers = {"binding": binding, "rest": rest, "spare+images": spare}

        async def one(case: Case) -> None:
            await _ask(bare, callers[case.deployment], case, outcomes[case.name])

        async def in_turn(case: Case) -> None:
            async with room:
                await one(case)

        hanging = [case for case in CASES if "hang" in case.marks and not case.leaves]
        # Cases that must fail within a stream's grace period of one second run separately.
        quick = [case for case in CASES if case.fields.get("stream") and isinstance(case.seen, Refusal)]
        waiting = asyncio.gather(*map(one, hanging))
        await asyncio.gather(*(in_turn(case) for case in CASES if case not in (*hanging, *quick)))
        for case in quick:
            await one(case)
        await waiting
    await asyncio.sleep(SETTLING_SECONDS)


BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    CHAT: lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    GENERATIONS: lambda prompt: {"prompt": prompt},
    RESPONSES: lambda prompt: {"input": prompt},
    MCP: lambda prompt: {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "draw", "arguments": {"prompt": prompt}, "_meta": {"progressToken": 1}},
    },
}


async def _ask(bare: Workerd, caller: httpx.AsyncClient, case: Case, outcome: Outcome) -> None:
    prompt = f"a cat {outcome.token} {case.marks}"
    if "optimize" in case.fields and case.path == CHAT:
        prompt = f"{prompt} --optimize"
    body = json.dumps({**BODIES[case.path](prompt), **case.fields}).encode()
    accept = "text/event-stream" if case.fields.get("stream") else "application/json"
    headers = {"content-type": "application/json", "accept": accept}
    if case.leaves:
        await _leave(bare, caller, case, outcome, body, headers)
        return
    try:
        outcome.response = await caller.post(case.path, content=body, headers=headers)
    except httpx.TimeoutException:
        return  # no response: the case expects something else
    if isinstance(case.seen, Fetched):
        [link] = links(outcome.response.json()["choices"][0]["message"]["content"])
        outcome.response = None
        try:
            outcome.response = await caller.get(link)
        except httpx.RemoteProtocolError:
            outcome.broke_off = True
        except httpx.TimeoutException:
            return


async def _leave(
    bare: Workerd, caller: httpx.AsyncClient, case: Case, outcome: Outcome, body: bytes, headers: dict[str, str]
) -> None:
    """Send the request, and leave at the moment that the case names."""
    left = asyncio.Event()

    async def sent() -> AsyncIterator[bytes]:
        yield body[:20]
        if case.leaves == "upload":
            await asyncio.sleep(ARRIVAL_SECONDS)
            left.set()
            await asyncio.sleep(PATIENCE_SECONDS)
        yield body[20:]

    async def read() -> None:
        async with caller.stream("POST", case.path, content=sent(), headers=headers) as response:
            async for text in response.aiter_text():
                if case.leaves == "opened" or (case.leaves == "picture" and "completed" in text):
                    left.set()
            outcome.response = response

    async def watch() -> None:
        while case.leaves in ("called", "answered"):
            found = await asyncio.to_thread(calls, bare, outcome.token)
            if found and (case.leaves == "called" or found[0] != "pending"):
                left.set()
                return
            await asyncio.sleep(POLL_SECONDS)

    reading, watching = asyncio.create_task(read()), asyncio.create_task(watch())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait({reading, asyncio.create_task(left.wait())}, return_when=asyncio.FIRST_COMPLETED)
    for task in (reading, watching):
        task.cancel()
    await asyncio.gather(reading, watching, return_exceptions=True)


# --- each case ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_fault_is_told_and_costs_what_the_table_says(outcomes: dict[str, Outcome], case: Case) -> None:
    outcome = outcomes[case.name]
    EXPECTATIONS[type(case.seen)](case.seen, outcome)
    if case.stored is not None:
        assert len(outcome.stored) == case.stored
    assert len(outcome.calls) == len(case.calls), outcome.calls
    assert [wanted for wanted in case.calls if wanted != "?"] == [
        found for found, wanted in zip(outcome.calls, case.calls, strict=True) if wanted != "?"
    ]


def _refused(seen: Refusal, outcome: Outcome) -> None:
    response = outcome.response
    assert response is not None, "no answer"
    error = error_of(response)
    assert (response.status_code, error["code"]) == (seen.status, seen.code)
    told = {None: None, True: "true", False: "false"}[seen.should_retry]
    assert response.headers.get("x-should-retry") == told
    after = response.headers.get("retry-after")
    if seen.retry_after == "seconds":
        assert 0 < int(after) <= 60
    elif seen.retry_after == "midnight":
        assert abs((int(after) - (86_400 - time.time() % 86_400) + 43_200) % 86_400 - 43_200) < 2 * PATIENCE_SECONDS
    else:
        assert after is None


def _told_in_band(seen: InBand, outcome: Outcome) -> None:
    response = outcome.response
    assert response is not None, "no answer"
    assert response.status_code == 200
    if response.request.url.path == RESPONSES:
        _told_by_a_response(seen, response)
        return
    *_, failure, done = events(response.text)
    error = json.loads(failure)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["code"], done) == (seen.code, "[DONE]")
    if response.request.url.path == CHAT:
        assert deltas(response.text).endswith(f"❌ {error['message']}")
    else:
        assert "event: error\n" in response.text


def _told_by_a_response(seen: InBand, response: httpx.Response) -> None:
    last = json.loads(events(response.text)[-1])
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"] == {"code": RESPONSE_CODES[seen.code], "message": ANY_TEXT}


RESPONSE_CODES = {"insufficient_quota": "rate_limit_exceeded"}
"""The code in OpenAI's list for one of ours."""
ANY_TEXT = unittest.mock.ANY


def _drawn(seen: Drawn, outcome: Outcome) -> None:
    response = outcome.response
    assert response is not None, "no answer"
    assert response.status_code == 200, response.text
    if response.request.url.path == MCP:
        _drawn_by_a_tool(seen, _tool_result(response))
        return
    if response.request.url.path in TEXTS:
        text, model = TEXTS[response.request.url.path](response)
        assert seen.says in text
        assert f"{seen.size}\n" in text
        [url] = links(text)
        where = url
    elif response.headers["content-type"].startswith("text/event-stream"):
        picture, *more = (json.loads(event) for event in events(response.text) if event != "[DONE]")
        assert seen.says in "".join(sentence for event in more for sentence in event["warnings"])
        model, where = seen.model, picture["url"]
        assert picture["size"] == seen.size
    else:
        answer = response.json()
        model, [item] = answer["model"], answer["data"]
        assert seen.says in "".join(answer.get("warnings", ()))
        where = item.get("url", "data:")
        assert answer["size"] == seen.size
    assert model.endswith(seen.model)
    assert where.startswith("data:") == seen.carried


def _chat(response: httpx.Response) -> tuple[str, str]:
    if not response.headers["content-type"].startswith("text/event-stream"):
        answer = response.json()
        return answer["choices"][0]["message"]["content"], answer["model"]
    return deltas(response.text), json.loads(events(response.text)[0])["model"]


def _response(response: httpx.Response) -> tuple[str, str]:
    if response.headers["content-type"].startswith("text/event-stream"):
        answer = json.loads(events(response.text)[-1])["response"]
    else:
        answer = response.json()
    *items, message = answer["output"]
    [picture] = (item for item in items if item["result"])
    assert [item["status"] for item in items if item is not picture] == ["failed"] * (len(items) - 1)
    return message["content"][0]["text"], answer["model"]


TEXTS: dict[str, Callable[[httpx.Response], tuple[str, str]]] = {CHAT: _chat, RESPONSES: _response}
"""An answer's text, and the model that it names."""


def _tool_result(response: httpx.Response) -> dict[str, Any]:
    """The result of a tool, from a plain answer or the end of a stream."""
    is_stream = response.headers["content-type"].startswith("text/event-stream")
    answer = json.loads(events(response.text)[-1]) if is_stream else response.json()
    result: dict[str, Any] = answer["result"]
    return result


def _drawn_by_a_tool(seen: Drawn, result: dict[str, Any]) -> None:
    assert "isError" not in result
    image, *links, text = result["content"]
    assert [block["type"] for block in links] == ([] if seen.carried else ["resource_link"])
    picture = decoded(base64.b64decode(image["data"]))
    assert picture.get_format_mimetype() == image["mimeType"]
    assert f"{picture.width}x{picture.height}" == seen.size
    assert seen.size in text["text"]
    assert seen.model in text["text"]


def _told_by_a_tool(seen: ToolError, outcome: Outcome) -> None:
    response = outcome.response
    assert response is not None, "no answer"
    assert response.status_code == 200
    result = _tool_result(response)
    [block] = result["content"]
    assert result["isError"] is True
    assert block["text"].startswith(seen.says)


def _fetched(seen: Fetched, outcome: Outcome) -> None:
    assert outcome.broke_off == (seen.refusal is None)
    if seen.refusal:
        _refused(seen.refusal, outcome)


def _left(_seen: Left, outcome: Outcome) -> None:
    assert outcome.response is None, "the answer was there before the caller left"


EXPECTATIONS: dict[type, Any] = {
    Refusal: _refused,
    InBand: _told_in_band,
    Drawn: _drawn,
    ToolError: _told_by_a_tool,
    Fetched: _fetched,
    Left: _left,
}


# --- all cases together ---------------------------------------------------------------------------


def test_nothing_is_stored_but_what_the_cases_say(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    """If a picture is stored but not reported, nobody can see it, but somebody pays for it."""
    kept = {key for key, prompt in bare.happened()["kept"].items() if "case-" in prompt}
    assert kept == {key for outcome in outcomes.values() for key in outcome.stored}


def test_what_upstream_said_is_in_the_log_and_in_no_answer(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    said = (
        "Capacity temporarily exceeded",
        "daily free allocation of 10,000 neurons",
        "not allowed to access",
        "Ray ID: 8f0c",
    )
    answers = [outcome.response.text for outcome in outcomes.values() if outcome.response is not None]
    log = bare.log()
    for words in (*said, "AiError", "InferenceUpstreamError", "Traceback"):
        assert not [answer for answer in answers if words in answer], words
    for words in said:
        assert words in log


def test_a_call_that_is_given_up_is_stopped_at_once(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    """It does not run until the end of the request: until then the model would continue to draw, which costs money."""
    given_up, drawn = bare.calls(outcomes[HANGS].token)["calls"]
    assert given_up["finished"] < drawn["finished"] - 2000


def test_a_call_is_queued_only_where_no_fallback_follows(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    """Otherwise a caller would wait for a minute before the fallback is used."""
    first, fallback = bare.calls(outcomes[HANGS].token)["calls"]
    assert (first["options"], fallback["options"]) == ({"rejectIfBusy": True}, {})


def test_callers_who_left_are_in_the_log(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    left = [line for line in bare.log_lines() if line["status"] == 499]
    assert len(left) == len(LEAVING)


@pytest.mark.parametrize("secret", [KEY, REST_API["CF_API_TOKEN"], "case-"])
def test_neither_keys_nor_prompts_are_in_the_log(bare: Workerd, outcomes: dict[str, Outcome], secret: str) -> None:
    """In the log of a complete run with all faults. LOG_PROMPTS logs prompts (tests/worker/test_settings.py)."""
    assert secret not in bare.log()


def test_no_answer_holds_a_key(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        if outcome.response is not None:
            answer = outcome.response.text + str(outcome.response.headers)
            assert KEY not in answer
            assert REST_API["CF_API_TOKEN"] not in answer


def test_nothing_is_fetched_but_what_is_configured(bare: Workerd, outcomes: dict[str, Outcome]) -> None:
    """Redirects are not followed, and the callers' key is not sent anywhere."""
    requests = bare.happened()["fetched"]
    assert {urlsplit(request["url"]).hostname for request in requests} == {"ai.example", "writer.example"}
    assert not [request for request in requests if KEY in json.dumps(request)]
