"""The entry points that the runtime calls: the Worker and its Durable Object. Both delegate to `flux.edge`."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from workers import DurableObject, WorkerEntrypoint

from flux import edge
from flux.edge import ledger


async def fetch(request: Any) -> Any:
    """Answer one request. `flux.edge` works with plain JavaScript objects, without the SDK's wrappers."""
    return await edge.answer(request.js_object)


class Default(WorkerEntrypoint):
    """The Worker. The runtime creates one object for each request."""

    fetch: Callable[[Any], Awaitable[Any]] = fetch  # this is how the runtime finds out which handlers there are

    def __new__(cls, *_: Any) -> Self:
        """An object with `fetch` as a function, not as a method.

        Before the runtime calls a handler, it inspects the handler's signature, and it caches the result by function. A
        method of a new object is never in that cache. This saves a tenth of a refusal's CPU, and the cache would keep
        the last 128 objects in memory.
        """
        created = super().__new__(cls)
        created.fetch = fetch
        return created


class Ledger(DurableObject):  # type: ignore[no-untyped-call]  # the SDK has no types for it
    """The spending ledger: one object for the whole deployment, with its own storage."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._book = ledger.book_of(self.ctx.storage)

    def ask(self, question: str) -> str:
        """Answer one question from the Worker."""
        return ledger.answered(self._book, question)
