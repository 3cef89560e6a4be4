# ruff: noqa: INP001 - a Worker, not a package
"""Two revisions of the service in one isolate. The query of a request says which one answers."""

import asyncio
from functools import cache
from typing import Any

import their_entry  # type: ignore[import-not-found]  # added by bench.against, as is `theirs`
from pyodide.webloop import WebLoop
from theirs import edge as theirs  # type: ignore[import-not-found]
from workers import WorkerEntrypoint

import entry
from entry import Ledger  # noqa: F401 - the Durable Object
from flux import edge


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer with the event loop of the revision."""
        are_theirs = request.js_object.url.endswith("?theirs")
        asyncio.get_running_loop().__class__ = _event_loop(theirs if are_theirs else edge)
        answering = their_entry if are_theirs else entry
        return await answering.Default(self.ctx, self.env).fetch(request)


@cache
def _event_loop(revision: Any) -> type[asyncio.AbstractEventLoop]:
    """The event loop that a revision installs when it is first used."""
    loop = asyncio.get_running_loop()
    loop.__class__ = WebLoop
    revision._app()  # noqa: SLF001 - as its first request does
    return loop.__class__
