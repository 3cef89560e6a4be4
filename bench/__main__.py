"""`make bench`: measure, print the table, and write it to RESULTS.md."""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import BENCH, picture, rounds, rows, runtime
from bench.load import CONNECTIONS, Load
from bench.rounds import KINDS, LARGE, LARGE_CONNECTIONS, LATE_CONNECTIONS, Folders, Samples, spread
from bench.rows import Row
from bench.runtime import Process
from dev.pyodide_bundle import VERSIONS

RESULTS = BENCH / "RESULTS.md"
MARKS = {True: "yes", False: "**no**", None: ""}


def main() -> None:
    """Measure everything, which takes a few minutes."""
    began = time.monotonic()

    def told(what: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {what}", file=sys.stderr, flush=True)

    load_before = os.getloadavg()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        stand_ins = runtime.write_stand_ins(root / "stand-ins", picture.files(root))
        with Process(stand_ins) as others, Load(others) as load:
            others.answer()
            told("snapshots")
            folders = Folders(root, stand_ins)
            samples = rounds.measure(folders, load, told)
            table = [*rows.ratios(samples)]
            told("one by one")
            table += rows.one_by_one(folders, load)
            told("the ledger")
            table += rows.ledger(folders, load)
            told("starts")
            table += rows.starts(folders)
            table += rows.sizes(folders)
            told("modules")
            table += rows.modules(root, stand_ins, load)
            told("memory")
            table += rows.in_flight(root, stand_ins, load)
    text = "\n".join(_written(table, samples, load_before))
    RESULTS.write_text(text)
    print(text)
    told(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def _written(table: list[Row], samples: Samples, load_before: float) -> Iterator[str]:
    yield "# What it costs, side by side"
    yield ""
    yield "Written by `make bench`; [README.md](README.md) says how it measures. CPU is user and system time of the"
    yield "runtime's process. A figure is the median of all rounds, in brackets the least and the greatest."
    yield ""
    yield "| | measured | target | met |"
    yield "| --- | --- | --- | --- |"
    for row in table:
        yield f"| {row.what} | {row.measured} | {row.target} | {MARKS[row.met]} |"
    yield ""
    yield "## One request"
    yield ""
    yield f"{CONNECTIONS} connections, but {LARGE_CONNECTIONS} for {LARGE} KB and {LATE_CONNECTIONS} where the picture"
    yield "takes its time; the stand-ins' CPU is that of another process and not part of the Worker's."
    yield ""
    yield "| request | Worker | CPU, ms | requests/s | latency, ms: median | 99th percentile | stand-ins' CPU, ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for kind in KINDS:
        for side in kind.sides:
            found = samples[kind.request.name, side]
            latencies = sorted(latency for sample in found for latency in sample.latencies)
            cells = (
                kind.request.name,
                side,
                str(spread([sample.cpu for sample in found])),
                f"{spread([sample.rate for sample in found]).median:.0f}",
                f"{latencies[len(latencies) // 2]:.1f}",
                f"{latencies[len(latencies) * 99 // 100]:.1f}",
                f"{spread([sample.stand_ins for sample in found]).median:.2f}",
            )
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "## The machine"
    yield ""
    yield f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {_processor()}, {os.cpu_count()} cores, {_memory()} GiB,"
    yield f"{platform.system()} {platform.release()}; load average {load_before:.1f} before and"
    yield f"{os.getloadavg()[1]:.1f} at the end."
    yield f"{', '.join(f'{name} {version}' for name, version in VERSIONS.items())}."
    yield ""


def _processor() -> str:
    info = Path("/proc/cpuinfo").read_text()
    return next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith(("model name", "Model")))


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}"


if __name__ == "__main__":
    main()
