# ruff: noqa: INP001 - a Worker, not a package
"""The Worker in entry.py, extended to report what is visible only inside: imported modules and Python's memory."""

import json
import sys
from typing import Any

import js
import pyodide_js  # type: ignore[import-not-found]  # created from JavaScript at run time
from workers import Response, WorkerEntrypoint

import entry


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer as the Worker does, except on three paths."""
        path = request.js_object.url.rpartition("/")[2]
        if path == "modules":
            return Response(json.dumps(sorted(sys.modules)))
        if path == "heap":
            return js.Response.new(pyodide_js._module.HEAPU8.slice())  # noqa: SLF001 - as below
        if path == "memory":
            return Response(json.dumps(pyodide_js._module.HEAPU8.length))  # noqa: SLF001 - there is no public interface
        return await entry.Default(self.ctx, self.env).fetch(request)
