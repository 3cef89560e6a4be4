"""`fetch` that ends with the task that waits for it."""

import asyncio
from typing import Any

import js

from flux.edge.js_bytes import js_object


async def fetch(url: str, headers: dict[str, str], body: Any) -> Any:
    """POST, answered with a JavaScript `Response`. Raises `JsException`.

    Redirects are not followed: they could lead a token anywhere.
    """
    leaving = js.AbortController.new()
    options = js_object({"method": "POST", "redirect": "manual", "headers": headers})
    options.body = body
    options.signal = leaving.signal
    try:
        return await js.fetch(url, options)
    except asyncio.CancelledError:
        leaving.abort()
        raise
