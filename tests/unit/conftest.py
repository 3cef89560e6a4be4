"""Unit tests wait in virtual time: a second of grace or a minute's time-out passes at once."""

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping

import pytest

from tests.builders import NOW


class SkippingSelector(selectors.DefaultSelector):
    """Where a loop would sleep until its next timer, it finds that the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, the time of the next timer."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "every task waits for something that nobody will bring"
            self.seconds += timeout
        return ready


def skipping_loop() -> asyncio.AbstractEventLoop:
    """A loop whose time is virtual, from 0."""
    selector = SkippingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.seconds  # type: ignore[method-assign]
    return loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """For every test of this folder."""
    return {"virtual": skipping_loop}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day begins at `NOW` and goes with the loop: `await asyncio.sleep(60)` is a minute."""

    def now() -> float:
        try:
            return NOW + asyncio.get_running_loop().time()
        except RuntimeError:
            return NOW

    monkeypatch.setattr(time, "time", now)
