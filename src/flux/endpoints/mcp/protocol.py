"""The Model Context Protocol over HTTP: JSON-RPC 2.0 messages, and how the protocol's two eras differ.

The specification is in the repository `modelcontextprotocol/modelcontextprotocol`. The modern era (revision 2026-07-28)
is stateless: every request states its version. Older revisions begin with `initialize`, but nothing of it has to be
remembered here.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flux import VERSION
from flux.text import MAX_QUOTED, Text, clean, read_json, write_json

Json = dict[str, Any]
Id = str | int | float

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Newest first. 2025-03-26 is the first revision with this transport."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

_MODERN_STATUSES = {METHOD_NOT_FOUND: 404}
"""HTTP statuses of errors; 400 for all others."""
_LEGACY_STATUSES = {PARSE_ERROR: 400, INVALID_REQUEST: 400}
"""HTTP statuses of errors; 200 for all others, because older clients treat other statuses as a failed connection."""

_PREFIX = "io.modelcontextprotocol/"
_VERSION, _CAPABILITIES = f"{_PREFIX}protocolVersion", f"{_PREFIX}clientCapabilities"
"""What `_meta` must contain in the modern era."""

SERVER = {"name": "flux-image-api", "title": "FLUX Image API", "version": VERSION}
"""`Implementation`."""
CACHED = {"ttlMs": 3_600_000, "cacheScope": "public"}
"""Caching of results that change only with a new deployment."""


class RpcError(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, *, id: Id | None = None, data: Json | None = None) -> None:
        """`id` is set if the message was not parsed completely."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id
        self.data = data


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification if it has no id."""

    method: str = ""
    id: Id | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    modern: bool = False

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the client says about the request."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}

    @property
    def progress_token(self) -> Id | None:
        """The token for progress notifications; None if the client does not want any."""
        token = self.meta.get("progressToken")
        return token if _is_id(token) else None


# --- incoming messages ----------------------------------------------------------------------------


def read(text: str) -> Any:
    """The JSON of a body. Raises `RpcError`."""
    try:
        return read_json(text)
    except ValueError as error:
        raise RpcError(PARSE_ERROR, f"The body {error}.") from error


def message(value: object, headers: Mapping[str, str]) -> Message:
    """The message in a body, in either era, not yet checked. Raises `RpcError`."""
    if isinstance(value, list):
        raise RpcError(INVALID_REQUEST, "Batches are not supported: send each message in a request of its own.")
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or not isinstance(value.get("method"), str):
        raise RpcError(INVALID_REQUEST, "The body must be one JSON-RPC 2.0 message with a 'method'.")
    if "id" in value and not _is_id(value["id"]):
        raise RpcError(INVALID_REQUEST, "'id' must be a string or a whole number.")
    params = value.get("params")
    if not isinstance(params, dict | None):
        raise RpcError(INVALID_REQUEST, "'params' must be an object.", id=value.get("id"))
    found = Message(value["method"], value.get("id"), params or {})
    return Message(found.method, found.id, found.params, _is_modern(found, headers))


def _is_id(value: object) -> bool:
    """Whether a value is a valid id that can be repeated."""
    if isinstance(value, float):
        return value.is_integer()  # JSON does not distinguish 2 from 2.0
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and clean(value) == value
    )


def _is_modern(asked: Message, headers: Mapping[str, str]) -> bool:
    version = _header(headers, "mcp-protocol-version")
    return _VERSION in asked.meta or (version != "" and version not in LEGACY)


def check(asked: Message, headers: Mapping[str, str]) -> None:
    """Check a request of the modern era against its rules. Raises `RpcError`."""
    if not asked.modern:
        return
    for name in (_VERSION, _CAPABILITIES):
        kind = str if name == _VERSION else dict
        if not isinstance(asked.meta.get(name), kind):
            raise RpcError(INVALID_PARAMS, f"'params._meta' must hold '{name}'.")
    version = asked.meta[_VERSION]
    _agree(headers, "MCP-Protocol-Version", version)
    _agree(headers, "Mcp-Method", asked.method)
    if asked.method == "tools/call":
        _agree(headers, "Mcp-Name", asked.params.get("name"))
    if version not in MODERN:
        raise RpcError(
            UNSUPPORTED_VERSION,
            "This version of the protocol is not served with each request: use one of those under 'supported'.",
            data={"supported": [*MODERN, *LEGACY], "requested": clean(version[:MAX_QUOTED])},
        )


def _agree(headers: Mapping[str, str], name: str, said: object) -> None:
    if _decoded(_header(headers, name.lower())) != said:
        raise RpcError(HEADER_MISMATCH, f"The header '{name}' must match the body.")


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").strip()


_BASE64 = ("=?base64?", "?=")


def _decoded(header: str) -> str | None:
    """The value of a header, which is in base64 if it is not plain ASCII; None if the base64 is malformed."""
    start, end = _BASE64
    if not (header.startswith(start) and header.endswith(end)):
        return header
    try:
        return binascii.a2b_base64(header[len(start) : -len(end)], strict_mode=True).decode()
    except ValueError:
        return None


# --- outgoing messages ----------------------------------------------------------------------------


def result(asked: Message, value: Json) -> Json:
    """The response with a result."""
    if asked.modern:
        value = {"resultType": "complete", **value, "_meta": {f"{_PREFIX}serverInfo": SERVER}}
    return {"jsonrpc": "2.0", "id": asked.id, "result": value}


def error(asked: Message, failure: RpcError) -> tuple[int, Text]:
    """The HTTP status and the response of an error."""
    statuses, usual = (_MODERN_STATUSES, 400) if asked.modern else (_LEGACY_STATUSES, 200)
    said: Json = {"code": failure.code, "message": failure.message}
    if failure.data:
        said["data"] = failure.data
    id = failure.id if asked.id is None else asked.id
    return statuses.get(failure.code, usual), write_json({"jsonrpc": "2.0", "id": id, "error": said})


# --- methods other than tool calls ----------------------------------------------------------------

CAPABILITIES: Json = {"tools": {}}


def discover(instructions: str) -> Json:
    """`DiscoverResult`."""
    return {
        "supportedVersions": [*MODERN, *LEGACY],
        "capabilities": CAPABILITIES,
        "instructions": instructions,
        **CACHED,
    }


def initialize(asked: Message, instructions: str) -> Json:
    """`InitializeResult`, with the client's version, or the newest of the legacy era if that is not supported."""
    wanted = asked.params.get("protocolVersion")
    return {
        "protocolVersion": wanted if wanted in LEGACY else LEGACY[0],
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": instructions,
    }


def progress(token: Id, number: int, said: str) -> Json:
    """A progress notification; `number` increases with each one."""
    params = {"progressToken": token, "progress": number, "message": said}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
