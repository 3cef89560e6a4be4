"""The routes, and what all answers have in common.

Authentication, CORS, the error format, the request id and the log line are added here, once, so that no handler can
forget them.
"""

import asyncio
import hashlib
import hmac
import os
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import unquote

from flux import settings
from flux.absent import NoLimiter, NoModel, NoPictureStore, NoResizer, NoRewriter
from flux.call import Call, Configured, Misconfigured, Services
from flux.endpoints import chat, health, images, mcp, models, pictures, responses, usage
from flux.errors import (
    ApiError,
    ApiKeyNotConfigured,
    InternalError,
    InvalidApiKey,
    InvalidConfiguration,
    MethodNotAllowed,
    NotFound,
)
from flux.http import Request, Response, Stream, json
from flux.pipeline import Pipeline
from flux.ports import OpenLedger, Ports
from flux.settings import ApiKey, Settings
from flux.text import Text
from flux.time_limit import share_one_timer
from flux.trace import Trace

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A path and its handlers. If the path ends in `/`, the rest of the request's path is the handler's argument."""

    path: str
    methods: Mapping[str, Handler]
    protected: bool = True
    absent: str = ""
    """Why the path is not served, for every method."""

    @property
    def allow(self) -> str:
        """The value of the `Allow` header."""
        head = ("HEAD",) if "GET" in self.methods else ()
        return ", ".join((*self.methods, *head, "OPTIONS"))


async def _static(call: Call) -> Response:
    """Cloudflare serves the page and the description as assets. A request gets here only if the deployment has none."""
    raise NotFound("This deployment was made without its static files.")


API = (
    Route("/models", {"GET": models.list_all}),
    Route("/models/", {"GET": models.retrieve}),
    Route("/chat/completions", {"POST": chat.complete}),
    Route("/responses", {"POST": responses.create}),
    Route("/responses/", {}, absent="Responses are not kept here: continue one with 'previous_response_id'."),
    Route("/images/generations", {"POST": images.generate}),
    Route("/images/edits", {"POST": images.edit}),
    Route("/usage", {"GET": usage.show}),
)
"""Served with and without `/v1`."""

TOOLS = (Route("/mcp", {"POST": mcp.answer}),)
"""MCP's path has no version in it, but `/v1/mcp` works too."""

OPEN = (
    Route("/", {"GET": _static}, protected=False),
    Route("/openapi.json", {"GET": _static}, protected=False),
    Route("/docs", {"GET": _static}, protected=False),
    Route("/health", {"GET": health.show}, protected=False),
    Route("/image/", {"GET": pictures.show}, protected=False),
)

ROUTES = {route.path: route for route in OPEN + API + TOOLS} | {f"/v1{route.path}": route for route in API + TOOLS}
EXACT = frozenset(path for path in ROUTES if not path.endswith("/"))
PREFIXES = tuple(path for path in ROUTES if path.endswith("/") and path != "/")

BASES = ("/v1", "/api", "/openai", *(route.path for route in API if "POST" in route.methods))
"""Ends of base URLs. Clients may append a whole path to one of them: `/v1/v1/models`, `/api/v1/models`,
`/v1/chat/completions/v1/chat/completions`."""
MAX_BASES = 6
"""How many of them are skipped at the start of a path."""

