"""`python -m bench.against REVISION [PATTERN ...]`: compare the Worker in this tree with that of another revision.

For changes that are too small to show in `make bench`. Requests are sent to both in turn, round by round. Patterns
(`generate*`) select kinds of requests by name. A ratio below 1 means that this tree needs less. "Own thread" excludes
V8's compilers and garbage collectors.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from bench import picture, runtime
from bench.load import Load
from bench.rounds import KINDS, OURS, SIDES, SKETCH, Kind, as_sent, ratio
from bench.runtime import Process, Worker
from dev import ROOT

INSTANCES = 4
ROUNDS = 5
"""For each kind of request in each instance."""
THEIRS = "theirs"


def main(revision: str, patterns: list[str]) -> None:
    """Print a line for each kind of request."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        stand_ins = runtime.write_stand_ins(root / "stand-ins", picture.files(root))
        workers = {OURS: SIDES[OURS], THEIRS: _at(revision, root / "revision"), SKETCH: SIDES[SKETCH]}
        folders = {
            side: runtime.write_worker(root / worker.name, worker, stand_ins) for side, worker in workers.items()
        }
        for folder in folders.values():
            runtime.save_snapshot(folder)
        kinds = [kind for kind in KINDS if any(fnmatch(kind.request.name, pattern) for pattern in patterns or "*")]
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        with Process(stand_ins) as others, Load(others) as load:
            others.answer()
            for _ in range(INSTANCES):
                with ExitStack() as stack:
                    running = {
                        side: stack.enter_context(Process(folder, runtime.from_snapshot(folder)))
                        for side, folder in folders.items()
                    }
                    for process in running.values():
                        process.answer()
                    for kind in kinds:
                        _rounds(kind, running, load, found)
    for kind in kinds:
        print(kind.request.name)
        for other in (THEIRS, SKETCH):
            if others_rounds := found.get((kind.request.name, other)):
                for place, what in enumerate(("CPU", "own thread")):
                    ones = [one[place] for one in found[kind.request.name, OURS]]
                    print(f"  {what:11} against {other:18}{ratio(ones, [one[place] for one in others_rounds])}")


def _at(revision: str, folder: Path) -> Worker:
    """The Worker of a revision."""
    packed = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return replace(runtime.python(THEIRS, folder / "src"), ledger=True)


def _rounds(
    kind: Kind, running: dict[str, Process], load: Load, found: dict[tuple[str, str], list[tuple[float, float]]]
) -> None:
    sides = [side for side in running if side == THEIRS or side in kind.sides]
    requests = {side: as_sent(side, kind.request, running[side], load) for side in sides}
    for side in sides:
        load.send(running[side], requests[side], requests=kind.warm_up, connections=kind.connections)
    for _ in range(ROUNDS):
        for side in sides:
            before = running[side].isolate_cpu
            sample = load.send(running[side], requests[side], requests=kind.requests, connections=kind.connections)
            own = (running[side].isolate_cpu - before) / kind.requests * 1000
            found.setdefault((kind.request.name, side), []).append((sample.cpu, own))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
