"""The paths and their operations."""

import json
from typing import Any

from dev.description import mcp, responses
from dev.description.refusals import KEY, ROWS, drawing, headers, protected, references
from dev.description.schemas import COMPLETION_ID, CONTENT, CREATED, JPEG, MODEL, PNG_URL, ref
from flux import catalog, settings, upstream
from flux.endpoints.chat.respond import FINGERPRINT
from flux.endpoints.models import model_object
from flux.picture import EXTENSIONS
from flux.words import LANGUAGES

Json = dict[str, Any]

TAGS = [
    {"name": "Images", "description": "OpenAI's Images API."},
    {"name": "Chat", "description": "A picture as the answer of a chat."},
    {"name": "Responses", "description": "OpenAI's Responses API."},
    {"name": "MCP", "description": "Tools for agents and chat apps: the Model Context Protocol."},
    {"name": "Models", "description": "What can draw."},
    {"name": "Pictures", "description": "What was drawn."},
    {"name": "Service", "description": "The deployment itself."},
]
SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "One of the deployment's keys (`API_KEY`)."},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key", "description": "The same key, Azure's way."},
}
_OPEN: list[Json] = []


def _json(schema: Json, **examples: Any) -> Json:
    """A JSON body with named examples."""
    told = {"examples": {name: {"value": value} for name, value in examples.items()}} if examples else {}
    return {"application/json": {"schema": schema, **told}}


def _answer(description: str, content: Json, *names: str) -> Json:
    return {"description": description, "headers": headers("server-timing", *names), "content": content}


_SPENT = ("x-cost-neurons", "x-cost-dollars", "x-budget-remaining-neurons")
"""Headers of operations that draw."""


def _user(content: Any, **fields: Any) -> Json:
    return {"messages": [{"role": "user", "content": content}], **fields}


_CHAT_EXAMPLES = {
    "simple": _user("A cute cat 3:2", model=MODEL),
    "streamed": _user("A cute cat", size="16:9", stream=True, stream_options={"include_usage": True}),
    "beside the text": _user("A cute cat", modalities=["image", "text"]),
    "edit": _user(
        [{"type": "text", "text": "Give it a hat"}, {"type": "image_url", "image_url": {"url": PNG_URL}}],
        model=catalog.DEFAULT_EDIT_MODEL,
    ),
}
_GENERATION_EXAMPLES = {
    "simple": {"prompt": "A cute cat"},
    "every choice": {
        "prompt": "A cute cat",
        "model": "@cf/leonardo/phoenix-1.0",
        "n": 2,
        "size": "768x512",
        "quality": "high",
        "seed": 7,
        "negative_prompt": "dogs",
        "response_format": "url",
        "output_format": "webp",
        "output_compression": 80,
    },
    "streamed": {"prompt": "A cute cat", "n": 2, "stream": True, "response_format": "b64_json"},
}
_EDIT_EXAMPLES = {"simple": {"prompt": "Give it a hat", "images": [{"image_url": PNG_URL}]}}

_IMAGE_USAGE = {
    "total_tokens": 387,
    "input_tokens": 3,
    "output_tokens": 384,
    "input_tokens_details": {"text_tokens": 3, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 384},
    "cost_neurons": 57.6,
    "cost_dollars": 0.000634,
}


def _completed(kind: str) -> Json:
    data = {
        "type": kind,
        "b64_json": JPEG,
        "created_at": CREATED,
        "background": "opaque",
        "output_format": "jpeg",
        "quality": "medium",
        "size": "768x512",
        "usage": _IMAGE_USAGE,
    }
    return {"event": kind, "data": data}


def _warnings(kind: str) -> Json:
    failed = LANGUAGES["en"].some_failed.removeprefix("⚠️ ").format(1, 2, upstream.timed_out().message)
    return {"event": kind, "data": {"type": kind, "created_at": CREATED, "warnings": [failed]}}


