"""What a request leaves in memory: nothing, even if it failed and no garbage collector runs.

A picture takes up to 20 MB of JavaScript's memory, but Python's collector runs only after Python has created many
objects. So pictures that only the collector can free fill the memory if failures come in bursts.
"""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from flux import upstream
from flux.http import Request
from flux.ports import LedgerFailed, NotStored, ResizeFailed, RewriteFailed
from tests.builders import (
    CHAT,
    EDITS,
    GENERATIONS,
    SDXL,
    Service,
    chat_of,
    data_url,
    form_posted,
    posted,
    read,
    request,
    stream_of,
)
from tests.fakes import Bytes, Painter, Rewriter, Scissors, Shelf, Tally, encoded, opened, painted

pytestmark = pytest.mark.usefixtures("clock")

PHOTO = encoded(opened(painted("A photo", 300, 200)), "image/png")
LARGE = encoded(opened(painted("A photo", 600, 400)), "image/png")


CONTENT = [{"type": "text", "text": "A cat"}, {"type": "image_url", "image_url": {"url": data_url(PHOTO)}}]
"""The content of a message with a picture."""


def spent() -> Exception:
    """A new exception each time, because the fakes raise the given object."""
    return upstream.failure("3036: used up")


def busy() -> Exception:
    return upstream.failure("3040: Capacity temporarily exceeded")


def refused() -> Exception:
    return upstream.failure("3030: NSFW")


def flagged() -> Exception:
    return upstream.failure("3030: Your output has been flagged")


def edit(picture: bytes = PHOTO, **fields: Any) -> Request:
    """An edit in JSON."""
    return posted(EDITS, {"prompt": "A cat", "images": [{"image_url": data_url(picture)}], **fields})


def form(**fields: str) -> Request:
    return form_posted(EDITS, {"prompt": "A cat", **fields}, [("image", PHOTO)])


