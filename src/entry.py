"""What the runtime calls: the Worker and its Durable Object. Both leave the work to `flux.edge`."""

from typing import Any

from workers import DurableObject, WorkerEntrypoint

from flux import edge
from flux.edge import ledger


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer one request; past this point the SDK's wrappers are left behind."""
        return await edge.answer(request.js_object, self.ctx)


class Ledger(DurableObject):  # type: ignore[no-untyped-call]  # as the SDK has it
    """What was spent: one object for the whole deployment, with a storage of its own."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._book = ledger.book_of(self.ctx.storage)

    def ask(self, question: str) -> str:
        """Answer one question of the Worker's."""
        return ledger.answered(self._book, question)
