"""Answers that no picture can be: refused before anything is drawn and paid for."""

from collections.abc import Iterable

from flux.errors import InvalidRequest
from flux.fields import Body

IMAGE_TOOL = "image_generation"
_CHOICES = frozenset(("auto", "none"))


def refuse_others(body: Body, *, structured: str | None) -> None:
    """Refuse a structured output and a call of a tool that is not for pictures.

    `structured` is the field that asks for an output in a JSON schema. Raises `InvalidRequest`.
    """
    if structured:
        raise InvalidRequest(
            "This service answers with pictures and cannot fill in a JSON schema: leave the schema out, or use a "
            "text model for this request.",
            param=structured,
        )
    choice = body.get("tool_choice")
    if isinstance(choice, str) and choice not in _CHOICES:
        _require_image_tool(body.get("tools"))
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", choice)
        if isinstance(allowed, dict) and allowed.get("mode") == "required":
            _require_image_tool(allowed.get("tools"))
    elif isinstance(choice, dict):
        _require_image_tool([choice])


def _require_image_tool(tools: object) -> None:
    if not any(isinstance(tool, dict) and tool.get("type") == IMAGE_TOOL for tool in _items(tools)):
        raise InvalidRequest(
            "This service draws pictures and calls no functions: leave 'tool_choice' out or set it to 'auto', or use "
            "a text model for this request.",
            param="tool_choice",
        )


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()
