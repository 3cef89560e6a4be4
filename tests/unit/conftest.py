"""Unit tests run in virtual time: a grace period of a second or a time-out of a minute passes at once."""

import asyncio
import time
from collections.abc import Callable, Mapping

import hypothesis
import pytest

from tests.builders import NOW
from tests.fakes import skipping_loop

# No deadline for examples: the machine may be busy with other work.
hypothesis.settings.register_profile("unit", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("unit")
# `make mutants` needs to know only whether a test fails; finding the smallest example takes minutes.
hypothesis.settings.register_profile(
    "mutants",
    hypothesis.settings(deadline=None, database=None, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate)),
)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Applies to every test in this folder."""
    return {"virtual": skipping_loop}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day starts at `NOW` and follows the loop: after `await asyncio.sleep(60)` it is a minute later."""

    def now() -> float:
        try:
            return NOW + asyncio.get_running_loop().time()
        except RuntimeError:
            return NOW

    monkeypatch.setattr(time, "time", now)
