"""`GET /health`: which parts are present or missing, without any values."""

from typing import Any

from flux import VERSION
from flux.call import Call
from flux.http import Response, json
from flux.ledger import Amounts
from flux.ports import Ledger, LedgerFailed
from flux.time_limit import time_limit

REQUIRED = ("api_key", "settings", "model", "storage")
"""The service cannot work without these; the others are optional."""
WARN_ABOVE = 80
"""Percentage of the deployment's budget for today."""
LEDGER_SECONDS = 2
"""Longest wait for the ledger, which is asked only if there is a budget."""


async def show(call: Call) -> Response:
    """The checks. The service is "degraded" if a required one is not "ok"."""
    checks, warnings = dict(call.services.checks), []
    required: tuple[str, ...] = REQUIRED
    open_ledger = call.services.open_ledger
    if open_ledger and call.services.settings.has_budget:
        required = (*REQUIRED, "ledger")
        try:
            if await _is_nearly_used_up(open_ledger(call.request.background), call.services.settings.limits):
                warnings.append(f"More than {WARN_ABOVE} % of today's budget is used.")
        except (LedgerFailed, TimeoutError) as failure:
            call.trace.facts.ledger_error = str(failure) or "time-out"
            checks["ledger"] = "does not answer"
    well = all(checks.get(name) == "ok" for name in required)
    body: dict[str, Any] = {"status": "ok" if well else "degraded", "version": VERSION, "checks": checks}
    return json(body | ({"warnings": warnings} if warnings else {}))


async def _is_nearly_used_up(ledger: Ledger, limits: Amounts) -> bool:
    """Whether today's budget is nearly used up. Raises `LedgerFailed` or `TimeoutError`."""
    with time_limit(LEDGER_SECONDS):
        usage = await ledger.usage("")
    return any(100 * usage.all_today.get(unit, 0) > WARN_ABOVE * limit for unit, limit in limits.items())
