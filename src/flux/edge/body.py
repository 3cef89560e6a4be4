"""A request's body, counted while it is read, with its pictures left in JavaScript."""

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from flux import embedded, forms
from flux.edge.body_bytes import BodyBytes
from flux.edge.js_bytes import Bytes, from_base64
from flux.errors import InvalidRequest
from flux.http import MAX_TEXT, Document, Form, body_too_large, marked

SMALL = 64 * 1024
"""Bytes of JSON that are sooner read than searched for pictures."""


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
                return await _document(BodyBytes(await js.Response.new(body).bytes()))
            return Document(str(await js.Response.new(body).text()), _from_base64)
        except JsException as error:  # it broke off, or its framing did
            raise InvalidRequest("The body could not be read to its end.", detail=error.message or "") from error

    async def form(self, limit: int) -> Form:
        """See `Body.form`."""
        return forms.read(await self._bytes(limit), self._headers.get("content-type", ""), _from_base64)

    async def _bytes(self, limit: int) -> BodyBytes:
        try:
            return BodyBytes(await js.Response.new((await self._within(limit))[0]).bytes())
        except JsException as error:  # it broke off, or its framing did
            raise InvalidRequest("The body could not be read to its end.", detail=error.message or "") from error

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


async def _document(body: BodyBytes) -> Document:
    """The document of a body's bytes, with a mark where the base64 of each picture stood."""
    pieces, places, kept = js.Array.new(), dict[str, tuple[int, int]](), 0
    for start, end in embedded.find(body):
        mark = f"#{start}"
        places[mark] = start, end
        pieces.push(body.array.subarray(kept, start), mark)
        kept = end
    pieces.push(body.array.subarray(kept))
    return Document(str(await js.Blob.new(pieces).text()), marked(body, places, _from_base64))


async def _from_base64(text: str) -> Bytes:
    return from_base64(text)
