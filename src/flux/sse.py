"""Server-sent events (HTML Living Standard, 9.2).

There are no `id:` and `retry:` fields: openai-python remembers the last id, and would treat a following comment as an
event.
"""

from typing import Any

from flux.text import Text, join, write_json

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",  # prevents nginx from buffering the stream
}

PING = ": ping\n\n"
"""A comment, which parsers ignore. It keeps connections through proxies open."""

DONE = "data: [DONE]\n\n"
"""The end of a stream, as OpenAI marks it."""


def event(data: Any, name: str | None = None) -> Text:
    """One event with `data` as JSON, which never contains a line break."""
    return join(f"event: {name}\n" if name else "", "data: ", write_json(data), "\n\n")
