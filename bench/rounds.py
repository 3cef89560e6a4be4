"""Rounds of requests to all sides in turn, repeated with newly started isolates."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench import WORKERS, runtime
from bench.load import (
    CONNECTIONS,
    REFUSALS,
    Load,
    Request,
    Sample,
    cut,
    generation,
    image,
    picture_path,
    response,
    tool,
)
from bench.runtime import Process, Worker

OURS, USUAL, CAREFUL = "ours", "usual JS", "careful JS"
HELLO, HELLO_JS = "hello Python", "hello JS"
WAITING = "hello Python that waits for the body"
SKETCH = "sketch in Python"
BUDGET = "ours, with a budget"
NO_LEDGER = "ours, without a ledger"

SIDES: Mapping[str, Worker] = {
    OURS: runtime.product(),
    BUDGET: replace(runtime.product(), name="ours-with-a-budget", variables={"DAILY_NEURONS": "1000000000"}),
    NO_LEDGER: replace(runtime.product(), name="ours-without-a-ledger", ledger=False),
    USUAL: runtime.javascript("usual"),
    CAREFUL: runtime.javascript("careful"),
    SKETCH: runtime.python("sketch", WORKERS / "sketch"),
    HELLO: runtime.python("hello-python", WORKERS / "hello"),
    HELLO_JS: runtime.javascript("hello"),
    WAITING: runtime.python("waiting", WORKERS / "waiting"),
}
GREETERS = (HELLO, HELLO_JS, WAITING)
"""They answer 200 to any request."""

INSTANCES = 3
"""How often all sides are restarted. V8 may compile the same code well or badly, and each start is a new chance."""
ROUNDS = 2
"""Rounds for each kind of request in each instance."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request, the sides that receive it, and the number of requests in a round."""

    request: Request
    sides: tuple[str, ...]
    connections: int = CONNECTIONS
    requests: int = 200
    warm_up: int = 300
    """Requests before the first round, after which the cost per request no longer falls."""


SMALL, USUAL_SIZE, LARGE = 50, 200, 5000
"""In kilobytes."""
LATE = 1200
"""The model's delay in milliseconds: longer than the grace period before a stream opens."""
LARGE_CONNECTIONS, LATE_CONNECTIONS = 2, 64
"""With more concurrent large pictures, memory fills up and only paging is measured."""
PICTURE = Request("picture", "GET", "/image/KEY")
KINDS = (
    Kind(generation(USUAL_SIZE), (OURS, BUDGET, NO_LEDGER, USUAL, CAREFUL, SKETCH)),
    Kind(generation(USUAL_SIZE, stream=True), (OURS, USUAL, CAREFUL)),
    Kind(generation(SMALL), (OURS, USUAL, CAREFUL, SKETCH), warm_up=50),
    Kind(generation(LARGE), (OURS, USUAL, CAREFUL, SKETCH), LARGE_CONNECTIONS, requests=40, warm_up=20),
    Kind(image(USUAL_SIZE), (OURS,)),
    Kind(response(USUAL_SIZE), (OURS,)),
    Kind(cut(USUAL_SIZE), (OURS,)),
    Kind(tool(USUAL_SIZE), (OURS,)),
    Kind(PICTURE, (OURS, USUAL, CAREFUL, SKETCH, HELLO, HELLO_JS)),
    *(Kind(request, (OURS, HELLO), requests=400, warm_up=100) for request in REFUSALS if not request.declared),
    # A body that never comes is waited for. With many at once, the runtime's idle time in between is shared.
    *(
        Kind(request, (OURS, HELLO, WAITING), LATE_CONNECTIONS, requests=2 * LATE_CONNECTIONS, warm_up=100)
        for request in REFUSALS
        if request.declared
    ),
    *(
        Kind(generation(USUAL_SIZE, stream=stream, milliseconds=LATE), (OURS,), LATE_CONNECTIONS, warm_up=100)
        for stream in (False, True)
    ),
)

Samples = Mapping[tuple[str, str], Sequence[Sample]]
"""By the names of request and side, in the order of the rounds."""


class Folders:
    """The folders with each side's configuration, log and snapshot."""

    def __init__(self, root: Path, stand_ins: Path) -> None:
        self._folders = {
            side: runtime.write_worker(root / worker.name, worker, stand_ins) for side, worker in SIDES.items()
        }
        self.snapshots = {
            side: runtime.save_snapshot(self._folders[side]) for side, worker in SIDES.items() if worker.is_python
        }

    def start(self, side: str, *, snapshot: bool = True) -> Process:
        """Start a side in a separate process. Python starts from its snapshot, as on Cloudflare."""
        folder = self._folders[side]
        return Process(folder, runtime.from_snapshot(folder) if snapshot and side in self.snapshots else ())


def measure(folders: Folders, load: Load, told: Callable[[str], None]) -> Samples:
    """Run all rounds of all kinds."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    for instance in range(INSTANCES):
        told(f"rounds {instance + 1} of {INSTANCES}")
        with ExitStack() as stack:
            running = {side: stack.enter_context(folders.start(side)) for side in SIDES}
            for worker in running.values():
                worker.answer()
            for kind in KINDS:
                requests = {side: as_sent(side, kind.request, running[side], load) for side in kind.sides}
                for side in kind.sides:
                    load.send(running[side], requests[side], requests=kind.warm_up, connections=kind.connections)
                for _ in range(ROUNDS):
                    for side in kind.sides:
                        sample = load.send(
                            running[side], requests[side], requests=kind.requests, connections=kind.connections
                        )
                        samples.setdefault((kind.request.name, side), []).append(sample)
    return samples


def as_sent(side: str, request: Request, worker: Process, load: Load) -> Request:
    """The request in the form for this side."""
    if side in GREETERS:
        return replace(request, status=200)
    if request is not PICTURE:
        return request
    drawn = load.send(worker, generation(USUAL_SIZE), requests=1, connections=1)
    return replace(request, path=picture_path(drawn.last))


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, minimum and maximum of some figures."""

    median: float
    min: float
    max: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.min:.2f} to {self.max:.2f})"


def spread(figures: Sequence[float]) -> Spread:
    """The spread of at least one figure."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def ratio(ones: Sequence[float], others: Sequence[float]) -> Spread:
    """The quotients of two series, round by round."""
    return spread([one / other for one, other in zip(ones, others, strict=True)])


def cpu(samples: Samples, request: str, side: str) -> list[float]:
    """Milliseconds of CPU per request, round by round."""
    return [sample.cpu for sample in samples[request, side]]
