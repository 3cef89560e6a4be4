"""A request's body, counted while it is read, with its pictures left in JavaScript."""

import re
from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from flux.edge.js_bytes import Bytes, from_base64, js_object
from flux.errors import InvalidRequest, RequestTooLarge
from flux.http import MAX_TEXT, Document, Form
from flux.text import clean

SMALL = 64 * 1024
"""Bytes of JSON that are sooner read than searched for pictures."""
LARGE = 4096
"""Bytes of a text that is worth a look whether it is a picture."""
MAX_PROBES = 2 * MAX_TEXT // LARGE
"""Places looked at in search of pictures, enough for all that may be text: what comes after them is text too."""

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
            return Document(str(await js.Response.new(body).text()), _decode)
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
        _within_text(js.Blob.new(values.filter(js.Object.isFrozen)))  # texts are, files are not
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
                raise _too_large(limit)
            return self._js_request.body, size
        pieces, size = js.Array.new(), 0
        if isinstance(self._js_request.body, JsProxy):
            reader = self._js_request.body.getReader()
            while not (part := await reader.read()).done:
                size += part.value.byteLength
                if size > limit:
                    await reader.cancel()
                    raise _too_large(limit)
                pieces.push(part.value)
        return js.Blob.new(pieces), size


async def _apart(body: Any) -> Document:
    """The document of a body's bytes, with marks where the base64 of its pictures stood.

    A text of more than `LARGE` bytes cannot hide between two places that are so far apart, so no others are looked at.
    """
    rest, pictures = js.Array.new(), dict[str, Bytes | None]()
    kept = place = 0
    for _ in range(MAX_PROBES):
        place += LARGE
        start, end = body.lastIndexOf(_QUOTE, place), body.indexOf(_QUOTE, place)
        if end < 0:
            break
        if end - start <= LARGE:
            continue
        place = end
        if found := _DATA_URL.match(body.subarray(start, start + 64).to_bytes()):
            base64 = start + found.end()
            mark = f"#{end}"  # no base64, so it means this picture or, where a caller wrote it, none
            pictures[mark] = await _decoded(body.subarray(base64, end))
            rest.push(body.subarray(kept, base64), mark)
            kept = end
    rest.push(body.subarray(kept))
    text = js.Blob.new(rest)
    _within_text(text)

    async def decode(base64: str) -> Bytes:
        return pictures.get(base64) or from_base64(base64)

    return Document(str(await text.text()), decode)


async def _decode(base64: str) -> Bytes:
    return from_base64(base64)


_QUOTE = ord('"')
_DATA_URL = re.compile(rb'"data:[^"]*;base64,')


async def _decoded(base64: Any) -> Bytes | None:
    r"""The bytes of base64 in a JSON string, itself as bytes; None where it is none.

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
    except JsException:
        return None
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


def _within_text(text: Any) -> None:
    """Refuse a `Blob` of more text than we read."""
    if text.size > MAX_TEXT:
        raise RequestTooLarge(f"The body is too large: at most {MAX_TEXT // 1024} KiB beside its pictures.")


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The body is too large: at most {limit // 1024} KiB.")
