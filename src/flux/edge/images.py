"""Resizes pictures with the Images binding. Every call is one billed transformation."""

from typing import Any

import js
from pyodide.ffi import JsException

from flux import picture
from flux.edge.js_bytes import Bytes, array_of, js_object
from flux.picture import Picture
from flux.ports import ResizeFailed
from flux.sizes import Size


class ImagesResizer:
    """`Resizer` over `env.IMAGES`."""

    def __init__(self, images: Any) -> None:
        self._images = images

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """See `Resizer.resize`."""
        change = js_object(width=size.width, height=size.height, fit="cover")
        return await self._transform(picture, change, mime, quality)

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """See `Resizer.fit_within`."""
        change = js_object(width=side, height=side, fit="scale-down")
        return await self._transform(picture, change, mime or picture.type, quality)

    async def _transform(self, given: Picture, change: Any, mime: str, quality: int | None) -> Picture:
        output = {"format": mime} | ({"quality": quality} if quality else {})
        # The binding accepts only a stream (workerd issue 7097).
        stream = js.Response.new(array_of(given.blob)).body
        try:
            result = await self._images.input(stream).transform(change).output(**output)
            array = await result.response().bytes()
        except JsException as error:
            raise ResizeFailed(f"{error.name}: {error.message}") from error
        found = picture.look(Bytes(array))
        if found is None:
            raise ResizeFailed("the result is no picture")
        return found
