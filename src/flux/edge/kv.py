"""Stores pictures in KV."""

import json
import time
from typing import Any

import js
from pyodide.ffi import JsException

from flux.edge.js_bytes import Bytes, array_of, js_object
from flux.errors import StorageUnavailable
from flux.http import Native
from flux.picture import Picture, expiry, look
from flux.ports import NotStored, StoredPicture, TooLarge
from flux.settings import KV_MIN_SECONDS

CACHE_SECONDS = 86_400
"""How long a location may serve a picture from its cache. Pictures never change, and their expiry ends this too."""


class KvPictureStore:
    """`PictureStore` over `env.FLUX_CF_KV`."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, id: str, picture: Picture) -> None:
        """See `PictureStore.put`."""
        expires = expiry(id)
        metadata = js_object(
            type=picture.type, size=picture.blob.size, width=picture.width, height=picture.height, expires=expires
        )
        lifetime = max(KV_MIN_SECONDS, expires - int(time.time()))
        try:
            await self._namespace.put(id, array_of(picture.blob), expirationTtl=lifetime, metadata=metadata)
        except JsException as error:
            raise NotStored(error.message or error.name) from error

    async def get(self, name: str) -> StoredPicture | None:
        """See `PictureStore.get`."""
        found = await self._found(name)
        if found is None:
            return None
        metadata = json.loads(js.JSON.stringify(found.metadata))
        return StoredPicture(metadata["type"], Native(found.value, metadata["size"]))

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """See `PictureStore.read`."""
        found = await self._found(id)
        if found is None:
            return None
        if found.metadata.size > max_bytes:
            await found.value.cancel()
            raise TooLarge
        try:
            return look(Bytes(await js.Response.new(found.value).bytes()))
        except JsException as error:
            raise StorageUnavailable.because(error.message or error.name) from error

    async def _found(self, name: str) -> Any:
        """The entry for an identifier. Up to version 1.0 the file name was the key."""
        for key in dict.fromkeys((name.partition(".")[0], name)):
            try:
                found = await self._namespace.getWithMetadata(key, type="stream", cacheTtl=CACHE_SECONDS)
            except JsException as error:
                raise StorageUnavailable.because(error.message or error.name) from error
            if found.value:
                return found
        return None