def _chunk(delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    head = {
        "id": COMPLETION_ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    return {"data": {**head, "choices": [choice]}}


_DONE: Json = {"end": {"data": "[DONE]"}}


def _streamed(schema: str, end: Json = _DONE, **events: Json) -> Json:
    """A stream: the schema of one event, and named example events in order."""
    told = {name: {**event, "data": json.dumps(event["data"], ensure_ascii=False)} for name, event in events.items()}
    examples = {name: {"value": event} for name, event in (told | end).items()}
    return {"text/event-stream": {"schema": ref(schema), "examples": examples}}


_MODEL_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "An id, percent-encoded or not, or one of its short names.",
    "schema": {"type": "string"},
    "examples": {
        "id": {"value": MODEL},
        "short": {"value": MODEL.rsplit("/", 1)[1]},
    },
}
_PICTURE = [
    {
        "name": "key",
        "in": "path",
        "required": True,
        "description": "As in the link that an answer gave.",
        "schema": {"type": "string"},
        "example": KEY,
    },
    {
        "name": "download",
        "in": "query",
        "allowEmptyValue": True,
        "description": "Present: the browser saves the picture instead of showing it.",
        "schema": {"type": "string"},
    },
    {"name": "if-none-match", "in": "header", "schema": {"type": "string"}, "description": "Entity tags."},
]
_PICTURE_HEADERS = ("etag", "cache-control", "content-disposition")
_SHOWN = {
    "description": "The picture, of the type that it is.",
    "headers": headers("server-timing", "content-length", *_PICTURE_HEADERS),
}
_UNCHANGED = {
    "description": "The caller has it already.",
    "headers": headers("server-timing", *_PICTURE_HEADERS),
}
_GONE = {"description": "There is no such picture, or it has expired.", "headers": headers("server-timing")}
_PICTURE_FAILED = references({"500": "ServerError", "503": "StorageUnavailable"})


PATHS: Json = {
    "/v1/images/generations": {
        "post": {
            "operationId": "createImage",
            "tags": ["Images"],
            "summary": "Draw pictures from a prompt",
            "requestBody": {
                "required": True,
                "content": _json(ref("ImageRequest"), **_GENERATION_EXAMPLES),
            },
            "responses": {
                "200": _answer(
                    "The pictures; streamed with `stream`.",
                    {
                        **_json(ref("Images")),
                        **_streamed(
                            "ImageEvent",
                            picture=_completed("image_generation.completed"),
                            warnings=_warnings("image_generation.warnings"),
                        ),
                    },
                    *_SPENT,
                ),
                **drawing(),
            },
        }
    },
    "/v1/images/edits": {
        "post": {
            "operationId": "createImageEdit",
            "tags": ["Images"],
            "summary": "Draw pictures from a prompt and pictures",
            "description": "Without `model` the deployment's own is used if it takes pictures, else "
            f"`{catalog.DEFAULT_EDIT_MODEL}`.",
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": ref("ImageEditForm"),
                        "encoding": {"image": {"contentType": ", ".join(EXTENSIONS)}},
                    },
                    **_json(ref("ImageEditRequest"), **_EDIT_EXAMPLES),
                },
            },
            "responses": {
                "200": _answer(
                    "The pictures; streamed with `stream`.",
                    {
                        **_json(ref("Images")),
                        **_streamed(
                            "ImageEditEvent",
                            picture=_completed("image_edit.completed"),
                            warnings=_warnings("image_edit.warnings"),
                        ),
                    },
                    *_SPENT,
                ),
                **drawing(),
            },
        }
    },
    "/v1/chat/completions": {
        "post": {
            "operationId": "createChatCompletion",
            "tags": ["Chat"],
            "summary": "Draw what the last message says",
            "description": "The end of the prompt may hold directives: see the introduction.",
            "requestBody": {
                "required": True,
                "content": _json(ref("ChatRequest"), **_CHAT_EXAMPLES),
            },
            "responses": {
                "200": _answer(
                    "The answer; streamed with `stream`.",
                    {
                        **_json(ref("ChatCompletion")),
                        **_streamed(
                            "ChatEvent",
                            role=_chunk({"role": "assistant", "content": ""}),
                            text=_chunk({"content": CONTENT}),
                            finish=_chunk({}, "stop"),
                        ),
                    },
                    *_SPENT,
                ),
                **drawing(),
            },
        }
    },
    "/v1/responses": {
        "post": {
            "operationId": "createResponse",
            "tags": ["Responses"],
            "summary": "Draw what the last message says",
            "description": "With an `image_generation` tool or without one. Nothing is kept but the pictures: an id "
            "below this path answers 404.",
            "requestBody": {"required": True, "content": _json(ref("ResponsesRequest"), **responses.EXAMPLES)},
            "responses": {
                "200": _answer(
                    "The response; streamed with `stream`.",
                    {
                        **_json(ref("Response")),
                        **_streamed("ResponseEvent", end={}, **responses.STREAMED),
                    },
                    *_SPENT,
                ),
                **drawing(),
            },
        }
    },
    "/mcp": mcp.PATH,
    "/v1/models": {
        "get": {
            "operationId": "listModels",
            "tags": ["Models"],
            "summary": "Every model and what it can do",
            "responses": {
                "200": _answer(
                    "The models.",
                    _json(
                        ref("Models"),
                        shortened={
                            "object": "list",
                            "data": [model_object(catalog.MODELS[catalog.DEFAULT_MODEL], settings.read({}))],
                        },
                    ),
                ),
                **protected(),
            },
        }
    },
    "/v1/usage": {
        "get": {
            "operationId": "retrieveUsage",
            "tags": ["Service"],
            "summary": "What was spent and what is left",
            "description": "By the key that is sent, today (UTC) and in the last 31 days, and by the whole deployment.",
            "responses": {
                "200": _answer("The figures.", _json(ref("Usage"))),
                **protected(),
                **references({"503": "LedgerUnavailable"}),
            },
        }
    },
    "/v1/models/{id}": {
        "parameters": [_MODEL_ID],
        "get": {
            "operationId": "retrieveModel",
            "tags": ["Models"],
            "summary": "One model",
            "responses": {
                "200": _answer("The model.", _json(ref("Model"))),
                **protected(),
                **references({"404": "UnknownModel"}),
            },
        },
    },
    "/image/{key}": {
        "parameters": _PICTURE,
        "get": {
            "operationId": "showPicture",
            "tags": ["Pictures"],
            "summary": "A stored picture",
            "security": _OPEN,
            "responses": {
                "200": {**_SHOWN, "content": {mime: {} for mime in EXTENSIONS}},
                "304": _UNCHANGED,
                "404": {
                    **_GONE,
                    "description": f"{_GONE['description']} A small picture that says so where `Accept` begins with "
                    "`image/`, as an `<img>` sends it.",
                    "content": {
                        **_json(
                            ref("Error"), **{code: ROWS[code].error.body() for code in ("not_found", "picture_expired")}
                        ),
                        "image/svg+xml": {},
                    },
                },
                **_PICTURE_FAILED,
            },
        },
        "head": {
            "operationId": "checkPicture",
            "tags": ["Pictures"],
            "summary": "Whether a picture is still there",
            "security": _OPEN,
            "responses": {"200": _SHOWN, "304": _UNCHANGED, "404": _GONE, **_PICTURE_FAILED},
        },
    },
    "/health": {
        "get": {
            "operationId": "checkHealth",
            "tags": ["Service"],
            "summary": "What the deployment has and what it lacks",
            "security": _OPEN,
            "responses": {
                "200": _answer("The checks, also where the service is degraded.", _json(ref("Health"))),
                **references({"500": "ServerError"}),
            },
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "describe",
            "tags": ["Service"],
            "summary": "This document",
            "security": _OPEN,
            "responses": {"200": {"description": "OpenAPI 3.1.", "content": _json({"type": "object"})}},
        }
    },
    "/docs": {
        "get": {
            "operationId": "read",
            "tags": ["Service"],
            "summary": "This document as a page",
            "security": _OPEN,
            "responses": {"200": {"description": "The page.", "content": {"text/html": {}}}},
        }
    },
    "/": {
        "get": {
            "operationId": "welcome",
            "tags": ["Service"],
            "summary": "A page to try it on",
            "security": _OPEN,
            "responses": {"200": {"description": "The page.", "content": {"text/html": {}}}},
        }
    },
}
