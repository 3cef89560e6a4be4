"""Serves the stand-in on 127.0.0.1, checks permissions, injects faults, and records all requests."""

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from dev.cloudflare.account import Account, Refused
from dev.cloudflare.api import ACCOUNT_ROUTES, ROUTES, STEPS, Request, Result, Route, Token

BASE = "/client/v4"
POLL_SECONDS = 0.05
"""Longest time to stop."""


class Call(NamedTuple):
    """A request and its outcome."""

    step: str
    """`METHOD path` of its route, or the path itself if no route matches."""
    status: int
    """0 if the connection was closed instead."""


class Fault(NamedTuple):
    """What a step answers instead of its normal result."""

    status: int
    """0 closes the connection without an answer."""
    code: int
    message: str
    is_done: bool
    """Whether the step is carried out nevertheless, so that only its answer is lost."""


class StandIn:
    """A running stand-in for the API of one account. A context manager."""

    def __init__(self, account: Account | None = None, *, port: int = 0) -> None:
        self.account = account or Account()
        self.token = Token()
        """The accepted token. Replace it to test one with fewer permissions."""
        self.calls: list[Call] = []
        """In the order in which they were answered."""
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make wrangler use this account."""
        return {
            "CLOUDFLARE_API_BASE_URL": f"http://127.0.0.1:{self._server.server_port}{BASE}",
            "CLOUDFLARE_API_TOKEN": self.token.value,
        }

    def fail(
        self,
        step: str,
        status: int = 500,
        code: int = 10013,
        message: str = "An unknown error has occurred. Please try again.",
        *,
        times: int = 1,
        is_done: bool = False,
    ) -> None:
        """Make the next requests of a step fail, such as `PUT /workers/scripts/{name}`; 0 closes the connection."""
        if step not in STEPS:
            raise ValueError(f"there is no step {step!r}, only: {', '.join(STEPS)}")
        self._faults.setdefault(step, []).extend([Fault(status, code, message, is_done)] * times)

    def mend(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def steps(self) -> list[str]:
        """The names of the calls."""
        return [call.step for call in self.calls]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> tuple[int, bytes] | None:
        """The status and body of the answer; None closes the connection."""
        with self._lock:
            step = request.path
            try:
                route, request = self._find(request)
                step = route.step
                status, body = self._answer(route, request)
            except Refused as refused:
                error = {"code": refused.code, "message": refused.message}
                status, body = refused.status, _envelope(Result(None), [error])
            self.calls.append(Call(step, status))
            return (status, body) if status else None

    def _find(self, request: Request) -> tuple[Route, Request]:
        inside = f"/accounts/{self.account.id}/"
        path = request.path
        if path.startswith("/accounts/") and not path.startswith(inside):
            raise Refused(403, 10000, "Authentication error")
        routes, path = (ACCOUNT_ROUTES, path[len(inside) - 1 :]) if path.startswith(inside) else (ROUTES, path)
        for route in routes:
            arguments = route.match(request.method, path)
            if arguments is not None:
                return route, replace(request, arguments={key: unquote(value) for key, value in arguments.items()})
        raise Refused(404, 7000, f"No route for that URI: the stand-in does not know {request.method} {path}.")

    def _answer(self, route: Route, request: Request) -> tuple[int, bytes]:
        self._authorize(route, request)
        faults = self._faults.get(route.step)
        fault = faults.pop(0) if faults else None
        if fault and fault.is_done:
            route.handler(self.account, request)
        if fault and not fault.status:
            return 0, b""
        if fault:
            raise Refused(fault.status, fault.code, fault.message)
        result = route.handler(self.account, request)
        return result.status, _envelope(result)

    def _authorize(self, route: Route, request: Request) -> None:
        if route.step == "POST /workers/assets/upload":  # uses the token of its session
            return
        if request.bearer != self.token.value:
            raise Refused(403, 9109, "Invalid access token")
        if not self.token.may(route):
            raise Refused(403, 10000, "Authentication error")


def _envelope(result: Result, errors: list[dict[str, Any]] | None = None) -> bytes:
    body: dict[str, Any] = {"success": not errors, "errors": errors or [], "messages": [], "result": result.result}
    if result.info:
        body["result_info"] = result.info
    return json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    stand_in: ClassVar[StandIn]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing: `StandIn.calls` is the record."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, query = url.path.removeprefix(BASE), dict(parse_qsl(url.query))
        answered = self.stand_in.answer(Request(self.command, path, query, headers, self._body()))
        if answered is None:
            self.close_connection = True
            return
        status, body = answered
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815 - names required by http.server

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


def serve(stand_in: StandIn) -> None:
    """Print requests until Ctrl-C."""
    shown = 0
    while True:
        for call in stand_in.calls[shown:]:
            print(call.status or "hung up", call.step, flush=True)
            shown += 1
        time.sleep(0.1)
