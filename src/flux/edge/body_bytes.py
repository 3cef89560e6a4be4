"""A body's bytes, which can be searched without being read into Python."""

from collections.abc import Iterator
from typing import Any

import js
from pyodide.ffi import JsException

from flux.edge.js_bytes import Bytes, js_object, result_in_array

WINDOW = 256 * 1024
"""Bytes processed at once when decoding base64, or when searching a body as text."""
MAX_FALSE = 250
"""Most partial matches before the search switches to a slower method that does not depend on them."""


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

        JavaScript searches an array for one number quickly, but has no search for several in a row. So the bytes are
        searched as an array of wider numbers: wherever the pattern occurs, some part of its end is one such number.
        """
        width = 4 if len(pattern) >= 7 else 2  # noqa: PLR2004 - 7 bytes contain an aligned 4-byte number anywhere
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
        """Like `places`, with JavaScript's search in strings, one character per byte. It is twelve times as slow."""
        decoder = js.TextDecoder.new("latin1")
        index_of, wanted = js.String.prototype.indexOf, pattern.decode("ascii")
        while start < self.size:
            text = result_in_array(decoder.decode.bind(decoder, self.array.subarray(start, start + WINDOW)))
            at = -1
            while (at := js.Reflect.apply(js.Function.prototype.call, index_of, text.concat(wanted, at + 1))) >= 0:
                yield start + int(at)
            start += WINDOW - len(pattern) + 1


async def _decoded(base64: Any) -> Bytes:
    r"""The bytes of base64 in a JSON string, which is given as bytes itself. Raises `ValueError` if it is not base64.

    JSON decodes the escapes: PHP writes `\/` for `/`, .NET writes `\u002B` for `+`, and some writers break lines. This
    is done window by window, because JSON needs six times the memory to turn bytes into a string.
    """
    decoded = js.Uint8Array.new(base64.length * 3 // 4)
    start, size, left_over, escaped = 0, 0, "", base64.includes(ord("\\"))
    try:
        while start < base64.length:
            end = _outside_escapes(base64, start + WINDOW)
            text = await _text(js.Array.of(left_over, base64.subarray(start, end)), escaped=escaped)
            handling = "stop-before-partial" if end < base64.length else "loose"
            options = js_object(lastChunkHandling=handling)
            done = js.Reflect.apply(decoded.setFromBase64, decoded.subarray(size), text.concat(options))
            rest = js.Reflect.apply(js.Function.prototype.call, js.String.prototype.slice, text.concat(done.read))
            left_over = "".join(rest.split())  # at most three characters, and line breaks that JSON had escaped
            start, size = end, size + done.written
    except JsException as error:
        raise ValueError("no base64") from error
    return Bytes(decoded.subarray(0, size))


async def _text(pieces: Any, *, escaped: bool) -> Any:
    """The text of the joined pieces, as the only item of an array.

    If a call returns a promise, Pyodide converts the result to Python. Nesting it in two arrays prevents that.
    `js_bytes.result_in_array` says what the copies cost.
    """
    source, read = js.Blob.new(pieces), js.Blob.prototype.text
    if escaped:
        source, read = js.Response.new(js.Blob.new(js.Array.of('"', source, '"'))), js.Response.prototype.json
    return await js.Promise.all(js.Array.of(source).map(js.Function.prototype.call.bind(read)))


def _outside_escapes(string: Any, end: int) -> int:
    """The end of a part of a JSON string, moved to before an escape that it would split."""
    if end >= string.length:
        return int(string.length)
    escape = string.subarray(end - _ESCAPE, end).to_bytes().rfind(b"\\")
    return end - _ESCAPE + escape if escape >= 0 else end


_ESCAPE = len(r"\u002B")
