"""Counts pictures per key with the rate-limiting binding."""

from typing import Any

from pyodide.ffi import JsException

from flux.edge.js_bytes import js_object
from flux.ports import LimiterFailed


class BindingLimiter:
    """`Limiter` over `env.RATE_LIMITER`."""

    def __init__(self, limiter: Any) -> None:
        self._limiter = limiter

    async def allows(self, key: str, cost: int) -> bool:
        """See `Limiter.allows`."""
        try:
            outcome = await self._limiter.limit(js_object({"key": key, "delta": cost}))
        except JsException as error:
            raise LimiterFailed(error.message or error.name) from error
        return bool(outcome.success)
