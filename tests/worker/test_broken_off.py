"""Responses that break off in real workerd, because the Worker cannot write them or because the client leaves."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bench import runtime
from dev import ROOT
from tests.worker.service import chat_body, content, events, eventually, links
from tests.workerd import Workerd

BINDING = "binding"
OPENED = "[[delay 1500ms]]"
"""Makes the picture arrive after the stream has opened."""
BREAKING_SECONDS = 20
"""Far longer than it takes, but shorter than the time-out of a connection."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """A Worker that cannot encode pictures and chunks of chat completions."""
    source = shutil.copytree(
        ROOT / "src", tmp_path_factory.mktemp("source") / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    _break(source / "flux/edge/js_bytes.py", "toBase64.bind(array)", "toBase64.bind(js.Object.new())")
    _break(
        source / "flux/edge/wire.py",
        ".encode(text)",
        '.encode(text if "chat.completion" not in text else js.Symbol("x"))',
    )
    folder = tmp_path_factory.mktemp("broken") / "bare"
    with Workerd(folder, {BINDING: {}}, runtime.python("broken", source)) as running:
        yield running


def _break(module: Path, right: str, wrong: str) -> None:
    assert right in module.read_text()
    module.write_text(module.read_text().replace(right, wrong))


@pytest_asyncio.fixture(loop_scope="function")
async def caller(broken: Workerd) -> Any:
    """A client with the key."""
    async with broken.caller(BINDING) as caller:
        yield caller


async def test_a_picture_that_cannot_be_encoded_is_told_in_the_stream(
    broken: Workerd, caller: httpx.AsyncClient
) -> None:
    """Like any other bug. The log reports the bug, not that the client left."""
    body = {"prompt": f"A cat {OPENED}", "stream": True}
    answer = await caller.post("/v1/images/generations", json=body)
    failure, done = events(answer.text)
    assert '"internal_error"' in failure
    assert done == "[DONE]"
    (line,) = [one for one in broken.log_lines() if one["request_id"] == answer.headers["x-request-id"]]
    assert (line["status"], line["error"]) == (200, "internal_error")
    assert "JsException" in line["traceback"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_large_picture_that_cannot_be_encoded_breaks_off(
    broken: Workerd, caller: httpx.AsyncClient, *, stream: bool
) -> None:
    """It is sent in pieces, and an error in the middle of an event would not be understood."""
    prompt = f"A cat {OPENED} [[size 4096x4096]] [[answer png]] [[bytes 10mb]]"
    body = {"prompt": prompt, "model": "sdxl", "size": "4096x4096", "output_format": "png", "stream": stream}
    with pytest.raises(httpx.RemoteProtocolError):
        async with asyncio.timeout(BREAKING_SECONDS):
            await caller.post("/v1/images/generations", json=body)
    assert (await caller.get("/v1/models")).status_code == 200


async def test_a_stream_that_cannot_be_written_breaks_off(broken: Workerd, caller: httpx.AsyncClient) -> None:
    """The client does not wait for more, and sees that the answer is incomplete."""
    with pytest.raises(httpx.RemoteProtocolError):
        async with asyncio.timeout(BREAKING_SECONDS):
            await caller.post("/v1/chat/completions", json=chat_body(f"A cat {OPENED}", stream=True))


async def test_a_client_that_leaves_while_a_stored_picture_is_read_ends_the_wait(
    broken: Workerd, caller: httpx.AsyncClient
) -> None:
    """Otherwise the coroutine would stay suspended for the isolate's life."""
    answer = await caller.post("/v1/chat/completions", json=chat_body("A cat [[get hang]]"))
    [link] = links(content(answer))
    with pytest.raises(httpx.ReadTimeout):
        await caller.get(link, timeout=1)
    assert await asyncio.to_thread(eventually, lambda: ("/image/", 499) in routes(broken))


def routes(broken: Workerd) -> list[tuple[str, int]]:
    """Route and status of each request in the log."""
    return [(line["route"], line["status"]) for line in broken.log_lines()]
