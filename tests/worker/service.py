"""The Worker under test as callers see it, and the records of what it did: its log and the stand-in's ledger."""

import hashlib
import io
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx
from PIL import Image

from dev.serve import Server

KEY = "test-key"
PATIENCE_SECONDS = 120
"""Longest wait before a test fails: far more than an idle machine needs."""

SCHNELL = "@cf/black-forest-labs/flux-1-schnell"

_T = TypeVar("_T")


def unique(text: str) -> str:
    """A unique prompt, by which its calls can be found in the ledger."""
    return f"{text} {secrets.token_hex(4)}"


def eventually(look: Callable[[], _T]) -> _T:
    """The result of `look` as soon as it is truthy, or its last result after the longest wait."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


# --- the service ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Service:
    """A running Worker and its key."""

    server: Server
    http: httpx.Client
    """A client that calls the Worker with the key."""

    @property
    def url(self) -> str:
        """The Worker's address, without a slash at the end."""
        return self.server.url

    def chat(self, prompt: str, **fields: object) -> httpx.Response:
        """Send a chat request with one user message."""
        return self.http.post("/v1/chat/completions", json=chat_body(prompt, **fields))

    def generate(self, prompt: str, **fields: object) -> httpx.Response:
        """Send an Images API request."""
        return self.http.post("/v1/images/generations", json={"prompt": prompt, **fields})

    def log(self) -> str:
        """What the Worker and wrangler have printed so far."""
        return self.server.log_path.read_text(errors="replace")

    def log_lines(self) -> list[dict[str, Any]]:
        """The service's own log lines, one per request."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith('{"request_id"')]

    def log_line(self, response: httpx.Response) -> dict[str, Any]:
        """The log line of the request with this response."""
        wanted = response.headers["x-request-id"]
        [line] = eventually(lambda: [line for line in self.log_lines() if line["request_id"] == wanted])
        return line


class Start(Protocol):
    """Starts a Worker with another configuration in addition to the shared one, until the block ends."""

    def __call__(
        self,
        *,
        vars: Mapping[str, object] | None = None,
        changes: Mapping[str, object] | None = None,
        key: str = KEY,
    ) -> AbstractContextManager[Service]:
        """`vars` are those besides `API_KEY`; `changes` is as in `dev.serve.start`; an empty `key` configures none."""


def chat_body(prompt: str, **fields: object) -> dict[str, object]:
    """The body of a chat request with one user message."""
    return {"model": "flux", "messages": [{"role": "user", "content": prompt}], **fields}


def content(response: httpx.Response) -> str:
    """The text of a chat answer."""
    assert response.status_code == 200, response.text
    return str(response.json()["choices"][0]["message"]["content"])


def events(text: str) -> list[str]:
    """The data of each event of a stream, without comments."""
    return re.findall(r"^data: (.*)$", text, re.MULTILINE)


def deltas(stream: str) -> str:
    """The text of a streamed chat answer."""
    chunks = [json.loads(data) for data in events(stream) if data != "[DONE]"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))


def links(text: str) -> list[str]:
    """The URLs of the Markdown pictures in a text."""
    return re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error in a response, which must have everything that all errors have."""
    assert response.status_code >= 400, response.text
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]
    assert response.headers["content-type"].startswith("application/json")
    body = response.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    assert isinstance(error["type"], str)
    assert isinstance(error["code"], str)
    return error


# --- pictures -------------------------------------------------------------------------------------


def fetched(url: str) -> tuple[Any, httpx.Response]:
    """The picture behind a link, decoded. It is opened without a key, as by an `<img>`."""
    response = httpx.get(url, timeout=PATIENCE_SECONDS)
    assert response.status_code == 200, response.text
    picture = decoded(response.content)
    assert response.headers["content-type"] == picture.get_format_mimetype()
    return picture, response


def decoded(data: bytes) -> Any:
    """The picture in the bytes. Raises Pillow's exception if they are not a complete picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def comment(picture: Any) -> dict[str, Any]:
    """The stand-in's comment in a picture that was not changed (dev/ai/README.md)."""
    found = picture.info.get("comment") or picture.info["Comment"]
    read: dict[str, Any] = json.loads(found)
    return read


SQUARES, SQUARE = 8, 16


def shows(picture: Any, prompt: str, drawn: tuple[int, int] = (1024, 1024)) -> bool:
    """Whether a picture is for this prompt, according to the emblem, which cropping keeps.

    `drawn` is the size at which the picture was drawn, before it was cropped.
    """
    square = SQUARE * max(picture.width / drawn[0], picture.height / drawn[1])
    grey = picture.convert("L")
    bits = 0
    for place in range(SQUARES**2):
        row, column = divmod(place, SQUARES)
        x = picture.width / 2 + (column - SQUARES / 2 + 0.5) * square
        y = picture.height / 2 + (row - SQUARES / 2 + 0.5) * square
        bits = bits << 1 | (grey.getpixel((round(x), round(y))) > 127)
    return bits.to_bytes(SQUARES) == hashlib.sha256(prompt.encode()).digest()[:SQUARES]


# --- the ledger -----------------------------------------------------------------------------------


class Ledger:
    """The calls that reached Workers AI, as listed by the stand-in."""

    def __init__(self, url: str) -> None:
        self._url = url

    def calls(self, prompt: str, model: str = "") -> list[dict[str, Any]]:
        """The calls whose prompt and model contain these texts, oldest first."""
        answer = httpx.get(f"{self._url}/calls", params={"prompt": prompt, "model": model}, timeout=PATIENCE_SECONDS)
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls

    def count(self) -> int:
        """The number of calls so far."""
        return int(httpx.get(f"{self._url}/calls", params={"limit": 0}, timeout=PATIENCE_SECONDS).json()["count"])

    def outcomes(self, prompt: str, model: str = "") -> list[str]:
        """The outcome of each of these calls."""
        return [call["outcome"] for call in self.calls(prompt, model)]
