"""Streams while the model is slow, and callers that leave."""

import asyncio
import contextlib
import itertools
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator

import httpx
import psutil
import pytest

from tests.worker.service import (
    KEY,
    PATIENCE_SECONDS,
    Ledger,
    Service,
    chat_body,
    deltas,
    events,
    eventually,
    fetched,
    links,
    shows,
    unique,
)

CHAT, GENERATIONS, RESPONSES = "/v1/chat/completions", "/v1/images/generations", "/v1/responses"
PING = ": ping"
AUTHORIZATION = {"authorization": f"Bearer {KEY}"}

Arrivals = list[tuple[float, str]]
"""Parts of a body, each with the seconds since the request was sent."""


@pytest.fixture
async def caller(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client that can send concurrent requests."""
    async with httpx.AsyncClient(base_url=service.url, headers=AUTHORIZATION, timeout=PATIENCE_SECONDS) as client:
        yield client


async def streamed(caller: httpx.AsyncClient, path: str, body: dict[str, object]) -> Arrivals:
    """The whole stream, which must end by itself."""
    sent = time.monotonic()
    async with caller.stream("POST", path, json={**body, "stream": True}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [(time.monotonic() - sent, piece) async for piece in response.aiter_text()]


def text(arrivals: Arrivals) -> str:
    """The complete text."""
    return "".join(piece for _, piece in arrivals)


def longest_silence(arrivals: Arrivals) -> float:
    """The longest time between two parts, in seconds."""
    return max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(arrivals))


async def test_a_slow_picture_is_streamed_from_the_first_second_to_its_end(
    caller: httpx.AsyncClient, ledger: Ledger
) -> None:
    """The prompt is sent at once. After ten seconds of silence a ping follows; in images as well as chat."""
    six, thirteen = unique("a snail [[delay 6s]]"), unique("a glacier [[delay 13s]]")
    quick, slow, images = await asyncio.gather(
        streamed(caller, CHAT, chat_body(f"{six} 3:2")),
        streamed(caller, CHAT, chat_body(thirteen)),
        streamed(caller, GENERATIONS, {"prompt": thirteen}),
    )
    for arrivals, least in ((quick, 6), (slow, 13), (images, 13)):
        assert arrivals[0][0] < 2, "nothing within two seconds"
        assert arrivals[-1][0] > least, "the picture cannot have been there yet"
        assert longest_silence(arrivals) < 10.9
        assert text(arrivals).endswith("data: [DONE]\n\n")
    assert PING in text(slow)
    assert PING in text(images)

    asked = [when for when, piece in quick if six in piece]
    assert asked[0] < 2, "the prompt is known at once"
    [markdown] = [data for data in events(text(quick)) if "![" in data]
    [link] = links(json.loads(markdown)["choices"][0]["delta"]["content"])
    picture, _ = fetched(link)
    assert picture.size == (768, 512)
    assert shows(picture, six)

    [completed] = [json.loads(data) for data in events(text(images)) if data != "[DONE]"]
    assert completed["type"] == "image_generation.completed"
    assert "event: image_generation.completed\n" in text(images)
    assert ledger.outcomes(six) == ["ok"]


# --- callers that leave ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def straight(service: Service) -> str:
    """The address of the Worker's own workerd, which notices when a caller leaves.

    wrangler's proxy in front of it sends requests from a Durable Object, and continues after its callers have left.
    """
    processes = psutil.Process(service.server.pid).children(recursive=True)
    sockets = [one for process in processes for one in process.net_connections("tcp")]
    urls = {f"http://127.0.0.1:{one.laddr.port}" for one in sockets if one.status == psutil.CONN_LISTEN}
    read_from = len(service.log())
    [url] = [url for url in urls - {service.url} if is_the_worker(url)]
    # One of the ports is workerd's debug port, which speaks Cap'n Proto and complains about HTTP. Ignore that message.
    eventually(lambda: "incoming RPC message" in service.log()[read_from:])
    return url


def is_the_worker(url: str) -> bool:
    """Whether our Worker answers here. workerd's other ports are for inspectors and the like."""
    try:
        return "x-request-id" in httpx.get(f"{url}/health", timeout=3).headers
    except httpx.HTTPError:
        return False


LEAVING: dict[str, tuple[str, dict[str, object], float]] = {
    "chat stream": (CHAT, {"stream": True}, 2.0),
    "chat stream before it opens": (CHAT, {"stream": True}, 0.5),
    "chat": (CHAT, {}, 1.0),
    "image stream": (GENERATIONS, {"stream": True}, 2.0),
    "three images": (GENERATIONS, {"n": 3}, 1.0),
    "response": (RESPONSES, {}, 1.0),
    "response stream": (RESPONSES, {"stream": True}, 2.0),
}
"""Requests, and the seconds after which the caller leaves."""

DROPPED = struct.pack("ii", 1, 0)
"""SO_LINGER: closing resets the connection, so that both directions end at once, as when Cloudflare's edge cancels."""


async def test_a_caller_who_leaves_ends_the_work_and_disturbs_nobody(
    service: Service, straight: str, ledger: Ledger
) -> None:
    """Whether or not anything was sent before. Nothing continues to run, and nobody else has to wait."""
    drops = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_LINGER, DROPPED)])
    read_from = len(service.log())
    prompts = {name: unique(f"a cathedral [[delay 50s]] {name}") for name in LEAVING}
    async with httpx.AsyncClient(transport=drops, base_url=straight, headers=AUTHORIZATION) as caller:
        await asyncio.gather(*(leave(caller, *asked, prompts[name]) for name, asked in LEAVING.items()))
    assert {name: len(ledger.calls(prompt)) for name, prompt in prompts.items()} == dict.fromkeys(LEAVING, 1) | {
        "three images": 3
    }

    left = time.monotonic()
    assert service.chat(unique("a chapel")).status_code == 200
    assert time.monotonic() - left < 10, "the next caller had to wait"

    def outcomes() -> dict[str, set[str]]:
        return {name: set(ledger.outcomes(prompt)) for name, prompt in prompts.items()}

    everywhere_aborted = {name: {"aborted"} for name in LEAVING}
    eventually(lambda: outcomes() == everywhere_aborted)
    assert outcomes() == everywhere_aborted
    assert time.monotonic() - left < 40, "they ended by themselves"

    def told() -> int:
        return service.log()[read_from:].count('"status": 499')

    eventually(lambda: told() == len(LEAVING))
    assert told() == len(LEAVING), "a line for each in the log"
    assert_quiet(service.log()[read_from:])