_ANOTHER_SERVICE = "This service only draws pictures: use another one for {}."
_OPENAI_INSTEAD = "{} is not served here: set the client to OpenAI's API, or to an OpenAI-compatible one."
_NO_FILES = "Files are not stored here: send pictures in the request itself, as data URLs or in a form."
_NO_ASSISTANTS = "Assistants are not served here: use /v1/responses or /v1/chat/completions."
ABSENT: Mapping[str, str] = {
    "/completions": "Use /v1/chat/completions: send the prompt as a user message.",
    "/edits": "Use /v1/images/edits for pictures.",
    "/engines": "Use /v1/chat/completions, with the model's name as 'model'.",
    "/chat": "Use /v1/chat/completions.",
    "/messages": "Anthropic's API is not served here: use /v1/chat/completions in OpenAI's format.",
    "/images/variations": "Variations are not served here: send the picture with a prompt to /v1/images/edits.",
    "/images": "Use /v1/images/generations to draw, /v1/images/edits to edit.",
    "/embeddings": _ANOTHER_SERVICE.format("embeddings"),
    "/audio": _ANOTHER_SERVICE.format("audio"),
    "/realtime": _ANOTHER_SERVICE.format("audio"),
    "/videos": _ANOTHER_SERVICE.format("videos"),
    "/rerank": _ANOTHER_SERVICE.format("ranking"),
    "/moderations": "Use another service for moderation. The models' own safety filter checks every prompt here.",
    "/files": _NO_FILES,
    "/uploads": _NO_FILES,
    "/containers": _NO_FILES,
    "/vector_stores": _NO_FILES,
    "/batches": "Batches are not served here: send each request to its own endpoint.",
    "/fine_tuning": "Models cannot be trained here: GET /v1/models lists those there are.",
    "/evals": "Models cannot be evaluated here: GET /v1/models lists those there are.",
    "/assistants": _NO_ASSISTANTS,
    "/threads": _NO_ASSISTANTS,
    "/conversations": "Conversations are not stored here: send the whole conversation to /v1/responses as 'input'.",
    "/deployments": "Azure's paths are not served here: use a client for OpenAI, and send the model's name as 'model'.",
    "/sse": "Use /mcp: the MCP server speaks Streamable HTTP.",
    "/v1beta": _OPENAI_INSTEAD.format("Gemini's API"),
    "/sdapi": _OPENAI_INSTEAD.format("The API of Stable Diffusion WebUI"),
    **dict.fromkeys(
        ("/api/chat", "/api/generate", "/api/tags", "/api/show", "/api/version"),
        _OPENAI_INSTEAD.format("Ollama's API"),
    ),
}
"""Paths of one or two segments that are not served, with or without `/v1`, including everything below them, and what to
use instead."""

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "x-request-id, retry-after, x-should-retry, server-timing, x-cost-neurons, x-cost-dollars, "
        "x-budget-remaining-neurons"
    ),
}
PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-max-age": "86400",
    "vary": "Access-Control-Request-Headers",
}
CLIENT_LEFT = 499
"""Used only in the log, as by nginx: the client left before it was answered."""
DEFAULT_ALLOWED_HEADERS = "authorization, content-type, api-key"


