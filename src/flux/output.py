"""Refuses requests whose answer cannot be a picture, before anything is drawn and paid for."""

from collections.abc import Iterable

from flux.errors import InvalidRequest
from flux.fields import Body

IMAGE_TOOL = "image_generation"
_OPTIONAL = ("", "auto", "none")
"""Values of `tool_choice` that allow an answer without a call."""


def is_structured(wanted: object) -> bool:
    """Whether an output format is a JSON schema to fill in."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    return isinstance(kind, str) and kind.strip().lower() == "json_schema"


def refuse_others(body: Body, *, structured: str | None) -> None:
    """Refuse structured output, and forced calls of tools other than the image tool.

    `structured` is the field that requests output in a JSON schema. Raises `InvalidRequest`.
    """
    if structured:
        raise InvalidRequest(
            "This service answers with pictures and cannot fill in a JSON schema: leave the schema out, or use a "
            "text model for this request.",
            param=structured,
        )
    choice, tools = body.get("tool_choice"), body.get("tools")
    if isinstance(choice, str):
        if choice.strip().lower() not in _OPTIONAL:
            _require_image_tool(tools)
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", choice)
        if isinstance(allowed, dict) and allowed.get("mode") == "required":
            _require_image_tool(allowed.get("tools"))
    elif choice and isinstance(choice, dict) and choice.get("type") not in _OPTIONAL:
        _require_image_tool([choice])


def no_functions(param: str) -> InvalidRequest:
    """The error for a field that forces a function call."""
    return InvalidRequest(
        f"This service draws pictures and calls no functions: leave '{param}' out or set it to 'auto', or use "
        "a text model for this request.",
        param=param,
    )


def _require_image_tool(tools: object) -> None:
    if not any(isinstance(tool, dict) and tool.get("type") == IMAGE_TOOL for tool in _items(tools)):
        raise no_functions("tool_choice")


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()
