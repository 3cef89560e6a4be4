"""Time limits for the waits of a request, all on one timer.

Pyodide's event loop cannot cancel timers: each `asyncio.timeout` calls `setTimeout`, and the timer later enters Python
even though the wait is over. Almost all waits end within milliseconds. Therefore a request has a single timer, set at
its first wait. A later limit sets it again only if it ends earlier. When the timer fires, it is set again for the next
limit, so every limit is exact.

It is never set for long, so that shorter limits that follow need not set it again.
"""

import asyncio
from contextvars import ContextVar
from types import TracebackType
from typing import Self

FIRST_SECONDS = 2.0
"""The longest time for which the timer is set at first."""
NEXT_SECONDS = 10.0
"""The longest time for which it is set when it has fired."""


class _Timer:
    """The timer of one request, and the limits that are active."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.now, self._call_later = loop.time, loop.call_later
        self._limits: set[time_limit] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._at: float | None = None
        """When it fires, or last fired, by the loop's clock; None if it was never set."""

    def add(self, limit: "time_limit") -> None:
        self._limits.add(limit)
        if self._at is None:
            self._set(min(limit.ends, self.now() + FIRST_SECONDS))
        elif self._handle is None or limit.ends < self._at:
            self._set(limit.ends)

    def remove(self, limit: "time_limit") -> None:
        self._limits.discard(limit)

    def _set(self, at: float) -> None:
        if self._handle:
            self._handle.cancel()
        # Not `call_at`: Pyodide refuses a time that is already over, and JavaScript's timers may fire early.
        self._at, self._handle = at, self._call_later(max(0.0, at - self.now()), self._fired)

    def _fired(self) -> None:
        self._handle = None
        now = self.now()
        for limit in [limit for limit in self._limits if limit.ends <= now]:
            if limit in self._limits:  # another one that ended may have ended this one too
                self._limits.discard(limit)
                limit.end()
        if self._limits:
            self._set(min(now + NEXT_SECONDS, *(limit.ends for limit in self._limits)))


_TIMER: ContextVar[_Timer | None] = ContextVar("timer", default=None)


def share_one_timer() -> None:
    """Use one timer for all waits of the current task and of the tasks that it starts."""
    _TIMER.set(_Timer())


class time_limit:  # noqa: N801 - read as `asyncio.timeout` is
    """`with time_limit(seconds)`: like `asyncio.timeout`. Raises `TimeoutError` when the time is up.

    It cancels the task to end the wait. A cancellation from elsewhere stays a cancellation.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = _TIMER.get() or _Timer()
        self.ends = self._timer.now() + self._seconds
        self._timer.add(self)
        return self

    def restart(self) -> None:
        """Start counting again."""
        self.ends = self._timer.now() + self._seconds

    def end(self) -> None:
        """End the wait: the time is up."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.remove(self)
        if self._is_over and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
