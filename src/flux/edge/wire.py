"""JavaScript's `Request` -> ours, our `Response` -> JavaScript's."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy, create_proxy

from flux.edge.js_bytes import Bytes, array_of, base64_in_array, js_object
from flux.errors import InvalidRequest, RequestTooLarge
from flux.http import Form, Native, Request, Response, Stream
from flux.text import Spliced, clean


def read(js_request: Any) -> Request:
    """The request as a value; its body stays where it is until it is asked for."""
    scheme, _, host, *rest = js_request.url.split("/", 3)
    path, _, query = (rest[0] if rest else "").partition("?")
    headers = _Headers(js_request.headers)
    return Request(
        method=js_request.method,
        origin=f"{scheme}//{host}",
        path=f"/{path}",
        query=query,
        headers=headers,
        body=_Body(js_request, headers),
    )


class _Headers(Mapping[str, str]):
    """Headers looked up one by one: a request has dozens and a handler reads a few."""

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


class _Body:
    """`flux.http.Body` over a JavaScript request."""

    def __init__(self, js_request: Any, headers: Mapping[str, str]) -> None:
        self._js_request = js_request
        self._headers = headers

    async def text(self, limit: int) -> str:
        """See `Body.text`."""
        try:
            return str(await js.Response.new(await self._within(limit)).text())
        except JsException as error:  # it broke off, or its framing did
            raise InvalidRequest("The body could not be read to its end.", detail=error.message or "") from error

    async def form(self, limit: int) -> Form:
        """See `Body.form`."""
        init = js_object({"headers": {"content-type": self._headers.get("content-type", "")}})
        try:
            form = await js.Response.new(await self._within(limit), init).formData()
        except JsException as error:
            raise InvalidRequest("The body is no valid multipart/form-data.") from error
        fields, files = [], []
        for name, value in form.entries():
            if isinstance(value, str):
                fields.append((clean(name), clean(value)))
            else:
                files.append((clean(name), Bytes(js.Uint8Array.new(await value.arrayBuffer()))))
        return Form(tuple(fields), tuple(files))

    async def _within(self, limit: int) -> Any:
        """What a `Response` with the body in it can be made of.

        A declared length is held to by HTTP's framing, so such a body needs no counting; one
        without is read piece by piece until it ends or passes the limit.
        """
        declared = self._headers.get("content-length", "")
        if declared.isascii() and declared.isdigit():
            if int(declared.lstrip("0")[:16] or "0") > limit:
                raise _too_large(limit)
            return self._js_request.body
        pieces, size = js.Array.new(), 0
        if isinstance(self._js_request.body, JsProxy):
            reader = self._js_request.body.getReader()
            while not (part := await reader.read()).done:
                size += part.value.byteLength
                if size > limit:
                    await reader.cancel()
                    raise _too_large(limit)
                pieces.push(part.value)
        return js.Blob.new(pieces)


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The body is too large: at most {limit // 1024} KiB.")


def write(response: Response, js_request: Any, ctx: Any) -> Any:
    """The answer as JavaScript's `Response`."""
    body: Any = response.body
    if isinstance(body, Spliced):
        body = _blob(body)
    elif isinstance(body, Native):
        body = _of_length(body.value, int(response.headers["content-length"]))
    elif isinstance(body, AsyncGenerator):
        body = _streamed(body, js_request, ctx)
    init = js_object({"status": response.status, "headers": response.headers})
    return js.Response.new(body, init)


def _blob(text: Spliced) -> Any:
    """The text as a `Blob`, pictures in base64, which Python never sees."""
    pieces = js.Array.new()
    for piece in text.pieces:
        if isinstance(piece, str):
            pieces.push(piece)
        else:
            pieces = pieces.concat(base64_in_array(array_of(piece)))
    return js.Blob.new(pieces)


def _of_length(stream: Any, length: int) -> Any:
    """The stream with its length known, so that `Content-Length` is sent."""
    return stream.pipeThrough(js.FixedLengthStream.new(length))


def _streamed(texts: Stream, js_request: Any, ctx: Any) -> Any:
    """A stream that the texts are written to as they come.

    `waitUntil`, since the runtime drops what still waits when the client leaves: it gives the work its moment to end.
    """
    pipe = js.IdentityTransformStream.new()
    ctx.waitUntil(asyncio.ensure_future(_pump(texts, pipe.writable.getWriter(), js_request.signal)))
    return pipe.readable


@contextmanager
def ended_when_the_client_leaves(signal: Any) -> Iterator[None]:
    """Cancel the task that runs this when the request's signal says that nobody waits for it any more.

    Without that the runtime drops the request's pending promises and Python never hears of it: the coroutine would
    stay suspended, with all that it holds, for the isolate's life.
    """
    task = asyncio.current_task()
    left = create_proxy(lambda _event: task and task.cancel())
    signal.addEventListener("abort", left)
    if signal.aborted and task:
        task.cancel()
    try:
        yield
    finally:
        signal.removeEventListener("abort", left)
        left.destroy()


async def _pump(texts: Stream, writer: Any, signal: Any) -> None:
    encoder = js.TextEncoder.new()
    try:
        with ended_when_the_client_leaves(signal):
            async for text in texts:
                if isinstance(text, Spliced):
                    await writer.write(await _blob(text).bytes())
                elif text:
                    await writer.write(encoder.encode(text))
            await writer.close()
    except (JsException, asyncio.CancelledError):
        # The client left. Nobody is there to be told, and the next line ends the work.
        pass
    finally:
        await texts.aclose()