def tool(picture: bytes = PHOTO, *, stream: bool = False, **arguments: Any) -> Request:
    """An edit over MCP."""
    params = {
        "name": "edit",
        "arguments": {"prompt": "A cat", "images": [data_url(picture)], **arguments},
        "_meta": {"progressToken": "t"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return posted("/mcp", body, {"accept": "application/json, text/event-stream"} if stream else {})


@pytest.fixture(autouse=True, scope="module")
def what_was_there_before() -> Iterator[None]:
    """Excludes the thousands of objects of other tests that pytest holds from collecting and counting."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Only objects without references are freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def pictures() -> int:
    """The number of pictures in memory."""
    return sum(type(one) is Bytes for one in gc.get_objects())


class Forgetful(Painter):
    """Keeps no inputs and no pictures."""

    async def draw(self, *asked: Any, **options: Any) -> Any:
        try:
            return await super().draw(*asked, **options)
        finally:
            self.drawings.clear()


LATE = 2.0
"""Seconds after which a stream has opened."""


class LatePainter(Forgetful):
    """Fails after the stream has opened."""

    def __init__(self, *outcomes: Any) -> None:
        super().__init__()
        self.refuses = lambda _drawing: failures.pop()
        failures = list(outcomes)
        self._seconds = LATE


FAILURES: dict[str, tuple[Callable[[], Service], Request, int]] = {
    "one picture": (lambda: Service(painter=Forgetful(spent())), edit(), 429),
    "one picture of a form": (lambda: Service(painter=Forgetful(spent())), form(), 429),
    "a bug": (lambda: Service(painter=Forgetful(KeyError("x"))), edit(), 500),
    "all of several": (lambda: Service(painter=Forgetful(spent(), spent(), spent())), edit(n=3), 429),
    "a bug in one of several": (lambda: Service(painter=Forgetful(9.0, KeyError("x"), 9.0)), edit(n=3), 500),
    "capacity": (lambda: Service(painter=Forgetful(busy(), busy(), busy())), edit(), 503),
    "capacity, and of the fallback": (
        lambda: Service(
            painter=Forgetful(*(busy() for _ in range(6))), variables={"FLUX_FALLBACK_MODEL": SDXL}
        ),
        posted(GENERATIONS, {"prompt": "A cat"}),
        503,
    ),
    "a time-out": (lambda: Service(painter=Forgetful(1e6)), edit(), 503),
    "time-outs": (lambda: Service(painter=Forgetful(1e6, 1e6)), edit(n=2), 503),
    "a time-out in a stream": (lambda: Service(painter=Forgetful(1e6)), edit(stream=True), 200),
    "a stream, early": (lambda: Service(painter=Forgetful(spent())), edit(stream=True), 429),
    "a stream, late": (lambda: Service(painter=LatePainter(spent())), edit(stream=True), 200),
    "a stream of several, late": (
        lambda: Service(painter=LatePainter(spent(), spent())),
        edit(stream=True, n=2),
        200,
    ),
    "a bug in a stream, late": (lambda: Service(painter=LatePainter(KeyError("x"))), edit(stream=True), 200),
    "a chat, late": (
        lambda: Service(painter=LatePainter(spent())),
posted(CHAT, chat_of(CONTENT, model="klein", stream=True)),
        200,
    ),
    "parsing": (Service, form(n="many"), 400),
    "planning": (Service, edit(steps=0), 400),
    "no picture": (Service, edit(b"no picture"), 400),
    "a picture that cannot be made smaller": (
        lambda: Service(resizer=Scissors(ResizeFailed("9523: internal"))),
        edit(LARGE),
        400,
    ),
    "a picture that is not made smaller in time, in a stream": (
        lambda: Service(resizer=Scissors(1e6)),
        edit(LARGE, stream=True),
        200,
    ),
    "the filter, after a rewrite": (
        lambda: Service(painter=Forgetful(refused(), refused())),
        edit(optimize=True),
        400,
    ),
    "a ledger that fails": (
        lambda: Service(tally=Tally(LedgerFailed("x")), variables={"DAILY_NEURONS": "1000"}),
        edit(),
        503,
    ),
    "a ledger that hangs, in a stream": (
        lambda: Service(tally=Tally(1e6), variables={"DAILY_NEURONS": "1000"}),
        edit(stream=True),
        200,
    ),
    "a redrawn picture that hangs, in a stream": (
        lambda: Service(painter=Forgetful(flagged(), 1e6)),
        edit(stream=True),
        200,
    ),
    "a tool": (lambda: Service(painter=Forgetful(spent())), tool(), 200),
    "a tool, early": (lambda: Service(painter=Forgetful(spent())), tool(stream=True), 200),
    "a tool, late": (lambda: Service(painter=LatePainter(spent())), tool(stream=True), 200),
    "a bug in a tool": (lambda: Service(painter=Forgetful(KeyError("x"))), tool(), 500),
    "a tool with an unknown argument": (Service, tool(x=1), 200),
    "a tool with a wrong value": (Service, tool(b"no picture"), 200),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_leaves_no_picture_in_memory(name: str) -> None:
    service_of, asked, status = FAILURES[name]
    await _leaves_no_picture(service_of(), asked, status)


SURVIVED: dict[str, tuple[Callable[[], Service], Request]] = {
    "the writer fails": (lambda: Service(writer=Rewriter("", RewriteFailed("500"))), edit(optimize=True)),
    "the writer hangs": (lambda: Service(writer=Rewriter("", 1e6)), edit(optimize=True)),
    "the store fails": (lambda: Service(store=Shelf(NotStored("429"))), edit()),
    "the store hangs": (lambda: Service(store=Shelf(1e6)), edit()),
    "the picture cannot be cut": (lambda: Service(resizer=Scissors(ResizeFailed("x"))), edit(size="2048x256")),
    "a second try": (lambda: Service(painter=Forgetful(busy())), edit()),
    "the rewrite is refused": (lambda: Service(painter=Forgetful(refused())), edit(optimize=True)),
    "no preview can be made": (lambda: Service(resizer=Scissors(ResizeFailed("x"))), tool()),
    "the preview is not made in time": (lambda: Service(resizer=Scissors(1e6)), tool(stream=True)),
    "nothing": (Service, edit()),
    "nothing, in a tool": (Service, tool()),
    "nothing, in a stream": (lambda: Service(painter=LatePainter(None)), edit(stream=True)),
}


@pytest.mark.parametrize("name", SURVIVED)
async def test_a_request_that_survives_a_failure_leaves_no_picture_in_memory(name: str) -> None:
    service_of, asked = SURVIVED[name]
    await _leaves_no_picture(service_of(), asked, 200)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_leaves_no_picture_in_memory(*, stream: bool) -> None:
    async def leave(service: Service) -> None:
        answering = asyncio.create_task(service.app(edit(n=2, stream=stream)))
        await asyncio.sleep(LATE)
        if stream:
            await stream_of(await answering).aclose()
        answering.cancel()
        await asyncio.wait({answering})

    await _leaves(Service(painter=Forgetful(1e6, 1e6)), leave)


async def _leaves_no_picture(service: Service, asked: Request, status: int) -> None:
    async def answered(service: Service) -> None:
        answer = await read(await service.app(asked))
        assert answer.status == status, answer.text

    await _leaves(service, answered)


async def _leaves(service: Service, use: Callable[[Service], Awaitable[None]]) -> None:
    before = pictures()
    await use(service)
    service.store.pictures.clear()
    service.painter.drawings.clear()
    await asyncio.sleep(1)  # lets cancelled tasks end
    assert pictures() == before


# --- many requests --------------------------------------------------------------------------------

MANY, WARM_UP = 20_000, 2_000
FLAT_BLOCKS = 1000
"""One object for each twenty requests. An exception that is raised twice keeps about a dozen each time."""


async def test_many_requests_to_a_misconfigured_deployment_leave_memory_flat() -> None:
    service = Service(variables={"FLUX_NUM_STEPS": "many"})
    asked = request("/v1/models")

    async def refused_times(count: int) -> None:
        for _ in range(count):
            assert (await service.app(asked)).status == 500
            service.lines.clear()

    await refused_times(WARM_UP)
    before = sys.getallocatedblocks()
    await refused_times(MANY)
    assert sys.getallocatedblocks() - before < FLAT_BLOCKS
