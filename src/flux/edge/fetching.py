"""Calls of other services that end with the task that waits for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import js

from flux.edge.js_bytes import js_object


@contextmanager
def aborted_with_its_task() -> Iterator[Any]:
    """A signal for a call, which is aborted where the task that waits for the call is cancelled.

    By its client who left, by a time-out, by a bug in a picture beside it. The runtime ends what is under way only with
    the whole request, and until then a model draws on, for money.
    """
    controller = js.AbortController.new()
    try:
        yield controller.signal
    except asyncio.CancelledError:
        controller.abort()
        raise


async def fetch(url: str, headers: dict[str, str], body: Any, signal: Any) -> Any:
    """POST, answered with a JavaScript `Response`. Raises `JsException`.

    Redirects are not followed: they could lead a token anywhere.
    """
    options = js_object({"method": "POST", "redirect": "manual", "headers": headers})
    options.body = body
    options.signal = signal
    return await js.fetch(url, options)
