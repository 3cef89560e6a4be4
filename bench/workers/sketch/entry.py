# ruff: noqa: INP001 - a Worker, not a package
"""Draws and nothing else, in the way of the SDK's examples. What the service costs is compared with this."""

import json
import os
from typing import Any

import js
from workers import WorkerEntrypoint, import_from_javascript


class Default(WorkerEntrypoint):
    """A Worker without keys, checks, time limits and logs."""

    async def fetch(self, request: Any) -> Any:
        """Draw and store a picture, or return one."""
        env = import_from_javascript("cloudflare:workers").env
        js_request = request.js_object
        if js_request.method == "POST":
            return await draw(env, js_request)
        key = js_request.url.rpartition("/")[2]
        found = await env.FLUX_CF_KV.getWithMetadata(key, js_object({"type": "stream"}))
        if not found.value:
            return js.Response.new("No picture")
        picture = found.value.pipeThrough(js.FixedLengthStream.new(found.metadata.size))
        return js.Response.new(picture, js_object({"headers": {"content-type": found.metadata.type}}))


async def draw(env: Any, js_request: Any) -> Any:
    """Waits four times: for the body, the rate limiter, the model and the store."""
    body = json.loads(await js_request.text())
    await env.RATE_LIMITER.limit(js_object({"key": "anybody"}))
    inputs = {"prompt": body["messages"][-1]["content"], "steps": 4}
    answer = await env.AI.run("@cf/black-forest-labs/flux-1-schnell", js_object(inputs))
    picture = js.Reflect.apply(js.Uint8Array.fromBase64, js.Uint8Array, js.Object.values(answer))
    key = f"{os.urandom(16).hex()}.jpg"
    metadata = {"type": "image/jpeg", "size": picture.length}
    await env.FLUX_CF_KV.put(key, picture, js_object({"expirationTtl": 1800, "metadata": metadata}))
    message = {"role": "assistant", "content": f"![Picture](http://bench.example/image/{key})"}
    completion = {"object": "chat.completion", "choices": [{"index": 0, "message": message}]}
    return js.Response.new(json.dumps(completion), js_object({"headers": {"content-type": "application/json"}}))


def js_object(value: dict[str, Any]) -> Any:
    """A JavaScript object for a JSON value."""
    return js.JSON.parse(json.dumps(value))
