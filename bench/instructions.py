"""`python -m bench.instructions [PATTERN ...]`: how many instructions Python executes for a request, and where.

What the service costs beyond the sketch is Python's interpreter (see README.md), so these counts show what a change is
worth, to the instruction and in a minute. Times do not: they differ from run to run by more than most changes. An
instruction that calls into C counts as one, whatever it takes. Patterns (`generate*`) select kinds of requests by name;
for these, the functions are listed too.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from bench import WORKERS, picture, runtime
from bench.load import Load
from bench.rounds import HELLO, KINDS, OURS, SKETCH, Kind, as_sent
from bench.runtime import Process, Worker

REQUESTS = 20
WARM_UP = 20
FUNCTIONS = 60
"""The most that are listed for a kind of request."""
COUNTS = "Counts"
"""The entrypoint of workers/counted."""

SIDES = {
    HELLO: runtime.python("counted-hello", WORKERS / "hello", WORKERS / "counted", main="counted.py"),
    SKETCH: runtime.python("counted-sketch", WORKERS / "sketch", WORKERS / "counted", main="counted.py"),
    OURS: runtime.product(WORKERS / "counted", main="counted.py"),
}

Counted = Sequence[tuple[str, float]]
"""Functions, each with its instructions per request."""


def main(patterns: Sequence[str]) -> None:
    """Print a line for each kind of request and side, and the functions if kinds are named."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        stand_ins = runtime.write_stand_ins(root / "stand-ins", picture.files(root))
        with Process(stand_ins) as others, Load(others) as load:
            others.answer()
            for side, worker in SIDES.items():
                for kind, counted in _counts(side, worker, root, stand_ins, load, patterns or "*"):
                    print(f"{kind.request.name:45} {side:18} {sum(count for _, count in counted):7.0f}")
                    for function, count in counted[: FUNCTIONS if patterns else 0]:
                        print(f"{count:12.1f}  {function}")


def _counts(
    side: str, worker: Worker, root: Path, stand_ins: Path, load: Load, patterns: Sequence[str]
) -> Iterator[tuple[Kind, Counted]]:
    folder = runtime.write_worker(root / worker.name, replace(worker, entrypoints=(COUNTS,)), stand_ins)
    with Process(folder) as running:
        running.answer()
        for kind in KINDS:
            if side in kind.sides and any(fnmatch(kind.request.name, pattern) for pattern in patterns):
                request = as_sent(side, kind.request, running, load)
                load.send(running, request, requests=WARM_UP)
                running.ask(COUNTS, "/begin")
                load.send(running, request, requests=REQUESTS, connections=1)
                counted = json.loads(running.ask(COUNTS, "/end"))
                yield kind, [(function, count / REQUESTS) for function, count in counted]


if __name__ == "__main__":
    main(sys.argv[1:])
