"""The floor plan: which path leads where, and what every answer wears.

Authentication, CORS, the error shape, the request id and the log line are put on here, once, so
that no handler can forget them.
"""

import asyncio
import hashlib
import hmac
import json
import os
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from flux.call import Call, Services
from flux.endpoints import chat, health, images, models, pictures
from flux.errors import (
    ApiError,
    ApiKeyNotConfigured,
    InternalError,
    InvalidApiKey,
    MethodNotAllowed,
    NotFound,
)
from flux.http import Request, Response, Stream, begun
from flux.text import Spliced, Text, write_json
from flux.trace import Trace

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One path and what answers there. A path that ends in `/` takes the rest as its argument."""

    path: str
    methods: Mapping[str, Handler]
    protected: bool = True

    @property
    def allow(self) -> str:
        """For the `Allow` header."""
        head = ("HEAD",) if "GET" in self.methods else ()
        return ", ".join((*self.methods, *head, "OPTIONS"))


async def _static(call: Call) -> Response:
    """The page and the description are assets: only a deployment without them comes here."""
    raise NotFound("This deployment was made without its static files.")


API = (
    Route("/models", {"GET": models.list_all}),
    Route("/models/", {"GET": models.retrieve}),
    Route("/chat/completions", {"POST": chat.complete}),
    Route("/images/generations", {"POST": images.generate}),
    Route("/images/edits", {"POST": images.edit}),
)
"""Each answers at `/v1` and without it."""

OPEN = (
    Route("/", {"GET": _static}, protected=False),
    Route("/openapi.json", {"GET": _static}, protected=False),
    Route("/health", {"GET": health.show}, protected=False),
    Route("/image/", {"GET": pictures.show}, protected=False),
)

ROUTES = {route.path: route for route in OPEN + API} | {f"/v1{route.path}": route for route in API}
PREFIXES = tuple(path for path in ROUTES if path.endswith("/") and path != "/")

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-request-id, retry-after, x-should-retry, server-timing",
}
PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-max-age": "86400",
    "vary": "Access-Control-Request-Headers",
}
CLIENT_LEFT = 499
"""For the log alone, as nginx writes it: nobody was there to be answered."""
DEFAULT_ALLOWED_HEADERS = "authorization, content-type, api-key"


@dataclass(frozen=True, slots=True)
class App:
    """The service: `Request` in, `Response` out. Made once, shared by all requests."""

    services: Services
    api_keys: tuple[str, ...]
    log: Callable[[str], None]
    _digests: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_digests", tuple(map(_digest, self.api_keys)))

    async def __call__(self, request: Request) -> Response:
        """Answer. Never raises, but for cancellation."""
        trace = Trace(os.urandom(12).hex())
        trace.facts |= {"method": request.method[:16], "route": "none"}
        try:
            response = await self._answer(request, trace)
        except asyncio.CancelledError:
            self._log(CLIENT_LEFT, trace)
            raise
        except ApiError as error:
            trace.failed(error)
            response = _refusal(error, request)
        except Exception:  # noqa: BLE001 - outermost: a bug of ours ends here, told in the log alone
            response = _refusal(self._bug(trace), request)
        return await self._dressed(request, response, trace)

    # --- one way through ------------------------------------------------------------------------

    async def _answer(self, request: Request, trace: Trace) -> Response:
        if request.method == "OPTIONS":
            wanted = request.headers.get("access-control-request-headers", "")
            allowed = wanted if _is_header_list(wanted) else DEFAULT_ALLOWED_HEADERS
            return Response(204, {**PREFLIGHT, "access-control-allow-headers": allowed})
        route, argument = _find(request.path)
        trace.facts["route"] = route.path
        handler = route.methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise MethodNotAllowed(f"Use one of: {route.allow}.", headers={"allow": route.allow})
        digest = ""
        if route.protected:
            digest = self._authenticated(request)
            if self.services.problem:
                raise self.services.problem
        return await handler(Call(request, self.services, trace, digest, argument))

    def _authenticated(self, request: Request) -> str:
        """The digest of the key that was sent, if it is one of ours.

        Digests are compared, all of them and each in constant time, so that neither a key's
        length nor its place in the list shows.
        """
        if not self._digests:
            raise ApiKeyNotConfigured(
                "This deployment has no API key yet. Its owner sets one with: npx wrangler secret put API_KEY"
            )
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        digest = _digest(bearer or request.headers.get("api-key", "").strip())
        known = [hmac.compare_digest(digest, ours) for ours in self._digests]
        if not any(known):
            raise InvalidApiKey(
                "Wrong or missing API key. Send it as 'Authorization: Bearer KEY'.",
                headers={"www-authenticate": "Bearer"},
            )
        return digest.hex()

    # --- what every answer wears ----------------------------------------------------------------

    async def _dressed(self, request: Request, response: Response, trace: Trace) -> Response:
        headers = {
            **CORS,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-request-id": trace.request_id,
        }
        body = response.body
        if isinstance(body, str | Spliced):
            headers["content-type"] = "application/json; charset=utf-8"
        if isinstance(body, AsyncGenerator):
            body = await begun(self._followed(body, response, trace))
        else:
            headers["server-timing"] = trace.server_timing()
            self._log(response.status, trace)
        if request.method == "HEAD":
            if isinstance(body, str):
                headers["content-length"] = str(len(body.encode()))
            body = None
        return Response(response.status, headers | response.headers, body)

    async def _followed(self, stream: Stream, response: Response, trace: Trace) -> Stream:
        """The stream with its log line at the end, and what goes wrong in the middle told in band."""
        status = response.status
        try:
            yield ""
            async for text in stream:
                yield text
        except ApiError as error:
            trace.failed(error)
            yield _told(response, error)
        except Exception:  # noqa: BLE001 - outermost, as in __call__
            yield _told(response, self._bug(trace))
        except (GeneratorExit, asyncio.CancelledError):
            status = CLIENT_LEFT
            raise
        finally:
            await stream.aclose()
            self._log(status, trace)

    def _bug(self, trace: Trace) -> InternalError:
        trace.facts |= {"error": InternalError.code, "traceback": traceback.format_exc(limit=-8)}
        return InternalError(f"Something went wrong on our side. Tell us the request id {trace.request_id}.")

    def _log(self, status: int, trace: Trace) -> None:
        """One JSON line a request, for Workers Logs."""
        steps = {name: round(value) for name, value in trace.steps.items()}
        line = {
            "request_id": trace.request_id,
            "status": status,
            **trace.facts,
            "ms": {**steps, "total": round(trace.total)},
        }
        self.log(json.dumps(line, ensure_ascii=False))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _refusal(error: ApiError, request: Request) -> Response:
    # Stainless, which makes OpenAI's SDKs, counts their retries in this header.
    retried = bool(error.should_retry) and request.headers.get("x-stainless-retry-count", "0") not in ("", "0")
    return Response(error.status, error.headers(already_retried=retried), write_json(error.body()))


def _told(response: Response, error: ApiError) -> Text:
    return response.failure(error) if response.failure else ""


def _is_header_list(text: str) -> bool:
    """Whether a text is a list of header names (RFC 9110, 5.6.2) and may be said back in a header."""
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~, ") for c in text)


def _find(path: str) -> tuple[Route, str]:
    """The route of a path, and what stands in its variable part.

    A slash too many is forgiven: users type base URLs with one at the end.
    """
    while "//" in path:
        path = path.replace("//", "/")
    path = path.rstrip("/") or "/"
    if route := ROUTES.get(path):
        return route, ""
    for prefix in PREFIXES:
        if path.startswith(prefix):
            return ROUTES[prefix], unquote(path[len(prefix) :])
    raise NotFound("There is nothing here. See /openapi.json for what there is.")
