"""Tests that every `Limiter` must pass: the rate-limiting binding in real workerd, and the in-memory version."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from flux.ports import Limiter

PICTURES = 5
"""What each key may draw, per minute or in total."""


PERIOD, MARGIN = 60, 10
"""In seconds. The local binding resets its counts at each full minute, so no test runs close to that."""


async def _allowed(limiter: Limiter, *costs: int) -> list[bool]:
    """The answers for a new key."""
    left = PERIOD - time.time() % PERIOD
    await asyncio.sleep(left if left < MARGIN else 0)
    key = uuid4().hex
    return [await limiter.allows(key, cost) for cost in costs]


async def a_request_counts_as_many_pictures_as_it_asks_for(limiter: Limiter) -> None:
    assert await _allowed(limiter, 3, 2, 1) == [True, True, False]
    assert limiter.shortfall == ""


async def a_key_with_one_picture_left_may_ask_for_several(limiter: Limiter) -> None:
    assert await _allowed(limiter, PICTURES - 1, 4, 1) == [True, True, False]
    assert await _allowed(limiter, PICTURES + 1, 1) == [True, False]


async def no_key_counts_for_another(limiter: Limiter) -> None:
    assert [await _allowed(limiter, PICTURES, 1) for _ in range(3)] == [[True, False]] * 3


PROMISES: tuple[Callable[[Limiter], Awaitable[None]], ...] = (
    a_request_counts_as_many_pictures_as_it_asks_for,
    a_key_with_one_picture_left_may_ask_for_several,
    no_key_counts_for_another,
)
