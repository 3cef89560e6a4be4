"""A Worker whose ports can be called over HTTP: `POST /OPERATION?ARGUMENT=...`, pictures or JSON as bodies.

The result is the response's body, and `x-picture` describes it. An exception of a port is returned as its name with
status 422.
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import js
from pyodide.ffi import to_js
from workers import Response, WorkerEntrypoint, import_from_javascript

from entry import Ledger  # noqa: F401 - the class of the binding
from flux import catalog
from flux.edge.images import ImagesResizer
from flux.edge.js_bytes import Bytes, array_of
from flux.edge.kv import KvPictureStore
from flux.edge.ledger import DurableLedger
from flux.edge.limiter import BindingLimiter
from flux.edge.workers_ai import AiBinding, BindingModel, BindingRewriter
from flux.errors import UpstreamFailure
from flux.ledger import Reservation
from flux.picture import Picture
from flux.ports import NotStored, ResizeFailed, TooLarge
from flux.sizes import Size

Query = dict[str, str]


async def _resize(env: Any, query: Query, given: Picture) -> Any:
    size = Size(int(query["to_width"]), int(query["to_height"]))
    quality = int(query["quality"]) if "quality" in query else None
    return _picture(await ImagesResizer(env.IMAGES).resize(given, size, query["mime"], quality))


async def _fit_within(env: Any, query: Query, given: Picture) -> Any:
    quality = int(query["quality"]) if "quality" in query else None
    return _picture(await ImagesResizer(env.IMAGES).fit_within(given, int(query["side"]), query.get("mime"), quality))


async def _put(env: Any, query: Query, given: Picture) -> Any:
    await KvPictureStore(env.FLUX_CF_KV).put(query["id"], given)
    return Response("")


async def _get(env: Any, query: Query, _given: Picture) -> Any:
    found = await KvPictureStore(env.FLUX_CF_KV).get(query["name"])
    return _answer(found.body.value, f"{found.type} {found.body.size}") if found else _nothing()


async def _read(env: Any, query: Query, _given: Picture) -> Any:
    found = await KvPictureStore(env.FLUX_CF_KV).read(query["id"], int(query["max_bytes"]))
    return _picture(found) if found else _nothing()


async def _draw(env: Any, _query: Query, given: Picture) -> Any:
    asked = _json(given)
    model = catalog.MODELS[asked["model"]]
    images = tuple(Bytes(to_js(base64.b64decode(image))) for image in asked["images"])
    return _picture(await BindingModel(AiBinding(env.AI, None)).draw(model, asked["inputs"], images))


async def _rewrite(env: Any, query: Query, _given: Picture) -> Any:
    rewriter = BindingRewriter(AiBinding(env.AI, None), catalog.DEFAULT_PROMPT_MODEL, "Write a prompt.")
    rewritten = await rewriter.rewrite(query["prompt"])
    most = asdict(rewriter.most(query["prompt"]))
    return Response(json.dumps({"text": rewritten.text, "cost": asdict(rewritten.cost), "most": most}))


async def _allows(env: Any, query: Query, _given: Picture) -> Any:
    limiter = BindingLimiter(env.RATE_LIMITER)
    allowed = await limiter.allows(query["key"], int(query["cost"]))
    return Response(json.dumps([allowed, limiter.shortfall]))


async def _ledger(env: Any, _query: Query, given: Picture) -> Any:
    """Send several questions in one request; only the last one is waited for."""
    ledger = DurableLedger(env.LEDGER, asyncio.ensure_future)
    *before, (last, arguments) = _json(given)
    for kind, told in before:
        if kind == "count":
            ledger.count(Reservation(**told))
        else:
            ledger.settle(**told)
    answer = await (ledger.reserve(Reservation(**arguments)) if last == "reserve" else ledger.usage(**arguments))
    return Response(json.dumps(asdict(answer)))


def _json(given: Picture) -> Any:
    return json.loads(given.blob.read(0, given.blob.size))


OPERATIONS: dict[str, Callable[[Any, Query, Picture], Awaitable[Any]]] = {
    "resize": _resize,
    "fit_within": _fit_within,
    "put": _put,
    "get": _get,
    "read": _read,
    "draw": _draw,
    "rewrite": _rewrite,
    "allows": _allows,
    "ledger": _ledger,
}


def _picture(found: Picture) -> Any:
    return _answer(array_of(found.blob), f"{found.type} {found.width} {found.height} {found.orientation}")


def _answer(body: Any, told: str) -> Any:
    return js.Response.new(body, js.JSON.parse(f'{{"headers": {{"x-picture": "{told}"}}}}'))


def _nothing() -> Any:
    return Response("", status=404)


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Run one operation."""
        url = urlsplit(request.url)
        operation, query = url.path.strip("/"), dict(parse_qsl(url.query))
        if operation not in OPERATIONS:
            return _nothing()
        env = import_from_javascript("cloudflare:workers").env  # not the SDK's, which converts results to Python
        body = Bytes(await request.js_object.bytes())
        given = Picture(query.get("type", ""), int(query.get("width", "1")), int(query.get("height", "1")), body)
        try:
            return await OPERATIONS[operation](env, query, given)
        except (NotStored, ResizeFailed, TooLarge, UpstreamFailure) as error:
            return Response(type(error).__name__, status=422)
