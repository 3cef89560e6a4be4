"""Memory that concurrent generations use, and whether it is released."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import BENCH
from bench.load import Load, Request, generation
from bench.runtime import Process
from dev import NODE_MODULES

IN_FLIGHT = 16
KILOBYTES = 1000
TOGETHER = generation(KILOBYTES, milliseconds=500)
"""The model delays these long enough for all of them to wait at the same time."""
WARM_UPS = 3
"""Rounds until the allocators have reached their size."""

INSPECTOR = "127.0.0.1:9339"
POKE_SECONDS = 0.2
IDLE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the runtime's process and of its isolate."""

    before: int
    """In use before the pictures."""
    added: int
    """Peak with the pictures in flight, minus `before`."""
    left: int
    """In use afterwards, minus `before`."""
    isolate: int
    """The isolate's peak: JavaScript's heap and buffers, WebAssembly's memory, and what the pictures added."""


def measure(folder: Path, load: Load) -> Memory:
    """Measure pictures in flight, in a separate process."""
    with Process(folder, [f"--inspector-addr={INSPECTOR}"]) as worker:
        worker.answer()
        for _ in range(WARM_UPS):
            load.send(worker, TOGETHER, requests=IN_FLIGHT, connections=IN_FLIGHT)
        held = _collected(worker) + _webassembly(worker, load)
        time.sleep(IDLE_SECONDS)
        before = worker.resident
        worker.forget_most_resident()
        load.send(worker, TOGETHER, requests=IN_FLIGHT, connections=IN_FLIGHT)
        added = worker.most_resident - before
        _collected(worker)
        time.sleep(IDLE_SECONDS)
        return Memory(before, added, worker.resident - before, held + added)


def _collected(worker: Process) -> int:
    """Bytes of JavaScript's heap and buffers after garbage collection."""
    node = subprocess.Popen([NODE_MODULES / ".bin" / "node", BENCH / "heap.mjs", INSPECTOR], stdout=subprocess.PIPE)
    while node.poll() is None:  # an idle isolate does not respond to its inspector
        worker.answer()
        time.sleep(POKE_SECONDS)
    usage = json.loads(node.communicate()[0])
    return int(usage["totalSize"] + usage["embedderHeapUsedSize"] + usage["backingStorageSize"])


def _webassembly(worker: Process, load: Load) -> int:
    """Bytes of WebAssembly's memory, which the inspector does not include; 0 if there is none."""
    if not (worker.folder / "config.capnp").read_text().count("probe.py"):
        return 0
    return int(load.send(worker, Request("memory", "GET", "/memory"), requests=1).last)
