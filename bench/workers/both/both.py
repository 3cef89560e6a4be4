# ruff: noqa: INP001 - a Worker, not a package
"""Two revisions of the service in one isolate. The query of a request says which one answers."""

import asyncio
from functools import cache
from typing import Any

from pyodide.webloop import WebLoop
from theirs import edge as theirs  # type: ignore[import-not-found]  # added by bench.against
from workers import WorkerEntrypoint

from entry import Ledger  # noqa: F401 - the Durable Object
from flux import edge


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer with the event loop of the revision."""
        js_request = request.js_object
        revision = theirs if js_request.url.endswith("?theirs") else edge
        asyncio.get_running_loop().__class__ = _event_loop(revision)
        return await revision.answer(js_request, self.ctx)


@cache
def _event_loop(revision: Any) -> type[asyncio.AbstractEventLoop]:
    """The event loop that a revision installs when it is first used."""
    loop = asyncio.get_running_loop()
    loop.__class__ = WebLoop
    revision._app()  # noqa: SLF001 - as its first request does
    return loop.__class__
