"""Answers that no picture can be: refused before anything is drawn and paid for."""

from collections.abc import Iterable

from flux.errors import InvalidRequest
from flux.fields import Body

IMAGE_TOOL = "image_generation"
_OPTIONAL = ("", "auto", "none")
"""Choices that leave room for an answer without a call."""


def is_structured(wanted: object) -> bool:
    """Whether a format of the output is a JSON schema to be filled in."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    return isinstance(kind, str) and kind.strip().lower() == "json_schema"


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
    """The refusal of a field that forces a function to be called."""
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
