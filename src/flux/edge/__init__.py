"""Where the core meets the runtime: the one place that builds the service from its bindings."""

import asyncio
from functools import cache, partial
from typing import Any

import js
from workers import import_from_javascript

from flux import settings
from flux.app import App, compose
from flux.edge import wire
from flux.edge.images import ImagesResizer
from flux.edge.kv import KvPictureStore
from flux.edge.ledger import DurableLedger
from flux.edge.limiter import BindingLimiter
from flux.edge.prompt_rewriter import ChatApiRewriter
from flux.edge.rest_api import RestApi, RestModel, RestRewriter
from flux.edge.workers_ai import AiBinding, BindingModel, BindingRewriter
from flux.ports import ImageModel, Ports, PromptRewriter
from flux.settings import Settings

REFUSED = 400
"""Statuses from this one on may answer a body that nobody has read."""


async def answer(js_request: Any, ctx: Any) -> Any:
    """One request's answer, both JavaScript's own objects."""
    try:
        with wire.ended_when_the_client_leaves(js_request.signal):
            request = wire.read(js_request, ctx)
            response = await _app()(request)
            if response.status >= REFUSED:
                await request.body.discard()
            return wire.write(response, js_request, ctx)
    except asyncio.CancelledError:
        return js.Response.new()  # to nobody: the work has ended, and the log has its line


@cache
def _app() -> App:
    """The service: made at the first request, for the isolate's life, in which no binding or variable changes."""
    env = import_from_javascript("cloudflare:workers").env
    variables = {name: _text(getattr(env, name, None)) for name in settings.NAMES}
    names = ("FLUX_CF_KV", "IMAGES", "RATE_LIMITER", "LEDGER")
    kv, images, limiter, ledger = (getattr(env, name, None) for name in names)
    ports = Ports(
        model=partial(_model, env),
        rewriter=partial(_rewriter, env),
        resizer=ImagesResizer(images) if images else None,
        store=KvPictureStore(kv) if kv else None,
        limiter=BindingLimiter(limiter) if limiter else None,
        ledger=partial(DurableLedger, ledger) if ledger else None,
    )
    return compose(variables, ports, log=js.console.log)


def _model(env: Any, chosen: Settings) -> ImageModel | None:
    """An account that is set wins over the binding: only its owner can have meant it."""
    if chosen.account:
        return RestModel(RestApi(chosen.account, chosen.gateway_id))
    if ai := getattr(env, "AI", None):
        return BindingModel(AiBinding(ai, chosen.gateway_id))
    return None


def _rewriter(env: Any, chosen: Settings) -> PromptRewriter | None:
    """The external API where there is one, else a text model where the pictures are drawn."""
    if chosen.external_writer:
        return ChatApiRewriter(chosen.external_writer, chosen.system_message)
    if chosen.account:
        return RestRewriter(RestApi(chosen.account, chosen.gateway_id), chosen.prompt_model, chosen.system_message)
    if ai := getattr(env, "AI", None):
        return BindingRewriter(AiBinding(ai, chosen.gateway_id), chosen.prompt_model, chosen.system_message)
    return None


def _text(value: object) -> str:
    """A variable as text: `[vars]` in wrangler.toml may hold numbers and booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
