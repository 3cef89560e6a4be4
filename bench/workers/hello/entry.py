"""As little as a Worker in Python can do: the SDK's hello world."""

from typing import Any

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Response:
        """Answer anything."""
        return Response("Hello world!")
