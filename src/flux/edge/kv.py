"""Keeps pictures in KV."""

import json
import time
from typing import Any

import js
from pyodide.ffi import JsException

from flux.edge.js_bytes import array_of, js_object
from flux.errors import StorageUnavailable
from flux.http import Native
from flux.picture import Picture
from flux.ports import NotStored, StoredPicture
from flux.settings import KV_MIN_SECONDS

CACHE_SECONDS = 86_400
"""How long a location may serve a picture without asking KV's centre: it never changes, and its
expiry ends this too."""


class KvPictureStore:
    """`PictureStore` over `env.FLUX_CF_KV`."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, key: str, picture: Picture, expires: int) -> None:
        """See `PictureStore.put`."""
        options = {
            "expirationTtl": max(KV_MIN_SECONDS, expires - int(time.time())),
            "metadata": {
                "type": picture.type,
                "size": picture.blob.size,
                "width": picture.width,
                "height": picture.height,
                "expires": expires,
            },
        }
        try:
            await self._namespace.put(key, array_of(picture.blob), js_object(options))
        except JsException as error:
            raise NotStored(error.message or error.name) from error

    async def get(self, key: str) -> StoredPicture | None:
        """See `PictureStore.get`."""
        options = js_object({"type": "stream", "cacheTtl": CACHE_SECONDS})
        try:
            found = await self._namespace.getWithMetadata(key, options)
        except JsException as error:
            raise StorageUnavailable.because(error.message or error.name) from error
        if not found.value:
            return None
        metadata = json.loads(js.JSON.stringify(found.metadata))
        return StoredPicture(metadata["type"], metadata["size"], Native(found.value))
