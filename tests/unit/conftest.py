"""Unit tests wait in virtual time: a second of grace or a minute's time-out passes at once."""

import asyncio
import time
from collections.abc import Callable, Mapping

import looptime
import pytest

from tests.builders import NOW

IDLE_SECONDS = 5
"""Real seconds after which a test whose tasks all wait for nothing fails instead of hanging."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every loop skips the time that it would sleep."""
    return {"virtual": lambda: looptime.new_event_loop(idle_timeout=IDLE_SECONDS)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day begins at `NOW` and goes with the loop: `await asyncio.sleep(60)` is a minute."""

    def now() -> float:
        try:
            return NOW + asyncio.get_running_loop().time()
        except RuntimeError:
            return NOW

    monkeypatch.setattr(time, "time", now)
