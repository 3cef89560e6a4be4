"""Bytes that stay in JavaScript."""

import json
from typing import Any, cast

import js
from pyodide.ffi import JsException

from flux.text import Blob


class Bytes:
    """A `flux.text.Blob` over a `Uint8Array`."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.size: int = array.length

    def read(self, start: int, length: int) -> bytes:
        """Copied into Python."""
        copied: bytes = self.array.subarray(start, start + length).to_bytes()
        return copied


def array_of(blob: Blob) -> Any:
    """The `Uint8Array` of a blob; the edge gives the core no others."""
    return cast("Bytes", blob).array


def from_base64(text: str) -> Bytes:
    """Raises `ValueError` where the text is no base64."""
    try:
        return Bytes(js.Uint8Array.fromBase64(text))
    except JsException as error:
        raise ValueError("no base64") from error


def base64_in_array(array: Any) -> Any:
    """A JavaScript array that holds a `Uint8Array`'s base64 text."""
    return result_in_array(array.toBase64.bind(array))


def result_in_array(function: Any) -> Any:
    """A JavaScript array that holds what a function without arguments returns.

    Called from here, its text would come to Python and be copied there. A getter's does not: the
    values of an object are collected in JavaScript.
    """
    getter = js_object({"enumerable": True})
    getter.get = function
    return js.Object.values(js.Object.defineProperty(js.Object.new(), "text", getter))


def js_object(value: dict[str, Any]) -> Any:
    """A JavaScript object of a JSON value. One string crosses the border, however much is in it."""
    return js.JSON.parse(json.dumps(value))
