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
from flux.ports import Kept, NotKept
from flux.settings import KV_LEAST_SECONDS

CACHE_SECONDS = 86_400
"""How long a location may serve a picture without asking KV's centre: it never changes, and its
expiry ends this too."""


class KvGallery:
    """`Gallery` over `env.FLUX_CF_KV`."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def keep(self, key: str, picture: Picture, expires: int) -> None:
        """See `Gallery.keep`."""
        options = {
            "expirationTtl": max(KV_LEAST_SECONDS, expires - int(time.time())),
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
            raise NotKept(error.message or error.name) from error

    async def find(self, key: str) -> Kept | None:
        """See `Gallery.find`."""
        options = js_object({"type": "stream", "cacheTtl": CACHE_SECONDS})
        try:
            found = await self._namespace.getWithMetadata(key, options)
        except JsException as error:
            raise StorageUnavailable.because(error.message or error.name) from error
        if not found.value:
            return None
        metadata = json.loads(js.JSON.stringify(found.metadata))
        return Kept(metadata["type"], metadata["size"], Native(found.value))
