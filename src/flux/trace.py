"""What one request did, for its log line and its `Server-Timing` header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flux.errors import ApiError


class Trace:
    """Filled while the request is answered; belongs to that request alone."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.facts: dict[str, Any] = {}
        """For the log line; values are JSON."""
        self.steps: dict[str, float] = {}
        """Milliseconds by step. Workers' clock stands still between awaits, so only waits show."""
        self._started = time.time()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step. Steps of one name that run side by side add up."""
        started = time.time()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + _milliseconds(since=started)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a number of the log line."""
        self.facts[name] = self.facts.get(name, 0) + amount

    def failed(self, error: ApiError) -> None:
        """Note a failure with what only the log may know of it."""
        self.facts["error"] = error.code
        if error.detail:
            self.facts["detail"] = error.detail
        if code := getattr(error, "upstream_code", 0):
            self.facts["upstream_code"] = code

    @property
    def total(self) -> float:
        """Milliseconds since the request came."""
        return _milliseconds(since=self._started)

    def server_timing(self) -> str:
        """The header's value (W3C Server Timing): `draw;dur=1012, total;dur=1020`."""
        steps = {**self.steps, "total": self.total}
        return ", ".join(f"{name};dur={duration:.0f}" for name, duration in steps.items())


def _milliseconds(since: float) -> float:
    """Never less than none: a clock that is set right in between has been seen to step back."""
    return max(0.0, (time.time() - since) * 1000)
