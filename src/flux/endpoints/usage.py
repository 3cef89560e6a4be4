"""`GET /v1/usage`: what the caller's key and the whole deployment have spent, and what is left of each budget."""

import time
from collections.abc import Mapping
from typing import Any

from flux import http, prices
from flux.call import Call
from flux.errors import BudgetUnavailable
from flux.http import Response
from flux.ledger import Amounts, Usage, seconds_left
from flux.ports import LedgerFailed
from flux.spending import LEDGER_SECONDS
from flux.time_limit import time_limit

Json = dict[str, Any]


async def show(call: Call) -> Response:
    """The usage of today (UTC) and of the last 31 days. Other keys are not shown. Raises `BudgetUnavailable`."""
    usage = await _usage(call)
    settings, now = call.services.settings, int(time.time())
    body: Json = {
        "object": "usage",
        "counting": usage is not None,
        "resets_at": now + seconds_left(now),
        "key": {
            "name": call.key_name or None,
            "today": _with_models(usage.today if usage else None),
            "last_31_days": _with_models(usage.days if usage else None),
            "budget": _budget(settings.key_limits, _total(usage.today) if usage else {}),
        },
        "deployment": {
            "today": _figures(usage.all_today if usage else None),
            "last_31_days": _figures(usage.all_days if usage else None),
            "budget": _budget(settings.limits, usage.all_today if usage else {}),
        },
    }
    return http.json(body)


async def _usage(call: Call) -> Usage | None:
    """The usage; None if nothing is counted."""
    if call.services.open_ledger is None:
        return None
    reason = ""
    try:
        with time_limit(LEDGER_SECONDS):
            return await call.services.open_ledger(call.request.background).usage(call.ledger_key)
    except (LedgerFailed, TimeoutError) as failure:
        reason = str(failure) or "time-out"
    call.trace.facts.ledger_error = reason
    raise BudgetUnavailable.because(reason)


def _total(by_model: Mapping[str, Amounts]) -> Amounts:
    total: dict[str, int] = {}
    for amounts in by_model.values():
        for unit, amount in amounts.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def _with_models(by_model: Mapping[str, Amounts] | None) -> Json:
    """Totals, and figures by model."""
    models = None if by_model is None else {model: _figures(amounts) for model, amounts in by_model.items()}
    return {**_figures(None if by_model is None else _total(by_model)), "models": models}


def _figures(amounts: Amounts | None) -> Json:
    """Amounts by unit; null if nothing is counted."""
    if amounts is None:
        return {"pictures": None, **dict.fromkeys(prices.UNITS)}
    spent = {unit: prices.in_units(unit, amounts.get(unit, 0)) for unit in prices.UNITS}
    return {"pictures": amounts.get("pictures", 0), **spent}


def _budget(limits: Amounts, spent: Amounts) -> Json | None:
    """Today's budget and what is left of it; None if there is no limit."""
    return {
        unit: {
            "limit": prices.in_units(unit, limit),
            "left": prices.in_units(unit, max(0, limit - spent.get(unit, 0))),
        }
        for unit, limit in limits.items()
    } or None
