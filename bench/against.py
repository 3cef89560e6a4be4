"""`python -m bench.against REVISION [PATTERN ...]`: compare the Worker in this tree with that of another revision.

For changes that are too small to show in `make bench`. Both revisions are in one isolate, so they share what V8 has
compiled, and rounds of requests to one and the other alternate, so they share the machine's speed. A difference of two
per cent shows in a minute. Patterns (`generate*`) select kinds of requests by name.
"""

import io
import random
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from bench import WORKERS, picture, runtime
from bench.load import Load
from bench.rounds import KINDS, OURS, Kind, as_sent
from bench.runtime import Process, Worker
from dev import ROOT

INSTANCES = 3
ROUNDS = 40
"""For each kind of request in each instance."""
REQUESTS = 64
"""The most in a round: of kinds that wait for seconds, a round of `make bench` has fewer."""
THEIRS = "theirs"
"""The name of the other revision's package, and the query of the requests to it."""


def main(revision: str, patterns: Sequence[str]) -> None:
    """Print a line for each kind of request: the ratio of this tree's CPU to that of the other revision."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        stand_ins = runtime.write_stand_ins(root / "stand-ins", picture.files(root))
        folder = runtime.write_worker(root / "both", _both(revision, root / "revision"), stand_ins)
        runtime.save_snapshot(folder)
        kinds = [kind for kind in KINDS if any(fnmatch(kind.request.name, pattern) for pattern in patterns or "*")]
        ratios: dict[str, list[float]] = {}
        with Process(stand_ins) as others, Load(others) as load:
            others.answer()
            for _ in range(INSTANCES):
                with Process(folder, runtime.from_snapshot(folder)) as running:
                    running.answer()
                    for kind in kinds:
                        ratios.setdefault(kind.request.name, []).extend(_rounds(kind, running, load))
    for request, found in ratios.items():
        error = statistics.stdev(found) / len(found) ** 0.5
        print(f"{request:45} {statistics.fmean(found):.3f}, standard error {error:.3f}")


def _both(revision: str, folder: Path) -> Worker:
    """A Worker with this tree as package `flux` and the other revision as package `theirs`."""
    packed = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "src" / "flux").rename(folder / "src" / THEIRS)
    (folder / "src" / "entry.py").rename(folder / "src" / "their_entry.py")
    for file in (folder / "src").rglob("*.py"):
        file.write_text(re.sub(r"\b(from|import) flux\b", rf"\1 {THEIRS}", file.read_text()))
    return replace(runtime.product(folder / "src", WORKERS / "both", main="both.py"), name="both", ledger=True)


def _rounds(kind: Kind, running: Process, load: Load) -> list[float]:
    """The ratio of each round, for the isolate's own thread, without V8's compilers and garbage collectors."""
    ours = as_sent(OURS, kind.request, running, load)
    requests = {OURS: ours, THEIRS: replace(ours, path=f"{ours.path}?{THEIRS}")}
    for request in requests.values():
        load.send(running, request, requests=kind.warm_up, connections=kind.connections)
    count, ratios = min(kind.requests, REQUESTS), []
    for _ in range(ROUNDS):
        cpu: dict[str, float] = {}
        for side in random.sample(sorted(requests), 2):
            before = running.isolate_cpu
            load.send(running, requests[side], requests=count, connections=kind.connections)
            cpu[side] = running.isolate_cpu - before
        ratios.append(cpu[OURS] / cpu[THEIRS])
    return ratios


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
