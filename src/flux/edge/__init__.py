"""Where the core meets the runtime: the one place that builds the service from its bindings."""

import asyncio
from functools import cache
from typing import Any

import js
from workers import import_from_javascript

from flux import settings
from flux.absent import NoLimiter, NoModel, NoPictureStore, NoResizer, NoRewriter
from flux.app import App
from flux.call import Services
from flux.edge import wire
from flux.edge.images import ImagesResizer
from flux.edge.kv import KvPictureStore
from flux.edge.limiter import BindingLimiter
from flux.edge.prompt_rewriter import ChatApiRewriter
from flux.edge.rest_api import RestApi, RestModel, RestRewriter
from flux.edge.workers_ai import BindingModel, BindingRewriter
from flux.errors import InvalidConfiguration
from flux.pipeline import Pipeline
from flux.ports import ImageModel, PromptRewriter
from flux.settings import Settings


async def answer(js_request: Any, ctx: Any) -> Any:
    """One request's answer, both JavaScript's own objects."""
    request = wire.read(js_request)
    if request.method != "POST":
        return wire.write(await _app()(request), js_request, ctx)
    try:
        with wire.ended_when_the_client_leaves(js_request.signal):
            return wire.write(await _app()(request), js_request, ctx)
    except asyncio.CancelledError:
        return js.Response.new()  # to nobody: the work has ended, and the log has its line


@cache
def _app() -> App:
    """Wire the service: at the first request, for the isolate's life, in which no binding or variable changes."""
    env = import_from_javascript("cloudflare:workers").env
    variables = {name: _text(getattr(env, name, None)) for name in settings.NAMES}
    problem: InvalidConfiguration | None = None
    try:
        chosen = settings.read(variables)
    except InvalidConfiguration as wrong:
        problem, chosen = wrong, settings.read({})
    kv, images, limiter = (getattr(env, name, None) for name in ("FLUX_CF_KV", "IMAGES", "RATE_LIMITER"))
    model, writer = _model(env, chosen), _writer(env, chosen)
    store = KvPictureStore(kv) if kv else NoPictureStore()
    keys = settings.read_api_keys(variables)
    services = Services(
        settings=chosen,
        pipeline=Pipeline(model, writer, ImagesResizer(images) if images else NoResizer(), store),
        store=store,
        limiter=BindingLimiter(limiter) if limiter else NoLimiter(),
        checks={
            "api_key": _present(keys),
            "settings": problem.message if problem else "ok",
            "model": _present(not isinstance(model, NoModel)),
            "storage": _present(kv),
            "images": _present(images),
            "rate_limiter": _present(limiter),
        },
        problem=problem,
    )
    return App(services, keys, log=js.console.log)


def _present(what: object) -> str:
    return "ok" if what else "missing"


def _model(env: Any, chosen: Settings) -> ImageModel:
    """Who draws. An account that is set wins over the binding: only its owner can have meant it."""
    if chosen.account:
        return RestModel(RestApi(chosen.account, chosen.gateway_id))
    if ai := getattr(env, "AI", None):
        return BindingModel(ai, chosen.gateway_id)
    return NoModel()


def _writer(env: Any, chosen: Settings) -> PromptRewriter:
    """Who writes: the external API where there is one, else a text model where the pictures are drawn."""
    if chosen.external_writer:
        return ChatApiRewriter(chosen.external_writer, chosen.system_message)
    if chosen.account:
        return RestRewriter(RestApi(chosen.account, chosen.gateway_id), chosen.prompt_model, chosen.system_message)
    if ai := getattr(env, "AI", None):
        return BindingRewriter(ai, chosen.prompt_model, chosen.system_message, chosen.gateway_id)
    return NoRewriter()


def _text(value: object) -> str:
    """A variable as text: `[vars]` in wrangler.toml may hold numbers and booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
