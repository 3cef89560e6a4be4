# ruff: noqa: INP001 - a Worker, not a package
"""The Worker in entry.py, with a second entrypoint that counts the instructions that Python executes."""

import json
import sys
from collections import Counter
from types import CodeType
from typing import Any

from workers import Response, WorkerEntrypoint

import entry

MONITORING: Any = sys.monitoring  # type: ignore[attr-defined]  # not in Python 3.11
TOOL = MONITORING.PROFILER_ID
INSTRUCTION = MONITORING.events.INSTRUCTION

counts = Counter[CodeType]()


class Default(entry.Default):
    """The Worker."""


class Counts(WorkerEntrypoint):
    """Starts to count at `/begin`. Any other path ends it and has the counts by function as the answer."""

    async def fetch(self, request: Any) -> Response:
        """Begin or end."""
        if request.js_object.url.endswith("/begin"):
            counts.clear()
            MONITORING.use_tool_id(TOOL, "counts")
            MONITORING.register_callback(TOOL, INSTRUCTION, _executed)
            MONITORING.set_events(TOOL, INSTRUCTION)
            return Response("")
        MONITORING.set_events(TOOL, MONITORING.events.NO_EVENTS)
        MONITORING.free_tool_id(TOOL)
        return Response(json.dumps([[_name(code), count] for code, count in counts.most_common()]))


def _executed(code: CodeType, _offset: int) -> None:
    counts[code] += 1


def _name(code: CodeType) -> str:
    return f"{code.co_filename.rpartition('/metadata/')[2]} {code.co_qualname}"
