"""Calls to other services, aborted when the task that waits for them is cancelled."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import js

from flux.edge.js_bytes import js_object


@contextmanager
def aborted_with_its_task() -> Iterator[Any]:
    """A signal for a call, aborted if the task that waits for the call is cancelled.

    That happens if the client leaves, after a time-out, or after a bug in another picture. The runtime ends pending
    calls only with the whole request; until then the model would continue to draw, which costs money.
    """
    controller = js.AbortController.new()
    try:
        yield controller.signal
    except asyncio.CancelledError:
        controller.abort()
        raise


async def fetch(url: str, headers: dict[str, str], body: Any, signal: Any) -> Any:
    """Send a POST request and return the JavaScript `Response`. Raises `JsException`.

    Redirects are not followed: they could send a token to any host.
    """
    return await js.fetch(url, method="POST", redirect="manual", headers=js_object(**headers), body=body, signal=signal)
