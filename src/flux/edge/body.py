"""A request's body, counted while it is read, with its pictures left in JavaScript."""

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from flux import embedded
from flux.edge.js_bytes import Bytes, from_base64, js_object
from flux.errors import InvalidRequest
from flux.http import MAX_TEXT, Document, Form, body_too_large, text_too_large
from flux.text import clean

SMALL = 64 * 1024
"""Bytes of JSON that are sooner read than searched for pictures."""

WINDOW = 256 * 1024
"""Bytes of base64 decoded at once."""

MAX_PARTS = 100
"""Of a form: the API knows some twenty names."""


class StreamedBody:
    """`flux.http.Body` over a JavaScript request."""

    def __init__(self, js_request: Any, headers: Mapping[str, str]) -> None:
        self._js_request = js_request
        self._headers = headers

    async def document(self, limit: int = MAX_TEXT) -> Document:
        """See `Body.document`."""
        try:
            body, size = await self._within(limit)
            if size > SMALL:
                return await _apart(await js.Response.new(body).bytes())
            return Document(str(await js.Response.new(body).text()), _from_base64)
        except JsException as error:  # it broke off, or its framing did
            raise InvalidRequest("The body could not be read to its end.", detail=error.message or "") from error

    async def form(self, limit: int) -> Form:
        """See `Body.form`."""
        init = js_object({"headers": {"content-type": self._headers.get("content-type", "")}})
        try:
            form = await js.Response.new((await self._within(limit))[0], init).formData()
        except JsException as error:
            raise InvalidRequest("The body is no valid multipart/form-data.") from error
        values = js.Array.from_(form.values())
        if values.length > MAX_PARTS:
            raise InvalidRequest(f"The form has too many parts: at most {MAX_PARTS}.")
        if js.Blob.new(values.filter(js.Object.isFrozen)).size > MAX_TEXT:  # texts are, files are not
            raise text_too_large()
        fields, files = [], []
        for name, value in form.entries():
            if isinstance(value, str):
                fields.append((clean(name), clean(value)))
            else:
                files.append((clean(name), Bytes(js.Uint8Array.new(await value.arrayBuffer()))))
        return Form(tuple(fields), tuple(files))

    async def _within(self, limit: int) -> tuple[Any, int]:
        """What a `Response` with the body in it can be made of, and its bytes.

        A declared length is held to by HTTP's framing, so such a body needs no counting; one
        without is read piece by piece until it ends or passes the limit.
        """
        declared = self._headers.get("content-length", "")
        if declared.isascii() and declared.isdigit():
            size = int(declared.lstrip("0")[:16] or "0")
            if size > limit:
                raise body_too_large(limit)
            return self._js_request.body, size
        pieces, size = js.Array.new(), 0
        if isinstance(self._js_request.body, JsProxy):
            reader = self._js_request.body.getReader()
            while not (part := await reader.read()).done:
                size += part.value.byteLength
                if size > limit:
                    await reader.cancel()
                    raise body_too_large(limit)
                pieces.push(part.value)
        return js.Blob.new(pieces), size


class _Searchable(Bytes):
    """`flux.embedded.Searchable` over a `Uint8Array`."""

    def find(self, byte: int, start: int, end: int | None = None) -> int:
        """See `Searchable.find`."""
        if end is None:
            return int(self.array.indexOf(byte, start))
        found = int(self.array.subarray(start, end).indexOf(byte))
        return found if found < 0 else start + found


async def _apart(body: Any) -> Document:
    """The document of a body's bytes, with a mark where the base64 of each picture stood."""
    pieces, places, kept = js.Array.new(), dict[str, tuple[int, int]](), 0
    for start, end in embedded.find(_Searchable(body)):
        mark = f"#{start}"  # no base64, so it means this picture or, where a caller wrote it, none
        places[mark] = start, end
        pieces.push(body.subarray(kept, start), mark)
        kept = end
    pieces.push(body.subarray(kept))

    async def decode(base64: str) -> Bytes:
        return await _decoded(body.subarray(*places[base64])) if base64 in places else from_base64(base64)

    return Document(str(await js.Blob.new(pieces).text()), decode)


async def _from_base64(text: str) -> Bytes:
    return from_base64(text)


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
            left_over = js.Reflect.apply(js.Function.prototype.call, js.String.prototype.slice, text.concat(done.read))
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
