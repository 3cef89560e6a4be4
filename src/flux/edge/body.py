"""Reads a request's body, counts its bytes, and leaves its pictures in JavaScript."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from flux import embedded, forms
from flux.edge.body_bytes import BodyBytes
from flux.edge.js_bytes import Bytes, from_base64
from flux.errors import InvalidRequest
from flux.http import IDLE_SECONDS, MAX_TEXT, MIB, Document, Form, body_timeout, body_too_large, marked
from flux.time_limit import time_limit

SMALL = 64 * 1024
"""Bytes of JSON that are read directly, which is faster than searching them for pictures. Also the first allocation for
a body of unknown length."""

MAX_DISCARDED = 8 * MIB
"""Most bytes of a refused body that are read and discarded."""
DISCARD_SECONDS = 5
"""Longest time for that."""
SILENT_SECONDS = 0.5
"""If no byte arrives for this long, the client is not sending: it waits for the response first."""


class StreamedBody:
    """`flux.http.Body` over a JavaScript request."""

    def __init__(self, js_request: Any, headers: Mapping[str, str]) -> None:
        self._js_request = js_request
        self._headers = headers
        self._reader: Any = None
        self._may_come = True
        """Whether there may be unread bytes."""

    async def document(self, limit: int = MAX_TEXT) -> Document:
        """See `Body.document`."""
        body = await self._bytes(limit)
        return await _document(body) if body.size > SMALL else Document(body.text("utf-8"), _from_base64)

    async def form(self, limit: int) -> Form:
        """See `Body.form`."""
        return forms.read(await self._bytes(limit), self._headers.get("content-type", ""), _from_base64)

    async def discard(self) -> None:
        """Read and discard the rest, so that an error reaches a client that is still sending.

        workerd closes the connection if a response leaves much of the body unread, and the client then sees only the
        closed connection. The bytes are read into the same memory again and again, outside Python.
        """
        if not self._may_come or not self._open():
            return
        # If the body breaks off or takes too long, the response is sent anyway.
        with suppress(JsException, TimeoutError):
            with time_limit(SILENT_SECONDS):
                part = await self._reader.read(js.Uint8Array.new(1))
            memory, discarded = js.ArrayBuffer.new(MIB), 0
            with time_limit(DISCARD_SECONDS):
                while not part.done and discarded < MAX_DISCARDED:
                    part = await self._reader.readAtLeast(MIB, js.Uint8Array.new(memory))
                    memory = part.value.buffer
                    discarded += part.value.byteLength

    async def _bytes(self, limit: int) -> BodyBytes:
        """The whole body. Raises `RequestTooLarge`, `RequestTimeout`, or `InvalidRequest` if it breaks off."""
        size = self._declared()
        if size is not None and size > limit:
            raise body_too_large(limit)
        try:
            return BodyBytes(await self._read(size, limit) if self._open() else js.Uint8Array.new(0))
        except TimeoutError as error:
            self._may_come = False
            raise body_timeout() from error
        except JsException as error:  # the body or its framing broke off
            self._may_come = False
            raise InvalidRequest("The body could not be read to its end.", detail=error.message or "") from error

    def _declared(self) -> int | None:
        """The number of bytes in the Content-Length header, which HTTP's framing enforces."""
        declared = self._headers.get("content-length", "")
        return int(declared.lstrip("0")[:16] or "0") if declared.isascii() and declared.isdigit() else None

    def _open(self) -> bool:
        """Open the body's reader, which reads into given memory whatever has arrived. False if there is no body."""
        if self._reader is None and isinstance(self._js_request.body, JsProxy):
            self._reader = self._js_request.body.getReader(mode="byob")
        return self._reader is not None

    async def _read(self, size: int | None, limit: int) -> Any:
        """The body as a `Uint8Array`, of this size if it is known."""
        memory, read = js.ArrayBuffer.new(SMALL if size is None else size), 0
        with time_limit(IDLE_SECONDS) as idle:
            while read != size:
                if read:
                    idle.restart()
                if read == memory.byteLength:
                    memory = memory.transfer(min(2 * read, limit + 1))
                part = await self._reader.read(js.Uint8Array.new(memory, read))
                memory = part.value.buffer
                if part.done:
                    break
                read += part.value.byteLength
                if read > limit:
                    raise body_too_large(limit)
        self._may_come = False
        return js.Uint8Array.new(memory if read == memory.byteLength else memory.transfer(read))


async def _document(body: BodyBytes) -> Document:
    """The document in a body, with a mark in place of each picture's base64."""
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
