"""Connects the core to the runtime: the only place that builds the service from its bindings."""

import asyncio
from functools import cache, partial
from typing import Any

import js
from workers import import_from_javascript

from flux import settings
from flux.app import App, compose
from flux.edge import event_loop, wire
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
"""Responses with this status or a higher one may be sent while the request's body is still unread."""


async def answer(js_request: Any) -> Any:
    """Answer one request. The request and the response are JavaScript objects."""
    try:
        with wire.ended_when_the_client_leaves(js_request.signal):
            request = wire.read(js_request)
            response = await _app()(request)
            if response.status >= REFUSED:
                await request.body.discard()
            return wire.write(response, js_request)
    except asyncio.CancelledError:
        return js.Response.new()  # nobody receives it: the client is gone, and the request is already logged


@cache
def _app() -> App:
    """The service. Created once per isolate, at the first request: bindings and variables do not change later."""
    event_loop.install()
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
    """The REST API if an account is set, else the binding: an owner sets an account only to use it."""
    if chosen.account:
        return RestModel(RestApi(chosen.account, chosen.gateway_id))
    if ai := getattr(env, "AI", None):
        return BindingModel(AiBinding(ai, chosen.gateway_id))
    return None


def _rewriter(env: Any, chosen: Settings) -> PromptRewriter | None:
    """The external API if one is set, else a text model of the account that draws."""
    if chosen.external_writer:
        return ChatApiRewriter(chosen.external_writer, chosen.system_message)
    if chosen.account:
        return RestRewriter(RestApi(chosen.account, chosen.gateway_id), chosen.prompt_model, chosen.system_message)
    if ai := getattr(env, "AI", None):
        return BindingRewriter(AiBinding(ai, chosen.gateway_id), chosen.prompt_model, chosen.system_message)
    return None


def _text(value: object) -> str:
    """A variable as text: in `[vars]` of wrangler.toml it may be a number or a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
