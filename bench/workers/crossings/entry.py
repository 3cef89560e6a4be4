# ruff: noqa: INP001 - a Worker, not a package
"""Steps of a request, each repeated as often as the path says: `/STEP/TIMES`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js
from workers import Response, WorkerEntrypoint

INIT = {
    "status": 200,
    "headers": {"content-type": "application/json", "cache-control": "no-store", "x-request-id": "1"},
}
BODY = '{"messages":[{"role":"user","content":"A picture of 200 KB"}]}'


def sync(step: Callable[[Any], Any]) -> Callable[[Any, int], Awaitable[None]]:
    """Repeats a step that does not wait."""

    async def repeated(request: Any, times: int) -> None:
        for _ in range(times):
            step(request)

    return repeated


def waits(step: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, int], Awaitable[None]]:
    """Repeats a step that waits."""

    async def repeated(request: Any, times: int) -> None:
        for _ in range(times):
            await step(request)

    return repeated


async def time_limit(_request: Any) -> None:
    """Start a timer and cancel it."""
    async with asyncio.timeout(60):  # noqa: ASYNC100 - its cost is to be measured
        pass


async def task(_request: Any) -> None:
    """Pass work to the event loop."""
    await asyncio.create_task(asyncio.sleep(0))


@cache
def picture() -> Any:
    """A megabyte in JavaScript."""
    return js.Uint8Array.new(10**6)


@cache
def answer() -> Any:
    """A model's answer: an object with the same in base64."""
    return js.Object.fromEntries(js.Array.of(js.Array.of("image", picture().toBase64())))


def to_base64_in_array() -> Any:
    """As `flux.edge.js_bytes.base64_in_array`: JavaScript reads a getter."""
    getter = js.JSON.parse('{"enumerable": true}')
    getter.get = picture().toBase64.bind(picture())
    return js.Object.values(js.Object.defineProperty(js.Object.new(), "text", getter))


STEPS = {
    "nothing": sync(lambda _request: None),
    "request.method": sync(lambda request: request.method),
    "request.headers": sync(lambda request: request.headers),
    "headers.get": sync(lambda request: request.headers.get("authorization")),
    "js.JSON.parse": sync(lambda _request: js.JSON.parse),
    "object by JSON.parse": sync(lambda _request: js.JSON.parse(json.dumps(INIT))),
    "object by to_js": sync(lambda _request: to_js(INIT, dict_converter=js.Object.fromEntries)),
    "small object by JSON.parse": sync(
        lambda _request: js.Object.new(js.JSON.parse(json.dumps({"key": "a", "delta": 1})))
    ),
    "small object by keywords": sync(lambda _request: js.Object.new(key="a", delta=1)),
    "js.Response.new": sync(lambda _request: js.Response.new("Hello")),
    "workers.Response": sync(lambda _request: Response("Hello")),
    "js.console.log": sync(lambda _request: js.console.log("{}")),
    "create_proxy, destroy": sync(lambda _request: create_proxy(print).destroy()),
    "json.loads of a body": sync(lambda _request: json.loads(BODY)),
    "1 MB to base64, by a getter": sync(lambda _request: to_base64_in_array()),
    "1 MB to base64, by Python": sync(lambda _request: js.Array.of(picture().toBase64())),
    "1 MB of base64, by Reflect": sync(
        lambda _request: js.Reflect.apply(js.Uint8Array.fromBase64, js.Uint8Array, js.Object.values(answer()))
    ),
    "1 MB of base64, by Python": sync(lambda _request: js.Uint8Array.fromBase64(answer().image)),
    "await a resolved promise": waits(lambda _request: js.Promise.resolve(1)),
    "await a timer of 0 ms": waits(lambda _request: js.scheduler.wait(0)),
    "await text()": waits(lambda _request: js.Response.new(BODY).text()),
    "asyncio.timeout": waits(time_limit),
    "asyncio.create_task": waits(task),
}


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Repeat a step, or list the steps."""
        *_, step, times = js.decodeURIComponent(request.js_object.url).split("/")
        if step not in STEPS:
            return Response(json.dumps([*STEPS]))
        await STEPS[step](request.js_object, int(times))
        return Response("Done.")
