"""The requests to the Workers, sent by load.mjs in a separate process."""

import json
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from bench import BENCH
from bench.runtime import API_KEY, Process
from dev import NODE_MODULES

SETTLE_SECONDS = 0.03
"""Between the last answer and the reading of the clock, so that the Worker can finish its work."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request and its expected status."""

    name: str
    method: str
    path: str
    body: str | None = None
    authorized: bool = True
    declared: int = 0
    """Bytes of body that are announced but not sent."""
    status: int = 200

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that a client sends."""
        headers = {"host": "bench.example"}
        if self.authorized:
            headers["authorization"] = f"Bearer {API_KEY}"
        if self.body is not None:
            headers |= {"content-type": "application/json", "content-length": str(len(self.body))}
        return headers


def generation(kilobytes: int, *, stream: bool = False, milliseconds: int = 0) -> Request:
    """A picture of that size through the chat endpoint, for which the model takes that long."""
    later = f" after {milliseconds} ms" if milliseconds else ""
    body = {"messages": [{"role": "user", "content": f"A picture of {kilobytes} KB{later}"}], "stream": stream}
    name = f"generate {kilobytes} KB{later}{', streamed' if stream else ''}"
    return Request(name, "POST", "/v1/chat/completions", json.dumps(body))


def cut(kilobytes: int) -> Request:
    """A picture through the chat endpoint that Images crops to another size."""
    body = {"messages": [{"role": "user", "content": f"A picture of {kilobytes} KB"}], "size": "768x512"}
    return Request(f"generate {kilobytes} KB, cut", "POST", "/v1/chat/completions", json.dumps(body))


def tool(kilobytes: int) -> Request:
    """A picture through the tool of the MCP server, with a preview made by Images."""
    params = {"name": "draw", "arguments": {"prompt": f"A picture of {kilobytes} KB"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return Request(f"tool that draws {kilobytes} KB", "POST", "/mcp", json.dumps(body))


def image(kilobytes: int) -> Request:
    """A picture through the Images API, answered with a link and the picture itself."""
    body = {"prompt": f"A picture of {kilobytes} KB"}
    return Request(f"image of {kilobytes} KB, linked and whole", "POST", "/v1/images/generations", json.dumps(body))


def response(kilobytes: int) -> Request:
    """A picture through the Responses API, answered with a link and the picture itself."""
    body = {"model": "gpt-6-astra", "input": f"A picture of {kilobytes} KB"}
    return Request(f"response with {kilobytes} KB", "POST", "/v1/responses", json.dumps(body))


CONNECTIONS = 8
"""Open connections. Each sends its next request after the answer to the previous one."""

REFUSALS = (
    Request("refuse 401", "GET", "/v1/models", authorized=False, status=401),
    Request("refuse 404", "GET", "/nothing", status=404),
    Request("refuse 405", "DELETE", "/v1/models", status=405),
    Request("refuse 413", "POST", "/v1/chat/completions", declared=32 * 1024 * 1024, status=413),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurements of one round of requests."""

    cpu: float
    """User and system time of the runtime's process, in milliseconds per request."""
    stand_ins: float
    """The same for the stand-ins' process: measured, but not included in `cpu`."""
    rate: float
    """Requests per second."""
    latencies: tuple[float, ...]
    """In milliseconds."""
    last: str
    """The body of the last answer, if it is text."""
    timing: str
    """The `Server-Timing` of the last answer."""


class Load:
    """The load generator. As a context manager it is stopped at the end."""

    def __init__(self, stand_ins: Process) -> None:
        self._stand_ins = stand_ins
        self._node = subprocess.Popen(
            [NODE_MODULES / ".bin" / "node", BENCH / "load.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask, self._answers = cast("IO[str]", self._node.stdin), cast("IO[str]", self._node.stdout)

    def send(self, worker: Process, request: Request, *, requests: int, connections: int = CONNECTIONS) -> Sample:
        """Send one round. Raises `RuntimeError` if an answer has an unexpected status."""
        before, before_stand_ins = worker.cpu, self._stand_ins.cpu
        found = self._run(worker.socket, request, requests, connections)
        time.sleep(SETTLE_SECONDS)
        if set(found["statuses"]) != {str(request.status)}:
            raise RuntimeError(
                f"{worker.folder.name}, {request.name}: answered {found['statuses']} {found['last'][:300]}"
            )
        return Sample(
            cpu=(worker.cpu - before) / requests * 1000,
            stand_ins=(self._stand_ins.cpu - before_stand_ins) / requests * 1000,
            rate=requests / found["seconds"],
            latencies=tuple(found["latencies"]),
            last=found["last"],
            timing=found["timing"],
        )

    def _run(self, socket: Path, request: Request, requests: int, connections: int) -> dict[str, Any]:
        job = {
            "socket": str(socket),
            "method": request.method,
            "path": request.path,
            "headers": dict(request.headers),
            "body": request.body,
            "declared": request.declared,
            "connections": connections,
            "requests": requests,
        }
        self._ask.write(f"{json.dumps(job)}\n")
        self._ask.flush()
        found: dict[str, Any] = json.loads(self._answers.readline())
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._node.kill()
        self._node.wait()


def picture_path(answer: str) -> str:
    """The path of the picture that a chat answer links to."""
    found = re.search(r"/image/[\w.-]+", answer)
    if found is None:
        raise RuntimeError(f"no picture in {answer[:300]}")
    return found[0]
