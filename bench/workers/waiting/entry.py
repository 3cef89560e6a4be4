# ruff: noqa: INP001 - a Worker, not a package
"""The SDK's hello world, except that it waits half a second for a body that does not come, as a refusal does.

The timer is JavaScript's, which is the cheapest way to end such a wait.
"""

from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException
from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Response:
        """Answer any request."""
        if body := request.js_object.body:
            reader = body.getReader(mode="byob")
            js.setTimeout(reader.cancel.bind(reader), 500)
            with suppress(JsException):
                await reader.read(js.Uint8Array.new(1))
        return Response("Hello world!")
