"""Tests that every `Ledger` must pass: the Durable Object in real workerd, and the in-memory version.

A deployment has one ledger, so each test uses its own key.
"""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from flux.ledger import Amounts, Reservation
from flux.ports import Ledger

MODEL = "@cf/a/model"


def _asked(key: str, neurons: int, *, limits: Amounts | None = None, key_limits: Amounts | None = None) -> Reservation:
    amounts = {"pictures": 1, "neurons": neurons}
    return Reservation(uuid4().hex, key, MODEL, amounts, limits or {}, key_limits or {})


async def _spent(ledger: Ledger, key: str) -> Amounts:
    return (await ledger.usage(key)).today.get(MODEL, {})


async def what_is_reserved_counts_until_it_is_settled(ledger: Ledger) -> None:
    key = uuid4().hex
    asked = _asked(key, 10)
    answer = await ledger.reserve(asked)
    assert (answer.granted, answer.left) == (True, {})
    assert await _spent(ledger, key) == {"pictures": 1, "neurons": 10}
    ledger.settle(asked.id, {"pictures": 1, "neurons": 4})
    assert await _spent(ledger, key) == {"pictures": 1, "neurons": 4}


async def a_call_that_cost_nothing_leaves_nothing(ledger: Ledger) -> None:
    key = uuid4().hex
    asked = _asked(key, 10)
    await ledger.reserve(asked)
    ledger.settle(asked.id, {})
    assert await _spent(ledger, key) == {}


async def what_does_not_fit_into_a_keys_budget_is_refused_and_not_counted(ledger: Ledger) -> None:
    key, budget = uuid4().hex, {"neurons": 10}
    first = await ledger.reserve(_asked(key, 7, key_limits=budget))
    second = await ledger.reserve(_asked(key, 4, key_limits=budget))
    third = await ledger.reserve(_asked(key, 3, key_limits=budget))
    assert [answer.granted for answer in (first, second, third)] == [True, False, True]
    assert [answer.left for answer in (first, second, third)] == [{"neurons": 3}, {"neurons": 3}, {"neurons": 0}]
    assert await _spent(ledger, key) == {"pictures": 2, "neurons": 10}


async def the_deployments_budget_is_that_of_all_keys(ledger: Ledger) -> None:
    spent = (await ledger.usage("")).all_today.get("neurons", 0)
    budget = {"neurons": spent + 10}
    assert (await ledger.reserve(_asked(uuid4().hex, 7, limits=budget))).granted
    assert not (await ledger.reserve(_asked(uuid4().hex, 7, limits=budget))).granted


async def what_is_not_waited_for_reaches_it_before_what_is_asked_later(ledger: Ledger) -> None:
    key = uuid4().hex
    for number in range(5):
        asked = _asked(key, 10)
        ledger.count(asked)
        ledger.settle(asked.id, {"pictures": 1, "neurons": number})
    assert await _spent(ledger, key) == {"pictures": 5, "neurons": 10}


PROMISES: tuple[Callable[[Ledger], Awaitable[None]], ...] = (
    what_is_reserved_counts_until_it_is_settled,
    a_call_that_cost_nothing_leaves_nothing,
    what_does_not_fit_into_a_keys_budget_is_refused_and_not_counted,
    the_deployments_budget_is_that_of_all_keys,
    what_is_not_waited_for_reaches_it_before_what_is_asked_later,
)
