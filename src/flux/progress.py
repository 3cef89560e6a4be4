"""Work that tells how it goes: started at once, followed by a stream, ended with its listener."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from flux.studio import Album, Print, Report, Written

GRACE_SECONDS = 1.0
"""How long a stream waits before it opens: what fails this early still gets its true status."""
PING_SECONDS = 10.0
"""Longest silence of a stream. Idle timers of proxies and apps start at about 30 s."""


class Progress:
    """Work under way. Whoever begins it ends it with `end`, at the latest when the client left."""

    def __init__(self, work: asyncio.Task[Album], reports: asyncio.Queue[Written | Print | None]) -> None:
        self._work = work
        self._reports = reports

    @classmethod
    async def begin(cls, work_of: Callable[[Report], Coroutine[Any, Any, Album]]) -> "Progress":
        """Start and give it its grace. Raises what the work raises within that time."""
        reports: asyncio.Queue[Written | Print | None] = asyncio.Queue()
        work = asyncio.create_task(work_of(reports.put_nowait))
        work.add_done_callback(lambda _: reports.put_nowait(None))
        try:
            await asyncio.wait({work}, timeout=GRACE_SECONDS)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if work.done():
            work.result()
        return cls(work, reports)

    async def follow(self) -> AsyncGenerator[Written | Print | None, None]:
        """What is reported, when it is; None after every `PING_SECONDS` of silence."""
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    report = await self._reports.get()
            except TimeoutError:
                yield None
                continue
            if report is None:
                return
            yield report

    async def album(self) -> Album:
        """The result. Raises what the work raises."""
        return await self._work

    def end(self) -> None:
        """Stop the work if it still runs."""
        self._work.cancel()
