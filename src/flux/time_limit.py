"""Time limits for what a request waits for, all of them on one timer.

Workers have no timers that can be taken back: Pyodide's loop asks for a `setTimeout` each time, which goes off and
enters Python though nobody waits any more. Almost all waits end within milliseconds. So a request has one timer, armed
when something is first waited for; a limit that ends later needs none of its own. A limit is exact all the same: when
the timer goes off, it is armed again for the limit that ends first.
"""

import asyncio
from contextvars import ContextVar
from types import TracebackType
from typing import Self

FIRST_SECONDS = 1.0
"""The longest that the timer is armed for at first, so that a shorter limit, which comes later, needs no other one."""


class _Timer:
    """The limits of one request that are waited for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.now, self._call_at = loop.time, loop.call_at
        self._limits: set[time_limit] = set()
        self._armed: asyncio.TimerHandle | None = None
        self._at: float | None = None
        """When it goes off or last went off, by the loop's clock."""

    def add(self, limit: "time_limit") -> None:
        self._limits.add(limit)
        if self._at is None:
            self._arm(min(limit.ends, self.now() + FIRST_SECONDS))
        elif self._armed is None or limit.ends < self._at:
            self._arm(limit.ends)

    def remove(self, limit: "time_limit") -> None:
        self._limits.discard(limit)

    def _arm(self, at: float) -> None:
        if self._armed:
            self._armed.cancel()
        self._at, self._armed = at, self._call_at(at, self._went_off)

    def _went_off(self) -> None:
        self._armed = None
        now = self.now()
        for limit in [limit for limit in self._limits if limit.ends <= now]:
            self._limits.discard(limit)
            limit.end()
        if self._limits:
            self._arm(min(limit.ends for limit in self._limits))


_TIMER: ContextVar[_Timer | None] = ContextVar("timer", default=None)


def share_one_timer() -> None:
    """Let all that this task and those which it starts wait for from now on use one timer."""
    _TIMER.set(_Timer())


class time_limit:  # noqa: N801 - read as `asyncio.timeout` is
    """`with time_limit(seconds)`: what is awaited inside ends with a `TimeoutError` when the time is up.

    As `asyncio.timeout`, it cancels the task, and a cancellation from elsewhere stays one.
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
        """Count from now on."""
        self.ends = self._timer.now() + self._seconds

    def end(self) -> None:
        """The time is up."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.remove(self)
        if self._is_over and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
