"""The MCP server as JSON Schema: the envelope of JSON-RPC. `tools/list` describes the tools."""

import json
from typing import Any

from dev.description.refusals import KEY, headers, references
from dev.description.schemas import JPEG, an_object, ref
from flux.endpoints.mcp import protocol
from flux.endpoints.mcp.protocol import INVALID_PARAMS, LEGACY, MODERN
from flux.endpoints.mcp.tools import TOOLS

Json = dict[str, Any]

_ID: Json = {"type": ["string", "integer"], "description": "Without one it is a notification: 202 and no body."}
_VERSION: Json = {"const": "2.0"}
_LINK = f"https://HOST/image/{KEY}"
_PROGRESS_SCHEMA: Json = an_object(
    {"jsonrpc": _VERSION, "method": {"const": "notifications/progress"}, "params": {"type": "object"}}
)

SCHEMAS: Json = {
    "RpcRequest": an_object(
        {
            "jsonrpc": _VERSION,
            "id": _ID,
            "method": {
                "type": "string",
                "description": "`tools/list` and `tools/call`; also `server/discover`, or in the older revisions "
                "`initialize` and `ping`.",
            },
            "params": {"type": ["object", "null"]},
        },
        ("jsonrpc", "method"),
    ),
    "RpcResult": an_object({"jsonrpc": _VERSION, "id": _ID, "result": {"type": "object"}}),
    "RpcError": an_object(
        {
            "jsonrpc": _VERSION,
            "id": {"type": ["string", "integer", "null"], "description": "null where it could not be read."},
            "error": an_object(
                {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {"type": "object"}},
                ("code", "message"),
            ),
        },
        examples=[
            {"jsonrpc": "2.0", "id": 1, "error": {"code": INVALID_PARAMS, "message": "There is no tool 'paint' here."}}
        ],
    ),
    "RpcEvent": an_object(
        {
            "event": {"const": "message"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"anyOf": [_PROGRESS_SCHEMA, ref("RpcResult")]},
            },
        }
    ),
}


def _request(method: str, **params: Any) -> Json:
    return {"value": {"jsonrpc": "2.0", "id": 1, "method": method, **({"params": params} if params else {})}}


_DRAWN: Json = {
    "jsonrpc": "2.0",
    "id": 1,
    "result": {
        "content": [
            {"type": "image", "data": JPEG, "mimeType": "image/jpeg"},
            {"type": "resource_link", "uri": _LINK, "name": KEY, "mimeType": "image/jpeg", "size": 81234},
            {"type": "text", "text": f"{_LINK} (768x512 JPEG). The link expires in 30 minutes."},
        ]
    },
}


_PROGRESS = protocol.progress("t", 1, "flux-1-schnell is drawing.")


def _error(description: str) -> Json:
    content = {"application/json": {"schema": ref("RpcError")}}
    return {"description": description, "headers": headers("server-timing"), "content": content}


PATH: Json = {
    "post": {
        "operationId": "callMcp",
        "tags": ["MCP"],
        "summary": "A remote MCP server",
        "description": f"Streamable HTTP, revisions {', '.join((*MODERN, *LEGACY))}, without sessions; `GET` and "
        f"`DELETE` answer 405. Tools: {', '.join(f'`{name}`' for name in TOOLS)}. A tool that fails has a result with "
        "`isError` and a sentence. Revision "
        f"{MODERN[0]} needs the headers `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": ref("RpcRequest"),
                    "examples": {
                        "tools": _request("tools/list"),
                        "draw": _request(
                            "tools/call", name="draw", arguments={"prompt": "A cat", "aspect_ratio": "3:2"}
                        ),
                    },
                }
            },
        },
        "responses": {
            "200": {
                "description": "The result, or the error of a request of an older revision; streamed to who accepts "
                "`text/event-stream` and sends a `progressToken`.",
                "headers": headers("server-timing"),
                "content": {
                    "application/json": {
                        "schema": {"anyOf": [ref("RpcResult"), ref("RpcError")]},
                        "examples": {"drawn": {"value": _DRAWN}},
                    },
                    "text/event-stream": {
                        "schema": ref("RpcEvent"),
                        "examples": {"progress": {"value": {"event": "message", "data": json.dumps(_PROGRESS)}}},
                    },
                },
            },
            "202": {"description": "A notification was taken.", "headers": headers("server-timing")},
            "400": _error("The message is none, or breaks a rule of its revision."),
            "404": _error("There is no such method (revision 2026-07-28)."),
            **references(
                {"401": "Unauthorized", "408": "TooSlow", "413": "TooLarge", "500": "Misconfigured", "503": "Closed"}
            ),
        },
    }
}
"""The path item of `/mcp`."""