async def test_a_caller_who_hangs_up_in_silence_is_noticed_by_the_pings(
    service: Service, straight: str, ledger: Ledger
) -> None:
    """Until something is sent, the end of the connection could be that of the request only."""
    prompts = [unique("a chimney [[delay 50s]]") for _ in range(2)]
    read_from = len(service.log())
    async with httpx.AsyncClient(base_url=straight, headers=AUTHORIZATION) as caller:
        await asyncio.gather(
            leave(caller, CHAT, {"stream": True}, 2.0, prompts[0]),
            leave(caller, GENERATIONS, {"stream": True}, 2.0, prompts[1]),
        )
    left = time.monotonic()
    eventually(lambda: all(ledger.outcomes(prompt) == ["aborted"] for prompt in prompts))
    assert [ledger.outcomes(prompt) for prompt in prompts] == [["aborted"]] * 2
    assert time.monotonic() - left < 40, "they ended by themselves"
    assert_quiet(service.log()[read_from:])


async def leave(caller: httpx.AsyncClient, path: str, body: dict[str, object], stays: float, prompt: str) -> None:
    """Send a request, read the response, and leave after `stays` seconds."""
    asked = chat_body(prompt) if path == CHAT else {"prompt": prompt, "input": prompt}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(stays), caller.stream("POST", path, json={**asked, **body}) as response:
            assert response.status_code == 200
            async for _ in response.aiter_text():
                pass
            pytest.fail("the answer ended before the caller left")


def assert_quiet(log: str) -> None:
    """Check that the log has no unhandled errors."""
    alarms = [
        line for line in log.splitlines() if re.search("Traceback|Uncaught|[Uu]nhandled|[Ee]rror:|[Ee]xception", line)
    ]
    assert alarms == []


# --- many callers ---------------------------------------------------------------------------------


async def test_twenty_at_once_get_twenty_pictures_of_their_own(caller: httpx.AsyncClient) -> None:
    """Each has its own key and none are mixed up, streamed or not."""
    prompts = [unique(f"a portrait of number {number} [[delay 1s]]") for number in range(20)]

    async def ask(prompt: str, *, stream: bool) -> str:
        response = await caller.post(CHAT, json=chat_body(f"{prompt} 3:4", stream=stream))
        assert response.status_code == 200, response.text
        return deltas(response.text) if stream else response.json()["choices"][0]["message"]["content"]

    answers = await asyncio.gather(*(ask(prompt, stream=bool(place % 2)) for place, prompt in enumerate(prompts)))
    urls = [link for answer in answers for link in links(answer)]
    assert len(set(urls)) == 20
    contents = set()
    for prompt, answer, url in zip(prompts, answers, urls, strict=True):
        assert f"Optimized prompt: {prompt}\n" in answer
        picture, response = fetched(url)
        contents.add(response.content)
        assert picture.size == (768, 1024)
        assert shows(picture, prompt)
    assert len(contents) == 20
