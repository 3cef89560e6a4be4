"""Work that tells how it goes: started at once, followed by a stream, ended with its listener."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from flux.pipeline import FinalPrompt, GeneratedPicture, Result, Work

GRACE_SECONDS = 1.0
"""How long a stream waits before it opens: what fails this early still gets its true status."""
PING_SECONDS = 10.0
"""Longest silence of a stream. Idle timers of proxies and apps start at about 30 s."""

_Kind = TypeVar("_Kind", FinalPrompt, GeneratedPicture)


class Progress:
    """Work under way. Whoever begins it ends it with `end`, at the latest when the client left."""

    def __init__(
        self, work: asyncio.Task[Result], reports: asyncio.Queue[FinalPrompt | GeneratedPicture | None]
    ) -> None:
        self._work = work
        self._reports = reports

    @classmethod
    async def begin(cls, draw: Work) -> "Progress":
        """Start and give it its grace. Raises what the work raises within that time."""
        reports: asyncio.Queue[FinalPrompt | GeneratedPicture | None] = asyncio.Queue()
        work = asyncio.create_task(draw(reports.put_nowait))
        work.add_done_callback(lambda _: reports.put_nowait(None))
        try:
            await asyncio.wait({work}, timeout=GRACE_SECONDS)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if work.done():
            work.result()
        return cls(work, reports)

    async def follow(self, kind: type[_Kind]) -> AsyncGenerator[_Kind | None, None]:
        """The reports of one kind, when they come; None after every `PING_SECONDS` without one."""
        clock = asyncio.get_running_loop().time
        due = clock() + PING_SECONDS
        while True:
            try:
                report = self._reports.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    async with asyncio.timeout_at(due):
                        report = await self._reports.get()
                except TimeoutError:
                    yield None
                    due = clock() + PING_SECONDS
                    continue
            if report is None:
                return
            if isinstance(report, kind):
                yield report
                due = clock() + PING_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether everything is known already."""
        return self._work.done()

    async def result(self) -> Result:
        """The result. Raises what the work raises."""
        return await self._work

    def end(self) -> None:
        """Stop the work if it still runs."""
        self._work.cancel()
