"""Work that tells how it goes: started at once, followed by a stream, ended with its listener."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress

from flux.pipeline import Report, Result, Waiting, Work
from flux.text import Text
from flux.time_limit import time_limit

GRACE_SECONDS = 1.0
"""How long a stream waits before it opens: what fails this early still gets its true status."""
PING_SECONDS = 10.0
"""Longest silence of a stream. Idle timers of proxies and apps start at about 30 s."""


class Progress:
    """Work under way. Whoever begins it ends it with `end`, at the latest when the client left."""

    def __init__(self, work: asyncio.Task[Result], reports: asyncio.Queue[Report | None]) -> None:
        self._work: tuple[asyncio.Task[Result], ...] = (work,)
        """Empty when its result was taken."""
        self._reports = reports

    @classmethod
    async def begin(cls, work: Work) -> "Progress":
        """Start, and wait until it is over or its grace is."""
        reports: asyncio.Queue[Report | None] = asyncio.Queue()
        task = asyncio.create_task(work(reports.put_nowait))
        task.add_done_callback(lambda _: reports.put_nowait(None))
        try:
            with suppress(TimeoutError), time_limit(GRACE_SECONDS):
                await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        return cls(task, reports)

    @property
    def is_over(self) -> bool:
        """Whether the result or the failure is there to be taken."""
        return all(work.done() for work in self._work)

    def reports(self) -> Iterator[Report]:
        """Those that nobody was told yet: of work that is over, all of them."""
        while not self._reports.empty():
            report = self._reports.get_nowait()
            if report is None:
                self._reports.put_nowait(None)  # the end is for `told`
                return
            yield report

    async def told(self, tell: Callable[[Report], Text], ping: Text) -> AsyncGenerator[Text, None]:
        """What `tell` says of each report when it comes.

        After every `PING_SECONDS` without a text it is told `Waiting`; a `ping` stands for what it does not say.
        """
        clock = asyncio.get_running_loop().time
        due = clock() + PING_SECONDS
        while True:
            try:
                report = self._reports.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    with time_limit(due - clock()):
                        report = await self._reports.get()
                except TimeoutError:
                    yield tell(Waiting()) or ping
                    due = clock() + PING_SECONDS
                    continue
            if report is None:
                return
            if text := tell(report):
                yield text
                due = clock() + PING_SECONDS

    def result(self) -> Result:
        """The result of work that is over, taken once. Raises what the work raised.

        Out of nothing that still refers to the task: a task keeps its exception, and an exception all that its
        traceback shows. Together they would keep the request's pictures until the garbage collector runs.
        """
        [work] = self._work
        self._work = ()
        try:
            return work.result()
        finally:
            del work

    def end(self) -> None:
        """Stop the work if it still runs."""
        for work in self._work:
            work.cancel()
