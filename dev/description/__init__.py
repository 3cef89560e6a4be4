"""The description of the service in OpenAPI 3.1, from which public/openapi.json is written.

    PYTHONPATH=src .venv/bin/python -m dev.description

Prose and schemas are written here; ranges, sizes, models and error codes are read from the Worker's own tables. Tests
compare the written file with this source, and the running Worker with the file.
"""

import json
from typing import Any

from dev import ROOT
from dev.description import mcp, responses
from dev.description.operations import PATHS, SECURITY, TAGS
from dev.description.prose import INTRODUCTION
from dev.description.refusals import HEADERS, RESPONSES
from dev.description.schemas import SCHEMAS
from flux import VERSION

Json = dict[str, Any]

FILE = ROOT / "public" / "openapi.json"
LINE = 120
"""Longest line, in characters. Values that fit are written in one line."""


def document() -> Json:
    """The description as an OpenAPI object."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FLUX image API",
            "version": VERSION,
            "summary": "OpenAI-compatible images and chat, drawn by Workers AI.",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": "/", "description": "The deployment that serves this document"},
            {"url": "http://localhost:8787", "description": "`make dev`"},
        ],
        "security": [{"bearer": []}, {"api-key": []}],
        "tags": TAGS,
        "paths": PATHS,
        "components": {
            "securitySchemes": SECURITY,
            "headers": HEADERS,
            "responses": RESPONSES,
            "schemas": SCHEMAS | responses.SCHEMAS | mcp.SCHEMAS,
        },
    }


def text() -> str:
    """The file's text."""
    return _pretty(document()) + "\n"


def _pretty(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON that is broken into lines only if it does not fit into one: half as long as with `indent=2`.

    `before` is the number of characters that precede it in its line.
    """
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + before + len(line) < LINE:
        return line
    deeper = f"{indent}  "
    if isinstance(value, dict):
        keys = [f"{json.dumps(key)}: " for key in value]
        items = [key + _pretty(item, deeper, len(key)) for key, item in zip(keys, value.values(), strict=True)]
    else:
        items = [_pretty(item, deeper) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inside = f",\n{deeper}".join(items)
    return f"{opening}\n{deeper}{inside}\n{indent}{closing}"
