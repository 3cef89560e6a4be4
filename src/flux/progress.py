"""Work that reports its progress. It starts at once, and stops if the stream that follows it is closed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress

from flux.pipeline import Report, Result, Waiting, Work
from flux.text import Text
from flux.time_limit import time_limit

GRACE_SECONDS = 1.0
"""How long a stream waits before it opens. A failure within this time is answered with its own status."""
PING_SECONDS = 10.0
"""Longest silence of a stream. Idle time-outs of proxies and apps start at about 30 s."""


class Progress:
    """Running work. The caller of `begin` must call `end`, at the latest when the client disconnects."""

    def __init__(self, work: asyncio.Task[Result], reports: asyncio.Queue[Report | None]) -> None:
        self._work: tuple[asyncio.Task[Result], ...] = (work,)
        """Empty after the result was taken."""
        self._reports = reports

    @classmethod
    async def begin(cls, work: Work) -> "Progress":
        """Start the work, and wait until it ends or `GRACE_SECONDS` are over."""
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
        """Whether the result or the failure is available."""
        return all(work.done() for work in self._work)

    def reports(self) -> Iterator[Report]:
        """The reports that are available and not read yet. If the work is over, these are all."""
        while not self._reports.empty():
            report = self._reports.get_nowait()
            if report is None:
                self._reports.put_nowait(None)  # the end is for `told`
                return
            yield report

    async def told(self, tell: Callable[[Report], Text], ping: Text) -> AsyncGenerator[Text, None]:
        """The text that `tell` returns for each report, as soon as the report is available.

        After each `PING_SECONDS` without a text, `tell` is given `Waiting`. If that returns "", `ping` is sent.
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
        """The result of work that is over, to be taken once. Raises the exception that the work raised.

        No reference to the task may remain: a task keeps its exception, and an exception keeps every frame in its
        traceback. Together they would keep the request's pictures in memory until the garbage collector runs.
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
