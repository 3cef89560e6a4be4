"""`python -m bench.crossings`: the cost of single steps of a request in a Python Worker, in microseconds of CPU.

Each step is repeated within one request, so its code is warm. In separate requests everything costs two to three times
as much. Use this to tell expensive steps from cheap ones.
"""

import json
import tempfile
from pathlib import Path
from urllib.parse import quote

from bench import WORKERS, runtime
from bench.load import Load, Request
from bench.rounds import spread
from bench.runtime import Process

TIMES = 1000
ROUNDS = 7


def main() -> None:
    """Print the cost of all steps."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        worker = runtime.python("crossings", WORKERS / "crossings")
        stand_ins = runtime.write_stand_ins(root / "stand-ins", {})
        with (
            Process(stand_ins) as others,
            Process(runtime.write_worker(root / worker.name, worker, stand_ins)) as crossings,
            Load(others) as load,
        ):
            others.answer()

            def cpu(step: str, times: int) -> float:
                return load.send(crossings, Request(step, "GET", f"/{quote(step)}/{times}"), requests=1).cpu * 1000

            for step in json.loads(crossings.answer("/steps/0").split(b"\r\n\r\n")[1]):
                cpu(step, TIMES)
                found = spread([(cpu(step, TIMES) - cpu(step, 0)) / TIMES for _ in range(ROUNDS)])
                print(f"{step:28}{found.median:7.1f}   {found.min:.1f} to {found.max:.1f}")


if __name__ == "__main__":
    main()
