"""A body's bytes, looked through without being read."""

from collections.abc import Iterator
from typing import Any

import js
from pyodide.ffi import JsException

from flux.edge.js_bytes import Bytes, js_object, result_in_array

WINDOW = 256 * 1024
"""Bytes of base64 decoded at once, and of a body that is searched as a text."""
MAX_FALSE = 250
"""Places that hold a part of what is searched and not all of it, before the search takes the way that minds none."""


class BodyBytes(Bytes):
    """`flux.http.Searchable` over a `Uint8Array`."""

    def slice(self, start: int, end: int) -> "BodyBytes":
        """See `Searchable.slice`."""
        return BodyBytes(self.array.subarray(start, end))

    def text(self, charset: str) -> str:
        """See `Searchable.text`."""
        try:
            decoder = js.TextDecoder.new(charset)
        except JsException:
            decoder = js.TextDecoder.new()
        return str(decoder.decode(self.array))

    async def from_base64(self) -> Bytes:
        """See `Searchable.from_base64`."""
        return await _decoded(self.array)

    def find(self, byte: int, start: int, end: int | None = None) -> int:
        """See `Searchable.find`."""
        if end is None:
            return int(self.array.indexOf(byte, start))
        found = int(self.array.subarray(start, end).indexOf(byte))
        return found if found < 0 else start + found

    def places(self, pattern: bytes) -> Iterator[int]:
        """See `Searchable.places`.

        JavaScript finds a number in an array fast, and several in a row not at all. So the array is searched as one of
        wider numbers: wherever the pattern stands, one of the numbers that its end can hold is in the array.
        """
        width = 4 if len(pattern) >= 7 else 2  # noqa: PLR2004 - two numbers less one byte: every alignment holds one
        kind = js.Uint32Array if width == 4 else js.Uint16Array  # noqa: PLR2004
        array = self.array if self.array.byteOffset % width == 0 else self.array.slice()
        numbers = kind.new(array.buffer, array.byteOffset, self.size // width)
        ends = range(len(pattern) - 2 * width + 1, len(pattern) - width + 1)
        wanted = {at: int.from_bytes(pattern[at : at + width], "little") for at in ends}
        next_index = {at: int(numbers.indexOf(number)) for at, number in wanted.items()}
        false = 0
        while hits := [(index * width - at, at) for at, index in next_index.items() if index >= 0]:
            place, at = min(hits)
            if place >= 0 and self.read(place, len(pattern)) == pattern:
                yield place
            else:
                false += 1
                if false > MAX_FALSE:
                    yield from self._places_in_text(pattern, max(0, place))
                    return
            next_index[at] = int(numbers.indexOf(wanted[at], next_index[at] + 1))

    def _places_in_text(self, pattern: bytes, start: int) -> Iterator[int]:
        """As `places`, by JavaScript's search in texts, whose characters are bytes: twelve times as slow."""
        decoder = js.TextDecoder.new("latin1")
        index_of, wanted = js.String.prototype.indexOf, pattern.decode("ascii")
        while start < self.size:
            text = result_in_array(decoder.decode.bind(decoder, self.array.subarray(start, start + WINDOW)))
            at = -1
            while (at := js.Reflect.apply(js.Function.prototype.call, index_of, text.concat(wanted, at + 1))) >= 0:
                yield start + int(at)
            start += WINDOW - len(pattern) + 1


async def _decoded(base64: Any) -> Bytes:
    r"""The bytes of base64 in a JSON string, itself as bytes. Raises `ValueError` where it is none.

    Escapes are left to JSON: PHP writes `\/` for `/`, .NET `\u002B` for `+`, and some break lines. Window by window,
    as JSON's way from bytes to a string takes six times their memory.
    """
    decoded = js.Uint8Array.new(base64.length * 3 // 4)
    start, size, left_over, escaped = 0, 0, "", base64.includes(ord("\\"))
    try:
        while start < base64.length:
            end = _outside_escapes(base64, start + WINDOW)
            text = await _text(js.Array.of(left_over, base64.subarray(start, end)), escaped=escaped)
            handling = "stop-before-partial" if end < base64.length else "loose"
            options = js_object({"lastChunkHandling": handling})
            done = js.Reflect.apply(decoded.setFromBase64, decoded.subarray(size), text.concat(options))
            rest = js.Reflect.apply(js.Function.prototype.call, js.String.prototype.slice, text.concat(done.read))
            left_over = "".join(rest.split())  # up to three characters, with line breaks that JSON would have escaped
            start, size = end, size + done.written
    except JsException as error:
        raise ValueError("no base64") from error
    return Bytes(decoded.subarray(0, size))


async def _text(pieces: Any, *, escaped: bool) -> Any:
    """The text that the pieces are together, the one item of an array.

    A promise that a call returns is Python's at once, and so is what it brings. Two arrays hide both.
    """
    source, read = js.Blob.new(pieces), js.Blob.prototype.text
    if escaped:
        source, read = js.Response.new(js.Blob.new(js.Array.of('"', source, '"'))), js.Response.prototype.json
    return await js.Promise.all(js.Array.of(source).map(js.Function.prototype.call.bind(read)))


def _outside_escapes(string: Any, end: int) -> int:
    """The end of a part of a JSON string, moved to before the escape that it might break."""
    if end >= string.length:
        return int(string.length)
    escape = string.subarray(end - _ESCAPE, end).to_bytes().rfind(b"\\")
    return end - _ESCAPE + escape if escape >= 0 else end


_ESCAPE = len(r"\u002B")
