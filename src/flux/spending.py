"""What one request spends on models, call by call.

If there is a ledger, each call is reserved in it beforehand and settled afterwards.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from flux import prices
from flux.errors import BudgetExceeded, BudgetUnavailable
from flux.ledger import Amounts, Reservation, seconds_left
from flux.ports import Ledger, LedgerFailed
from flux.prices import NOTHING, Cost
from flux.time_limit import time_limit
from flux.trace import Trace

LEDGER_SECONDS = 5
"""Longest wait for the ledger. It is one object in one place in the world and may have to start first."""


@dataclass(frozen=True, slots=True)
class Counting:
    """The ledger for a request, and the budgets that the request counts against."""

    ledger: Ledger
    key: str
    limits: Amounts = field(default_factory=dict)
    key_limits: Amounts = field(default_factory=dict)


class Spending:
    """What one request spends."""

    def __init__(self, trace: Trace, counting: Counting | None = None) -> None:
        """Without `counting` there is no ledger to ask."""
        self._trace = trace
        self._counting = counting
        self._calls = 0
        self._parts: dict[int | None, Cost] = {}
        """Costs not yet returned by `of`, by the picture's index (None for the prompt rewriter)."""
        self.total = NOTHING
        """The cost of the calls that may have been billed."""
        self._left: dict[str, int] = {}
        """What is left of the budget that runs out first, by unit, as far as this request knows."""

    async def begin(self, model: str, most: Cost, index: int | None = None) -> "ModelCost":
        """Start a model call for the picture with this index, which costs at most `most`.

        Call `end` on the result. Raises `BudgetExceeded` or `BudgetUnavailable`.
        """
        cost = ModelCost(self, most, index)
        if self._counting and cost.amounts:
            self._calls += 1
            id = f"{self._trace.request_id}-{self._calls}"
            asked = Reservation(
                id, self._counting.key, model, cost.amounts, self._counting.limits, self._counting.key_limits
            )
            await self._reserve(self._counting.ledger, asked)
            cost.reservation = id
        return cost

    async def _reserve(self, ledger: Ledger, asked: Reservation) -> None:
        if not asked.limits and not asked.key_limits:
            ledger.count(asked)
            return
        reason = ""
        try:
            with self._trace.step("budget"), time_limit(LEDGER_SECONDS):
                answer = await ledger.reserve(asked)
        except asyncio.CancelledError:
            ledger.settle(asked.id, {})  # the client left before anything was drawn
            raise
        except (LedgerFailed, TimeoutError) as failure:
            reason = str(failure) or "time-out"
        if reason:
            # The reservation may exist nevertheless. Raised outside the `except` block for the reason in
            # `pipeline._asked`.
            ledger.settle(asked.id, {})
            self._trace.facts.ledger_error = reason
            raise BudgetUnavailable.because(reason)
        self._left = dict(answer.left)
        if not answer.granted:
            raise _exceeded(asked.amounts, answer.left)

    def ended(self, cost: "ModelCost") -> None:
        """A call is over, and its `cost` is now the real cost."""
        self.total += cost.cost
        self._parts[cost.index] = self._parts.get(cost.index, NOTHING) + cost.cost
        told = self.total.told
        self._trace.facts.neurons, self._trace.facts.dollars = told["neurons"] or None, told["dollars"] or None
        really = cost.cost.amounts
        for unit, most in cost.most.amounts.items():
            if unit in self._left:
                self._left[unit] += max(0, most - really.get(unit, 0))
        if self._counting and cost.reservation:
            self._counting.ledger.settle(cost.reservation, cost.amounts)

    def of(self, index: int) -> Cost:
        """The cost of a finished picture. The first one includes the prompt rewriter's cost."""
        return self._parts.pop(index, NOTHING) + self._parts.pop(None, NOTHING)

    def headers(self) -> Mapping[str, str]:
        """The cost headers, for an answer that is sent as a whole."""
        told = {
            "x-cost-neurons": ("neurons", self.total.neurons),
            "x-cost-dollars": ("dollars", self.total.dollars),
            "x-budget-remaining-neurons": ("neurons", self._left.get("neurons")),
        }
        return {name: prices.text(unit, amount) for name, (unit, amount) in told.items() if amount is not None}


class ModelCost:
    """The cost of one model call. It counts in full until the real cost is known."""

    def __init__(self, spending: Spending, most: Cost, index: int | None) -> None:
        self._spending = spending
        self.index = index
        """The picture's index; None for the prompt rewriter."""
        self.most = most
        self.cost = most
        """Set this to the real cost, or to `NOTHING` if the call certainly cost nothing."""
        self.reservation = ""

    @property
    def amounts(self) -> Amounts:
        """The amounts for the ledger; empty if the call costs nothing."""
        if self.cost == NOTHING:
            return {}
        pictures = {} if self.index is None else {"pictures": 1}
        return {**pictures, **self.cost.amounts}

    def end(self) -> None:
        """End the call, whatever its outcome."""
        self._spending.ended(self)


_AMOUNTS = {"neurons": "{} neurons", "dollars": "${}"}
"""How a sentence writes an amount in each unit."""


def _exceeded(asked: Amounts, left: Amounts) -> BudgetExceeded:
    unit = next(unit for unit, amount in left.items() if asked.get(unit, 0) > amount)
    cost, rest = (_AMOUNTS[unit].format(prices.text(unit, amount)) for amount in (asked[unit], left[unit]))
    what = f"this call costs {cost} and the budget has {rest} left" if left[unit] else "nothing is left"
    return BudgetExceeded(
        f"Today's budget of this service is used up: {what}. It resets at 00:00 UTC.",
        retry_after=seconds_left(time.time()),
    )
