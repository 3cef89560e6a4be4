"""Compares the cost of a picture here with its cost in a JavaScript Worker. See README.md."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent
WORKERS = BENCH / "workers"
