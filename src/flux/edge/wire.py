"""Converts JavaScript's `Request` into ours, and our `Response` into JavaScript's."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import cache
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy
from workers import wait_until

from flux.edge.body import StreamedBody
from flux.edge.js_bytes import Bytes, array_of, base64_in_array, js_object
from flux.http import MIB, Native, Request, Response, Stream
from flux.text import Spliced, Text


def read(js_request: Any) -> Request:
    """The request as a value. Its body is read later."""
    scheme, _, host, *rest = js_request.url.split("/", 3)
    path, _, query = (rest[0] if rest else "").partition("?")
    headers = _Headers(js_request.headers)
    return Request(
        method=js_request.method,
        origin=f"{scheme}//{host}",
        path=f"/{path}",
        query=query,
        headers=headers,
        body=StreamedBody(js_request, headers),
        background=_in_background,
    )


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    """Start work that continues after the response.

    When the client disconnects, the runtime drops pending promises. `waitUntil` gives the work time to end.
    """
    wait_until(asyncio.ensure_future(work))


class _Headers(Mapping[str, str]):
    """Looks up headers one by one: a request has dozens, and a handler reads only a few."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        value = self._headers.get(name)
        if not isinstance(value, str):
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers.keys())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def write(response: Response, js_request: Any) -> Any:
    """The response as JavaScript's `Response`."""
    body: Any = response.body
    if isinstance(body, Spliced):
        size = _size(body)
        body = _blob(body) if size <= LARGE else _in_pieces(body, size, js_request)
    elif isinstance(body, Native):
        body = _of_length(body.value, body.size)
    elif isinstance(body, Stream):
        body = _streamed(body, js_request)
    return js.Response.new(body, status=response.status, headers=js_object(**response.headers))


def _blob(text: Spliced) -> Any:
    """The text as a `Blob`, with pictures in base64 that is never copied into Python."""
    pieces = js.Array.new()
    for piece in text.pieces:
        if isinstance(piece, str):
            pieces.push(piece)
        else:
            pieces = pieces.concat(base64_in_array(array_of(piece)))
    return js.Blob.new(pieces)


def _of_length(stream: Any, length: int) -> Any:
    """The stream with a known length, so that `Content-Length` is sent."""
    return stream.pipeThrough(js.FixedLengthStream.new(length))


LARGE = 4 * MIB
"""A text with more bytes than this is streamed, because it would take three times as many in memory."""
PIECE = 3 * 2**18
"""Bytes of a picture per piece: a multiple of three, so that the joined base64 of all pieces is that of the picture."""


def _size(text: Spliced) -> int:
    """The number of bytes that the text has when sent."""
    return sum(
        len(piece.encode("utf-8", "surrogatepass")) if isinstance(piece, str) else (piece.size + 2) // 3 * 4
        for piece in text.pieces
    )


def _pieces(text: Text) -> Iterator[Text]:
    """The text, split into pieces if it is large."""
    if isinstance(text, str) or _size(text) <= LARGE:
        yield text
        return
    for piece in text.pieces:
        if isinstance(piece, str):
            yield piece
        else:
            array = array_of(piece)
            for start in range(0, piece.size, PIECE):
                yield Spliced((Bytes(array.subarray(start, start + PIECE)),))


def _in_pieces(text: Spliced, size: int, js_request: Any) -> Any:
    """A stream of known length, to which a large text is written as fast as it is read."""

    async def texts() -> AsyncGenerator[Text, None]:
        yield text

    stream = Stream(texts(), failed=lambda _error: "", close=lambda: None)
    return _streamed(stream, js_request, js.FixedLengthStream.new(size))


def _streamed(stream: Stream, js_request: Any, pipe: Any = None) -> Any:
    """A stream to which the texts are written as they come."""
    pipe = pipe or js.IdentityTransformStream.new()
    _in_background(_pump(stream, pipe.writable.getWriter(), js_request.signal))
    return pipe.readable


@contextmanager
def ended_when_the_client_leaves(signal: Any) -> Iterator[None]:
    """Cancel the current task if the client disconnects, which the request's signal reports.

    The runtime only drops the request's pending promises. Without this, the coroutine would stay suspended and keep its
    memory for the lifetime of the isolate.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("nothing to cancel")
    _waiting[task] = signal.js_id
    signal.addEventListener("abort", _listener())
    if signal.aborted:
        task.cancel()
    try:
        yield
    finally:
        del _waiting[task]


_waiting: dict[asyncio.Task[Any], int] = {}
"""The tasks to cancel if their client disconnects, each with the id of its request's signal."""


@cache
def _listener() -> Any:
    """Handles the disconnection of any client. A proxy for each request would cost as much as one more await."""

    def left(event: Any) -> None:
        signal = event.target.js_id
        for task in [task for task, waited_for in _waiting.items() if waited_for == signal]:
            task.cancel()

    return create_proxy(left)


async def _pump(stream: Stream, writer: Any, signal: Any) -> None:
    """Write the texts of a stream as they come, until it ends or its client disconnects.

    Only a failed write means that the client disconnected. A text that cannot be encoded is a bug of ours: the stream
    reports it in its own format and logs it. A stream that is not written to its end is aborted; otherwise its client
    would wait forever.
    """
    is_closed = False
    try:
        with ended_when_the_client_leaves(signal):
            async with aclosing(stream.texts) as texts:
                async for text in texts:
                    if not await _written(text, texts, writer):
                        return
            is_closed = await _succeeds(writer.close())
    except asyncio.CancelledError:
        pass  # the client has disconnected
    finally:
        stream.close()
        if not is_closed:
            await _succeeds(writer.abort(js.Error.new("not written to its end")))


async def _written(text: Text, texts: AsyncGenerator[Text, None], writer: Any) -> bool:
    """Write a text, or the stream's error report if the text cannot be encoded. False if the client disconnected.

    Raises `JsException` if part of the text was already sent: a report in the middle of it could not be parsed.
    """
    is_begun = False
    for piece in _pieces(text):
        try:
            data = await _encoded(piece)
        except JsException as error:
            report = await texts.athrow(error)
            if is_begun:
                raise
            return await _succeeds(writer.write(await _encoded(report)))
        is_begun = True
        if not await _succeeds(writer.write(data)):
            return False
    return True


async def _encoded(text: Text) -> Any:
    """The text's bytes, a `Uint8Array`. Raises `JsException`."""
    if isinstance(text, Spliced):
        return await _blob(text).bytes()
    return _encoder().encode(text)


@cache
def _encoder() -> Any:
    """One for all texts: a stream would otherwise make one for each."""
    return js.TextEncoder.new()


async def _succeeds(promise: Any) -> bool:
    """Whether an operation on a stream's writer succeeds. It fails only if the other end is closed."""
    try:
        await promise
    except JsException:
        return False
    return True
