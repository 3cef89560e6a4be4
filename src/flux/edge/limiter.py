"""Counts pictures per key with the rate-limiting binding."""

import json
from typing import Any

import js
from pyodide.ffi import JsException

from flux.ports import LimiterFailed


class BindingLimiter:
    """`Limiter` over `env.RATE_LIMITER`.

    Its documentation mentions only `key`; the local runtime also accepts `delta`. It is not known whether the platform
    does. If the binding rejects `delta`, later calls omit it, and a request for several pictures counts as one.
    """

    def __init__(self, limiter: Any) -> None:
        self._limiter = limiter
        self._takes_delta = True
        self.shortfall = ""

    async def allows(self, key: str, cost: int) -> bool:
        """See `Limiter.allows`."""
        try:
            return await self._ask(key, cost)
        except JsException as error:
            self.shortfall = "nothing counted"
            _warn("RATE_LIMITER failed, so the request was let in", error)
            raise LimiterFailed(error.message or error.name) from error

    async def _ask(self, key: str, cost: int) -> bool:
        if self._takes_delta:
            try:
                return await self._limit(key=key, delta=cost)
            except JsException as error:
                refusal = error
        allowed = await self._limit(key=key)
        self.shortfall = "requests counted"
        if self._takes_delta:
            self._takes_delta = False
            _warn("RATE_LIMITER does not take delta: requests are counted instead of pictures", refusal)
        return allowed

    async def _limit(self, **options: str | int) -> bool:
        outcome = await self._limiter.limit(**options)
        self.shortfall = ""
        return bool(outcome.success)


def _warn(what: str, error: JsException) -> None:
    """Write a separate line to the log: the warning concerns the isolate, not one request."""
    js.console.warn(json.dumps({"warning": what, "detail": str(error)[:200]}))
