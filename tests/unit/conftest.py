"""Unit tests wait in virtual time: a second of grace or a minute's time-out passes at once."""

import asyncio
import time
from collections.abc import Callable, Mapping

import hypothesis
import pytest

from tests.builders import NOW
from tests.fakes import skipping_loop

# No example is too slow: a machine that others work on at the same time is no failure of ours.
hypothesis.settings.register_profile("unit", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("unit")
# `make mutants` asks whether a test fails, and not for the smallest example, which takes minutes to find.
hypothesis.settings.register_profile(
    "mutants",
    hypothesis.settings(deadline=None, database=None, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate)),
)


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
