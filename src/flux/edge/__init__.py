"""Where the core meets the runtime: the one place that builds the service from its bindings."""

from functools import cache
from typing import Any

import js
from workers import import_from_javascript

from flux import settings
from flux.app import App
from flux.call import Services
from flux.edge import wire
from flux.edge.images import ImagesCutter
from flux.edge.js_bytes import from_base64
from flux.edge.kv import KvGallery
from flux.edge.limiter import BindingLimiter
from flux.edge.rest_api import RestApi, RestModel, RestWriter
from flux.edge.workers_ai import BindingModel, BindingWriter
from flux.edge.writer import ChatApiWriter
from flux.errors import InvalidConfiguration
from flux.ports import ImageModel, Writer
from flux.settings import Settings
from flux.studio import Studio


async def answer(js_request: Any, ctx: Any) -> Any:
    """One request's answer, both JavaScript's own objects."""
    return wire.write(await _app()(wire.read(js_request)), js_request, ctx)


@cache
def _app() -> App:
    """The service, wired at the first request and kept for the isolate's life: bindings and
    variables never change within it."""
    env = import_from_javascript("cloudflare:workers").env
    variables = {name: _text(getattr(env, name, None)) for name in settings.NAMES}
    problem: InvalidConfiguration | None = None
    try:
        chosen = settings.read(variables)
    except InvalidConfiguration as wrong:
        problem, chosen = wrong, settings.read({})
    model, writer = _model(env, chosen)
    if model is None and problem is None:
        problem = InvalidConfiguration(
            "AI", "is not bound, and CF_ACCOUNT_ID with CF_API_TOKEN is not set either."
        )
    kv, images, limiter = (
        getattr(env, name, None) for name in ("FLUX_CF_KV", "IMAGES", "RATE_LIMITER")
    )
    gallery = KvGallery(kv) if kv else None
    keys = settings.read_api_keys(variables)
    return App(
        Services(
            settings=chosen,
            studio=Studio(model, writer, ImagesCutter(images) if images else None, gallery),
            decode=from_base64,
            gallery=gallery,
            limiter=BindingLimiter(limiter) if limiter else None,
            checks={
                "api_key": "ok" if keys else "missing",
                "settings": problem.message if problem else "ok",
                "model": "ok" if model else "missing",
                "storage": "ok" if kv else "missing",
                "images": "ok" if images else "missing",
                "rate_limiter": "ok" if limiter else "missing",
            },
            problem=problem,
        ),
        keys,
        log=js.console.log,
    )


def _model(env: Any, chosen: Settings) -> tuple[ImageModel | None, Writer | None]:
    """Who draws and who writes. An account that is set wins over the binding: only its owner can
    have meant it."""
    message = chosen.system_message
    external = ChatApiWriter(chosen.external_writer, message) if chosen.external_writer else None
    if chosen.account:
        api = RestApi(chosen.account, chosen.gateway_id)
        return RestModel(api), external or RestWriter(api, chosen.prompt_model, message)
    if ai := getattr(env, "AI", None):
        writer = external or BindingWriter(ai, chosen.prompt_model, message, chosen.gateway_id)
        return BindingModel(ai, chosen.gateway_id), writer
    return None, external


def _text(value: object) -> str:
    """A variable as text: `[vars]` in wrangler.toml may hold numbers and booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
