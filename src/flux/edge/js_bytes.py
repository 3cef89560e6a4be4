"""Bytes in JavaScript's memory."""

from typing import Any, cast

import js
from pyodide.ffi import JsException

from flux.ports import Inputs
from flux.text import Blob


class Bytes:
    """A `flux.text.Blob` over a `Uint8Array`."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.size: int = array.length

    def read(self, start: int, length: int) -> bytes:
        """The bytes, copied into Python."""
        copied: bytes = self.array.subarray(start, start + length).to_bytes()
        return copied


def array_of(blob: Blob) -> Any:
    """The `Uint8Array` of a blob. All blobs in the core come from the edge, so this is their type."""
    return cast("Bytes", blob).array


def from_base64(text: str) -> Bytes:
    """Decode base64. Raises `ValueError` if the text is not base64."""
    try:
        return Bytes(js.Uint8Array.fromBase64(text))
    except JsException as error:
        raise ValueError("no base64") from error


def base64_in_array(array: Any) -> Any:
    """A JavaScript array that contains the base64 text of a `Uint8Array`."""
    return result_in_array(array.toBase64.bind(array))


def result_in_array(function: Any) -> Any:
    """A JavaScript array that contains the result of a function without arguments.

    If Python called the function, its text would be copied into Python. As a getter it is called by JavaScript, when
    the values of the object are collected. Measured for the base64 of 1 MB (`bench.crossings`): 0.1 ms, with the copies
    7.5 ms.
    """
    getter = js_object(enumerable=True, get=function)
    return js.Object.values(js.Object.defineProperty(js_object(), "text", getter))


def js_object(**properties: Any) -> Any:
    """A JavaScript object. Properties are strings, numbers, booleans or JavaScript objects.

    Pyodide makes an object from keyword arguments. Measured for two properties (`bench.crossings`): 5 us, by JSON
    19 us. A function that takes its options last can be called with keyword arguments directly.
    """
    return js.Object.new(**properties)


FIRST_BIG_INT = 2**53 - 1
"""Pyodide makes a `BigInt` of whole numbers from here on."""


def inputs_object(inputs: Inputs) -> Any:
    """A model's inputs as a JavaScript object, with numbers that JSON can contain: it has none for a `BigInt`."""
    return js_object(
        **{name: float(one) if isinstance(one, int) and one >= FIRST_BIG_INT else one for name, one in inputs.items()}
    )
