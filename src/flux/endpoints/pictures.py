"""`GET` and `HEAD /image/{key}`: the stored picture. The key is the only secret needed."""

import time

from flux import picture
from flux.call import Call
from flux.errors import NotFound, PictureExpired, StorageUnavailable
from flux.http import Response
from flux.ports import StoredPicture
from flux.time_limit import time_limit

FIND_SECONDS = 10
"""Longest wait for the store."""
EXPIRED = "This picture has expired. Draw it again."
_EXPIRED_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512">'
    '<rect width="512" height="512" fill="#e5e7eb"/>'
    '<g fill="none" stroke="#6b7280" stroke-width="16"><rect x="136" y="136" width="240" '
    'height="180" rx="16"/><path d="m136 290 70-64 56 52 44-34 70 60"/><path d="M112 112 400 344"/>'
    '</g><text x="256" y="400" font-family="sans-serif" font-size="32" text-anchor="middle" '
    'fill="#374151">This picture has expired</text></svg>'
)
"""What an `<img>` shows in place of a picture that has expired."""


async def show(call: Call) -> Response:
    """The picture with its type, cacheable until it expires."""
    id = picture.id_of_file(call.argument)
    left = picture.expiry(id) - int(time.time()) if id else 0
    stored = await _found(call) if left > 0 else None
    if stored is None or call.argument != picture.file_name(id or "", stored.type):
        return _gone(call, PictureExpired(EXPIRED) if id and left <= 0 else NotFound("There is no such picture."))
    etag = f'"{call.argument}"'  # a key is never reused, so it identifies these bytes
    headers = {
        # Without must-revalidate, a cache may serve an expired picture while the Worker fails (RFC 9111, 4.2.4).
        "cache-control": f"public, max-age={left}, must-revalidate, immutable",
        "etag": etag,
        "content-disposition": _disposition(call),
    }
    if {etag, "*"} & _etags(call.headers.get("if-none-match", "")):
        return Response(304, headers)
    headers |= {"content-type": stored.type, "content-length": str(stored.body.size)}
    return Response(200, headers, stored.body)


async def _found(call: Call) -> StoredPicture | None:
    try:
        with time_limit(FIND_SECONDS):
            return await call.services.store.get(call.argument)
    except TimeoutError as error:
        raise StorageUnavailable.because("time-out") from error


def _etags(header: str) -> set[str]:
    """The values in `If-None-Match` (RFC 9110, 13.1.2: compared weakly; "*" matches any)."""
    return {one.strip().removeprefix("W/") for one in header.split(",")}


def _disposition(call: Call) -> str:
    # `picture.id_of_file` accepted the name, so it needs no quoting.
    download = any(one.split("=")[0] == "download" for one in call.request.query.split("&"))
    return f'{"attachment" if download else "inline"}; filename="{call.argument}"'


def _gone(call: Call, error: NotFound) -> Response:
    """A 404 that must not be cached. An `<img>` gets a picture that says so, since it cannot show JSON."""
    if call.headers.get("accept", "").startswith("image/"):
        call.trace.failed(error)
        headers = {"content-type": "image/svg+xml", "content-security-policy": "default-src 'none'"}
        return Response(error.status, headers, _EXPIRED_PICTURE)
    raise error
