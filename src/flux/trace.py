"""Records what one request did, for its log line and its `Server-Timing` header."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from flux.errors import ApiError


class Facts:
    """The fields of the log line besides times and status. Fields that are not set, or None, are left out."""

    method: str | None = None
    route: str | None = None
    key: str | None = None
    """The owner's name for the API key, if it has one."""
    model: str | None = None
    """The model that was called first."""
    prompt: str | None = None
    """Only if the owner logs prompts."""
    tool: str | None = None
    """The tool called over MCP."""
    chore: str | None = None
    """The kind of chore that was answered in text."""
    pictures: int | None = None
    """Pictures that were finished."""
    failed: int | None = None
    """Pictures that could not be drawn, if several were requested."""
    bytes: int | None = None
    """Bytes of the finished pictures."""
    model_calls: int | None = None
    neurons: float | None = None
    """What the calls cost by the price list, including the prompt rewriter."""
    dollars: float | None = None
    """The same in dollars, assuming that the free allocation is used up."""
    redrawn: int | None = None
    """Pictures drawn once more because the filter refused the first result of an allowed prompt."""
    fallback_from: int | None = None
    """The upstream error code that caused the fallback model to be used."""
    limiter_error: str | None = None
    ledger_error: str | None = None
    writer_error: str | None = None
    read_error: str | None = None
    """Why an earlier picture could not be read, if a new one was drawn instead."""
    upright_error: str | None = None
    """Why a picture that lies on its side was sent to the model unchanged."""
    cut_error: str | None = None
    keep_error: str | None = None
    preview_error: str | None = None
    error: str | None = None
    """Code of the error in the answer, or of the first picture that failed."""
    detail: str | None = None
    """Details for the owner only."""
    upstream_code: int | None = None
    traceback: str | None = None


_JSON = json.JSONEncoder(ensure_ascii=False)


class Trace:
    """Filled while a request is answered. Each request has its own."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.facts = Facts()
        self.steps: dict[str, float] = {}
        """Milliseconds by step. Workers' clock stands still between awaits, so only waiting time is counted."""
        self.notes: dict[str, str] = {}
        """Descriptions in the header, by metric, for people who check a deployment from outside."""
        self._clock = asyncio.get_running_loop().time  # unlike the time of day, it never goes backwards
        self._started = self._clock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step. Concurrent steps with the same name add up."""
        started = self._clock()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + self._milliseconds(since=started)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to one of the numeric facts."""
        facts = vars(self.facts)
        facts[name] = facts.get(name, 0) + amount

    def failed(self, error: ApiError) -> None:
        """Record an error, with the details that only the log may contain."""
        self.facts.error = error.code
        self.facts.detail = error.detail or None
        self.facts.upstream_code = getattr(error, "upstream_code", 0) or None

    def line(self, status: int) -> str:
        """One JSON line for Workers Logs."""
        facts = {name: value for name, value in vars(self.facts).items() if value is not None}
        times = {name: round(value) for name, value in self.steps.items()} | {"total": round(self.total)}
        return _JSON.encode({"request_id": self.request_id, "status": status, **facts, "ms": times})

    @property
    def total(self) -> float:
        """Milliseconds since the request arrived."""
        return self._milliseconds(since=self._started)

    def server_timing(self) -> str:
        """The header's value (W3C Server Timing): `draw;desc="1024x1024 image/jpeg";dur=1012, total;dur=1020`."""
        parts = {name: f'{name};desc="{note}"' for name, note in self.notes.items()}
        for name, duration in {**self.steps, "total": self.total}.items():
            parts[name] = f"{parts.get(name, name)};dur={duration:.0f}"
        return ", ".join(parts.values())

    def _milliseconds(self, since: float) -> float:
        return (self._clock() - since) * 1000
