"""Side by side: what a picture costs here, and what it costs a Worker in JavaScript. See README.md."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent
WORKERS = BENCH / "workers"