class App:
    """The service: takes a `Request`, returns a `Response`. Created once and shared by all requests."""

    def __init__(self, services: Services, api_keys: tuple[ApiKey, ...], log: Callable[[str], None]) -> None:
        self.services = services
        self._keys = tuple(
            (_digest(sent), _digest(one.key).hex(), one.name)
            for one in api_keys
            for sent in dict.fromkeys((one.key, one.entry))
        )
        """The digest of an accepted key, the hexadecimal digest of the key it stands for, and that key's name."""
        self._log = log

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Raises nothing but `CancelledError`."""
        share_one_timer()
        trace = Trace(os.urandom(12).hex())
        trace.facts.method, trace.facts.route = request.method[:16], "none"
        try:
            response = await self._answer(request, trace)
        except asyncio.CancelledError:
            self._log(trace.line(CLIENT_LEFT))
            raise
        except ApiError as error:
            trace.failed(error)
            response = _refusal(error, request)
        except Exception:  # noqa: BLE001 - outermost handler: bugs end here, and only the log has the details
            response = _refusal(_bug(trace), request)
        return self._completed(request, response, trace)

    # --- routing and authentication -------------------------------------------------------------

    async def _answer(self, request: Request, trace: Trace) -> Response:
        if request.method == "OPTIONS":
            wanted = request.headers.get("access-control-request-headers", "")
            allowed = wanted if _is_header_list(wanted) else DEFAULT_ALLOWED_HEADERS
            return Response(204, {**PREFLIGHT, "access-control-allow-headers": allowed})
        route, argument = _find(request.path)
        trace.facts.route = route.path
        if route.absent:
            raise NotFound(f"{route.absent} {self._where(request)}")
        handler = route.methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise MethodNotAllowed(f"Use one of: {route.allow}.", headers={"allow": route.allow})
        digest, name = "", ""
        if route.protected:
            digest, name = self._authenticated(request)
            trace.facts.key = name or None
            _ = self.services.configured  # raises if a setting is wrong
        return await handler(Call(request, self.services, trace, digest, name, argument))

    def _where(self, request: Request) -> str:
        configuration = self.services.configuration
        public_url = configuration.settings.public_url if isinstance(configuration, Configured) else None
        base = public_url or request.origin
        return f"The base URL of this API is {base}/v1, and {base}/docs describes it."

    def _authenticated(self, request: Request) -> tuple[str, str]:
        """The hexadecimal digest and the name of the key that was sent. Raises an `ApiError` if it is not valid.

        Every digest is compared, each in constant time, so that timing reveals neither a key's length nor its place in
        the list.
        """
        if not self._keys:
            raise ApiKeyNotConfigured(
                "This deployment has no API key yet. Its owner sets one with: npx wrangler secret put API_KEY"
            )
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        digest = _digest(bearer or request.headers.get("api-key", "").strip())
        known = [(key, name) for sent, key, name in self._keys if hmac.compare_digest(digest, sent)]
        if not known:
            raise InvalidApiKey(
                "Wrong or missing API key. Send it as 'Authorization: Bearer KEY'.",
                headers={"www-authenticate": "Bearer"},
            )
        return known[0]

    # --- what all answers have ------------------------------------------------------------------

    def _completed(self, request: Request, response: Response, trace: Trace) -> Response:
        headers = {
            **CORS,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-request-id": trace.request_id,
        }
        body = response.body
        if isinstance(body, Stream):
            body = self._followed(body, response.status, trace)
        else:
            headers["server-timing"] = trace.server_timing()
            self._log(trace.line(response.status))
        if request.method == "HEAD":
            if isinstance(body, str):
                headers["content-length"] = str(len(body.encode()))
            body = None
        return Response(response.status, headers | response.headers, body)

    def _followed(self, stream: Stream, status: int, trace: Trace) -> Stream:
        """The stream, with its log line written at the end and failures on the way reported inside it."""
        told = False

        async def texts() -> AsyncGenerator[Text, None]:
            nonlocal told
            try:
                async with aclosing(stream.texts) as inner:
                    async for text in inner:
                        yield text
            except ApiError as error:
                trace.failed(error)
                yield stream.failed(error)
            except Exception:  # noqa: BLE001 - outermost, as in __call__
                yield stream.failed(_bug(trace))
            told = True

        def close() -> None:
            stream.close()
            self._log(trace.line(status if told else CLIENT_LEFT))

        return Stream(texts(), stream.failed, close)


def _bug(trace: Trace) -> InternalError:
    trace.facts.error, trace.facts.traceback = InternalError.code, traceback.format_exc(limit=-8)
    return InternalError(
        f"Something went wrong on our side. Give the service's owner the request id {trace.request_id}."
    )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _refusal(error: ApiError, request: Request) -> Response:
    # Stainless, which generates OpenAI's SDKs, counts their retries in this header.
    retried = bool(error.should_retry) and request.headers.get("x-stainless-retry-count", "0") not in ("", "0")
    return json(error.body(), error.status, error.headers(already_retried=retried))


def _is_header_list(text: str) -> bool:
    """Whether a text is a list of header names (RFC 9110, 5.6.2) and safe to repeat in a header."""
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~, ") for c in text)


NOWHERE = Route("none", {}, absent="There is nothing here.")


def _find(path: str) -> tuple[Route, str]:
    """The route for a path, and the variable part of the path.

    Extra slashes are accepted: users type base URLs with a slash at the end. An exact path skips this clean-up.
    """
    readings = (path,) if path in EXACT else tuple(_readings(_tidy(path)))
    for reading in readings:
        if route := ROUTES.get(reading):
            return route, ""
    for reading in readings:
        for prefix in PREFIXES:
            if reading.startswith(prefix):
                return ROUTES[prefix], unquote(reading[len(prefix) :])
    for reading in readings:
        segments = reading.removeprefix("/v1/").removeprefix("/").split("/", 2)
        for start in (f"/{'/'.join(segments[:2])}", f"/{segments[0]}"):
            if instead := ABSENT.get(start):
                return Route(start, {}, absent=instead), ""
    return NOWHERE, ""


def _tidy(path: str) -> str:
    """The path without extra slashes."""
    while "//" in path:
        path = path.replace("//", "/")
    return path.rstrip("/") or "/"


def _readings(path: str) -> Iterator[str]:
    """The path, then what remains of it as one base after another is removed from its start."""
    yield path
    for _ in range(MAX_BASES):
        base = next((base for base in BASES if path.startswith(f"{base}/")), None)
        if base is None:
            return
        path = path.removeprefix(base)
        yield f"/v1{path}"


# --- composition ----------------------------------------------------------------------------------


def compose(variables: Mapping[str, str], ports: Ports, log: Callable[[str], None]) -> App:
    """The service, built from a deployment's variables and ports."""
    api_keys = settings.read_api_keys(variables)
    store = ports.store or NoPictureStore()
    configuration: Configured | Misconfigured
    open_ledger = None
    try:
        chosen = settings.read(variables)
        open_ledger = _ledger(chosen, ports)
    except InvalidConfiguration as wrong:
        configuration = Misconfigured(wrong.variable, wrong.problem)
        said, model, writer, others = wrong.message, "unknown", "unknown", ""
    else:
        drawn_by, rewritten_by = ports.model(chosen), ports.rewriter(chosen)
        pipeline = Pipeline(drawn_by or NoModel(), rewritten_by or NoRewriter(), ports.resizer or NoResizer(), store)
        configuration = Configured(chosen, pipeline)
        said, model, writer = "ok", _present(drawn_by), _present(rewritten_by)
        others = _others(chosen)
    checks = {
        "api_key": _present(api_keys),
        "settings": said,
        "model": model,
        "writer": writer,
        "storage": _present(ports.store),
        "images": _present(ports.resizer),
        "rate_limiter": _present(ports.limiter),
        "ledger": _present(ports.ledger),
    }
    if others:
        checks["partner_models"] = others
    return App(Services(configuration, store, ports.limiter or NoLimiter(), open_ledger, checks), api_keys, log)


