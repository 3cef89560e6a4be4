"""The entry points that the runtime calls: the Worker and its Durable Object. Both delegate to `flux.edge`."""

from typing import Any

from workers import DurableObject, WorkerEntrypoint

from flux import edge
from flux.edge import ledger


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer one request. `flux.edge` works with plain JavaScript objects, without the SDK's wrappers."""
        return await edge.answer(request.js_object, self.ctx)


class Ledger(DurableObject):  # type: ignore[no-untyped-call]  # the SDK has no types for it
    """The spending ledger: one object for the whole deployment, with its own storage."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._book = ledger.book_of(self.ctx.storage)

    def ask(self, question: str) -> str:
        """Answer one question from the Worker."""
        return ledger.answered(self._book, question)
