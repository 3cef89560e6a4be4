# ruff: noqa: INP001 - a Worker, not a package
"""The SDK's hello world, except that it waits half a second for a body that does not come, as a refusal does."""

import asyncio
from contextlib import suppress
from typing import Any

import js
from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Response:
        """Answer any request."""
        if body := request.js_object.body:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await body.getReader(mode="byob").read(js.Uint8Array.new(1))
        return Response("Hello world!")
