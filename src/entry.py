"""The door: everything that comes in goes to `flux.edge`."""

from typing import Any

from workers import WorkerEntrypoint

from flux import edge


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        """Answer one request; past this point the SDK's wrappers are left behind."""
        return await edge.answer(request.js_object, self.ctx)
