"""Time limits: what they end, and the one timer that all of a request's share."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from flux.time_limit import FIRST_SECONDS, share_one_timer, time_limit

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
async def armed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that the loop was asked to call something at, `asyncio.sleep` apart."""
    loop, times = asyncio.get_running_loop(), list[float]()
    call_later = loop.call_later

    def noted(
        delay: float, callback: Callable[..., object], *arguments: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if "_Timer" in getattr(callback, "__qualname__", ""):
            times.append(round(loop.time() + delay - began, 3))
        return call_later(delay, callback, *arguments, context=context)

    began = loop.time()
    monkeypatch.setattr(loop, "call_later", noted)
    return times


async def taken(work: Awaitable[object]) -> tuple[str, float]:
    """How it ended, and after how many seconds."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        await work
    except (TimeoutError, asyncio.CancelledError) as error:
        return type(error).__name__, round(clock() - began, 3)
    return "done", round(clock() - began, 3)


async def waiting(limit: float, seconds: float) -> None:
    """A wait within a limit."""
    with time_limit(limit):
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("limit", [0.5, FIRST_SECONDS, 5, 60])
@pytest.mark.parametrize("shared", [False, True])
async def test_a_wait_ends_exactly_when_its_time_is_up(limit: float, *, shared: bool) -> None:
    if shared:
        share_one_timer()
    assert await taken(waiting(limit, 1000)) == ("TimeoutError", limit)
    assert await taken(waiting(limit, limit / 2)) == ("done", limit / 2)


async def test_limits_in_each_other_end_what_is_theirs() -> None:
    share_one_timer()

    async def both() -> str:
        with time_limit(10):
            try:
                with time_limit(3):
                    await asyncio.sleep(1000)
            except TimeoutError:
                await asyncio.sleep(1000)
        return ""

    assert await taken(both()) == ("TimeoutError", 10)


async def test_an_outer_limit_that_ends_first_ends_both() -> None:
    share_one_timer()

    async def both() -> None:
        with time_limit(3):
            await waiting(10, 1000)

    assert await taken(both()) == ("TimeoutError", 3)


async def test_tasks_side_by_side_have_limits_of_their_own() -> None:
    share_one_timer()
    ended = await asyncio.gather(*(taken(waiting(limit, 4)) for limit in (3, 2, 60, 0.5)))
    assert ended == [("TimeoutError", 3), ("TimeoutError", 2), ("done", 4), ("TimeoutError", 0.5)]


async def test_two_requests_do_not_share_a_timer() -> None:
    """A timer belongs to the request that armed it: the runtime forgets it with that request."""

    async def request(limit: float) -> tuple[str, float]:
        share_one_timer()
        return await taken(waiting(limit, 4))

    tasks = [asyncio.create_task(request(limit)) for limit in (3, 2, 60)]
    assert await asyncio.gather(*tasks) == [("TimeoutError", 3), ("TimeoutError", 2), ("done", 4)]


async def test_a_restart_counts_anew() -> None:
    share_one_timer()

    async def slow() -> None:
        with time_limit(3) as idle:
            for _ in range(4):
                await asyncio.sleep(2)
                idle.restart()
            await asyncio.sleep(1000)

    assert await taken(slow()) == ("TimeoutError", 11)


async def test_a_cancellation_from_elsewhere_is_no_time_out() -> None:
    share_one_timer()
    task = asyncio.create_task(waiting(3, 1000))
    await asyncio.sleep(1)
    task.cancel()
    assert await taken(task) == ("CancelledError", 0)


async def test_a_cancellation_at_the_same_moment_stays_one() -> None:
    share_one_timer()

    async def cancelled_as_well() -> None:
        with time_limit(3):
            try:
                await asyncio.sleep(1000)
            finally:
                task = asyncio.current_task()
                assert task
                task.cancel()

    assert await taken(asyncio.create_task(cancelled_as_well())) == ("CancelledError", 3)


async def test_quick_waits_one_after_the_other_arm_one_timer(armed: list[float]) -> None:
    """As many as a generation has: body, rate limiter, model and store."""
    share_one_timer()
    for limit in (30, 2, 60, 10):
        await waiting(limit, 0.2)
    await asyncio.sleep(100)
    assert armed == [FIRST_SECONDS]


async def test_two_limits_that_end_together_end_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the Worker the task continues as soon as the first limit ends its wait (`edge/event_loop.py`)."""
    loop = asyncio.get_running_loop()
    later = loop.call_soon

    def at_once(callback: Callable[..., object], *arguments: Any, context: Any = None) -> asyncio.Handle:
        if asyncio.current_task():
            return later(callback, *arguments, context=context)
        handle = asyncio.Handle(callback, arguments, loop, context)
        handle._run()  # noqa: SLF001 - for event loops
        return handle

    async def work() -> None:
        with suppress(TimeoutError), time_limit(1), time_limit(1):
            await asyncio.sleep(10)
        await asyncio.sleep(5)

    share_one_timer()
    with monkeypatch.context() as changed:
        changed.setattr(loop, "call_soon", at_once)
        assert await taken(work()) == ("done", 6)


async def test_a_long_wait_arms_it_once_more_and_a_shorter_limit_again(armed: list[float]) -> None:
    share_one_timer()
    await waiting(60, 3)
    await waiting(10, 0.2)
    await waiting(0.5, 0.2)
    assert armed == [2, 12, 3.7]


@pytest.mark.parametrize("limit", [1, 0.0004, 0, -0.1])
async def test_a_timer_may_fire_early_and_the_clock_then_pass_the_limit(
    monkeypatch: pytest.MonkeyPatch, limit: float
) -> None:
    """As in workerd, where Pyodide refuses to set a timer in the past. A stream that is late has a limit below 0."""
    loop = asyncio.get_running_loop()
    call_at, time = loop.call_at, loop.time

    def call_later(
        delay: float, callback: Callable[..., object], *arguments: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if delay < 0:
            raise ValueError("Can't schedule in the past")
        return call_at(time() + delay * 0.999, callback, *arguments, context=context)

    def moving() -> float:
        """One more millisecond each time it is read."""
        return time() + next(readings) / 1000

    readings = itertools.count()
    monkeypatch.setattr(loop, "call_later", call_later)
    monkeypatch.setattr(loop, "call_at", lambda when, *rest, **named: call_later(when - moving(), *rest, **named))
    monkeypatch.setattr(loop, "time", moving)
    with pytest.raises(TimeoutError):
        await waiting(limit, 1000)


async def test_a_limit_needs_a_task() -> None:
    done = asyncio.get_running_loop().create_future()

    def enter() -> None:
        with pytest.raises(RuntimeError), time_limit(1):
            pass
        done.set_result(None)

    asyncio.get_running_loop().call_soon(enter)
    await done