def _others(chosen: Settings) -> str:
    """What `/health` says about models of other makers; "" if none is enabled."""
    enabled = chosen.partners.models.values()
    if not enabled:
        return ""
    if not chosen.has_dollar_budget:
        return f"{len(enabled)} enabled, not limited by a budget"
    served = sum(map(chosen.offers, enabled))
    unpriced = len(enabled) - served
    return f"{served} enabled" + (f", {unpriced} more without a known price are not served" if unpriced else "")


def _ledger(chosen: Settings, ports: Ports) -> OpenLedger | None:
    """The ledger, or None if nothing has to be counted. Raises `InvalidConfiguration`."""
    wanted = {
        "DAILY_NEURONS": "neurons" in chosen.limits,
        "KEY_DAILY_NEURONS": "neurons" in chosen.key_limits,
        "DAILY_DOLLARS": "dollars" in chosen.limits,
        "KEY_DAILY_DOLLARS": "dollars" in chosen.key_limits,
        "COUNT_USAGE": chosen.count_usage,
    }
    name = next((name for name, value in wanted.items() if value), None)
    if name and not ports.ledger:
        raise InvalidConfiguration(
            name,
            "needs the LEDGER binding: deploy with [[durable_objects.bindings]] and [[migrations]] of wrangler.toml.",
        )
    return ports.ledger if name else None


def _present(what: object) -> str:
    return "ok" if what else "missing"
