"""The smallest possible Python Worker: the SDK's hello world."""

from typing import Any

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Response:
        """Answer any request."""
        return Response("Hello world!")
