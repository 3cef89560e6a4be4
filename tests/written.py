"""Bodies as other platforms write them."""

import json
from collections.abc import Callable
from typing import Any


def as_php(value: Any) -> str:
    """`json_encode`: slashes are escaped."""
    return json.dumps(value).replace("/", r"\/")


def as_dotnet(value: Any) -> str:
    """`System.Text.Json`: what might be HTML is escaped."""
    return json.dumps(value).translate({ord(c): f"\\u{ord(c):04X}" for c in "+<>&'`"})


def as_gson(value: Any) -> str:
    """Java's Gson: what might be HTML is escaped, in lower case."""
    return json.dumps(value).translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&='"})


def as_utf8(value: Any) -> str:
    """JavaScript's and Go's: letters stay what they are."""
    return json.dumps(value, ensure_ascii=False)


def as_python(value: Any) -> str:
    """`json.dumps`: ASCII."""
    return json.dumps(value)


JSON: dict[str, Callable[[Any], str]] = {
    "Python": as_python,
    "JavaScript": as_utf8,
    "PHP": as_php,
    ".NET": as_dotnet,
    "Java": as_gson,
}
"""Writers of JSON, by platform."""
