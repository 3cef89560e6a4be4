"""What one request did, for its log line and its `Server-Timing` header."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flux.errors import ApiError


@dataclass(slots=True)
class Facts:
    """What the log line says beside times and status; what is None is left out."""

    method: str | None = None
    route: str | None = None
    key: str | None = None
    """The name of the API key, where the owner gave it one."""
    model: str | None = None
    """That was asked first."""
    prompt: str | None = None
    """Only where the owner wants prompts in the log."""
    tool: str | None = None
    """That was called over MCP."""
    chore: str | None = None
    """The kind of the chore that was answered in words."""
    pictures: int | None = None
    """That were finished."""
    failed: int | None = None
    """Pictures that could not be drawn, where several were asked for."""
    bytes: int | None = None
    """Of those."""
    model_calls: int | None = None
    neurons: float | None = None
    """What the calls cost by the price list, the prompt writer's included."""
    dollars: float | None = None
    """The same, past what is free."""
    redrawn: int | None = None
    """Pictures that were drawn once more, since the filter refused what came of an allowed prompt."""
    fallback_from: int | None = None
    """Upstream's code for which the next model was asked."""
    limiter_error: str | None = None
    ledger_error: str | None = None
    writer_error: str | None = None
    read_error: str | None = None
    """Why an earlier picture was not read, where a new one was drawn instead."""
    upright_error: str | None = None
    """Why a picture that lies on its side was given to the model so."""
    cut_error: str | None = None
    keep_error: str | None = None
    preview_error: str | None = None
    error: str | None = None
    """Code of the failure that was answered, or of the first of the pictures that failed."""
    detail: str | None = None
    """What only the owner may read of it."""
    upstream_code: int | None = None
    traceback: str | None = None


class Trace:
    """Filled while the request is answered; belongs to that request alone."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.facts = Facts()
        self.steps: dict[str, float] = {}
        """Milliseconds by step. Workers' clock stands still between awaits, so only waits show."""
        self.notes: dict[str, str] = {}
        """What the header says in words, by metric: for whoever checks a deployment from outside."""
        self._clock = asyncio.get_running_loop().time  # never steps back, as the time of day does
        self._started = self._clock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step. Steps of one name that run side by side add up."""
        started = self._clock()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + self._milliseconds(since=started)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a number among the facts."""
        setattr(self.facts, name, (getattr(self.facts, name) or 0) + amount)

    def failed(self, error: ApiError) -> None:
        """Note a failure with what only the log may know of it."""
        self.facts.error = error.code
        self.facts.detail = error.detail or None
        self.facts.upstream_code = getattr(error, "upstream_code", 0) or None

    def line(self, status: int) -> str:
        """One JSON line for Workers Logs."""
        facts = {name: value for name in Facts.__slots__ if (value := getattr(self.facts, name)) is not None}
        times = {name: round(value) for name, value in self.steps.items()} | {"total": round(self.total)}
        return json.dumps({"request_id": self.request_id, "status": status, **facts, "ms": times}, ensure_ascii=False)

    @property
    def total(self) -> float:
        """Milliseconds since the request came."""
        return self._milliseconds(since=self._started)

    def server_timing(self) -> str:
        """The header's value (W3C Server Timing): `draw;desc="1024x1024 image/jpeg";dur=1012, total;dur=1020`."""
        parts = {name: f'{name};desc="{note}"' for name, note in self.notes.items()}
        for name, duration in {**self.steps, "total": self.total}.items():
            parts[name] = f"{parts.get(name, name)};dur={duration:.0f}"
        return ", ".join(parts.values())

    def _milliseconds(self, since: float) -> float:
        return (self._clock() - since) * 1000
