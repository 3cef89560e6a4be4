"""`GET /health`: what is there and what is missing, never a value."""

from flux import VERSION
from flux.call import Call
from flux.http import Response, json

REQUIRED = ("api_key", "settings", "model", "storage")
"""Without these the service cannot do its work; the others make it better."""


async def show(call: Call) -> Response:
    """The checks. A required one that is not "ok" makes the service "degraded"."""
    checks = call.services.checks
    well = all(checks.get(name) == "ok" for name in REQUIRED)
    body = {"status": "ok" if well else "degraded", "version": VERSION, "checks": checks}
    return json(body)
