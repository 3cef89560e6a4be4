"""Server-sent events (HTML Living Standard, 9.2): one event <-> its text.

No `id:` and no `retry:` fields: openai-python keeps the last id and would take a comment that
follows for an event of its own.
"""

from typing import Any

from flux.text import Text, join, write_json

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",  # nginx in front would collect the stream otherwise
}

PING = ": ping\n\n"
"""A comment: keeps proxies and timers awake, and every parser passes it over."""

DONE = "data: [DONE]\n\n"
"""OpenAI's end of a stream."""


def event(data: Any, name: str | None = None) -> Text:
    """One event with `data` as JSON, which never holds a line break."""
    return join(f"event: {name}\n" if name else "", "data: ", write_json(data), "\n\n")
