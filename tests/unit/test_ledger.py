"""The ledger's rules, on Python's SQLite and with a simulated time."""

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.ledger import (
    DAYS,
    OPEN_SECONDS,
    SECONDS_A_DAY,
    Amounts,
    Answer,
    Book,
    Reservation,
    Usage,
    day_of,
    seconds_left,
)
from tests.builders import NOW

MIDNIGHT = NOW + 6 * 3600
NEURONS = {"neurons": 5760, "pictures": 1}


class Ledger:
    """A book and the reservations made in it."""

    def __init__(self, limit: int | None = None, key_limit: int | None = None) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self.book = Book(self.run)
        self.limits = {} if limit is None else {"neurons": limit}
        self.key_limits = {} if key_limit is None else {"neurons": key_limit}
        self._count = 0

    def run(self, statement: str, *values: Any) -> list[list[Any]]:
        """See `ledger.Run`."""
        return [list(row) for row in self._connection.execute(statement, values)]

    def reserve(
        self, now: float = NOW, key: str = "one", model: str = "schnell", amounts: Amounts = NEURONS
    ) -> tuple[str, Answer]:
        """Make another reservation; returns its id and the answer."""
        self._count += 1
        id = f"id-{self._count}"
        return id, self.book.reserve(now, Reservation(id, key, model, amounts, self.limits, self.key_limits))

    def spent(self, now: float = NOW, key: str = "one") -> tuple[int, int]:
        """Today's neurons of the key and of the deployment."""
        usage = self.book.usage(now, key)
        return sum(model.get("neurons", 0) for model in usage.today.values()), usage.all_today.get("neurons", 0)


# --- reserving ------------------------------------------------------------------------------------


def test_a_budget_of_exactly_so_many_grants_exactly_so_many() -> None:
    ledger = Ledger(limit=50 * 5760)
    answers = [ledger.reserve()[1] for _ in range(60)]
    assert [answer.granted for answer in answers] == [True] * 50 + [False] * 10
    assert [answers[0].left, answers[49].left, answers[50].left] == [
        {"neurons": 49 * 5760},
        {"neurons": 0},
        {"neurons": 0},
    ]
    assert ledger.spent() == (50 * 5760, 50 * 5760)


def test_a_hundredth_too_much_does_not_fit() -> None:
    assert not Ledger(limit=5759).reserve()[1].granted
    assert Ledger(limit=5760).reserve()[1].granted


def test_what_is_refused_counts_nowhere_and_something_smaller_still_fits() -> None:
    ledger = Ledger(limit=10_000)
    assert [ledger.reserve()[1].granted for _ in range(2)] == [True, False]
    assert ledger.reserve(amounts={"neurons": 4240})[1] == Answer(granted=True, left={"neurons": 0})
    assert ledger.book.usage(NOW, "one").all_today == {"neurons": 10_000, "pictures": 1}


def test_keys_do_not_see_each_others_budget() -> None:
    ledger = Ledger(key_limit=6000)
    assert [ledger.reserve(key=key)[1].granted for key in ("one", "one", "two", "two")] == [True, False, True, False]
    assert ledger.spent(key="two") == (5760, 11_520)


def test_the_deployments_budget_counts_all_keys() -> None:
    ledger = Ledger(limit=12_000, key_limit=11_600)
    assert [ledger.reserve(key=key)[1].granted for key in ("one", "two", "three")] == [True, True, False]


@pytest.mark.parametrize(("limit", "key_limit", "left"), [(20_000, 7_000, 1_240), (6_000, 7_000, 240)])
def test_what_is_left_is_that_of_the_budget_that_ends_first(limit: int, key_limit: int, left: int) -> None:
    assert Ledger(limit, key_limit).reserve()[1].left == {"neurons": left}


def test_without_a_limit_everything_is_granted_and_counted() -> None:
    ledger = Ledger()
    assert ledger.reserve()[1] == Answer(granted=True, left={})
    assert ledger.spent() == (5760, 5760)


def test_a_limit_that_was_lowered_leaves_nothing_and_never_less() -> None:
    ledger = Ledger(limit=10_000)
    ledger.reserve()
    ledger.limits = {"neurons": 100}
    assert ledger.reserve()[1] == Answer(granted=False, left={"neurons": 0})


def test_every_unit_that_has_a_limit_must_fit() -> None:
    """Such as dollars: the ledger treats all units alike."""
    ledger = Ledger(limit=100_000)
    ledger.limits["dollars"] = 1000
    assert ledger.reserve(amounts={"neurons": 5760, "dollars": 634})[1].left == {"neurons": 94_240, "dollars": 366}
    assert not ledger.reserve(amounts={"neurons": 5760, "dollars": 634})[1].granted
    assert ledger.reserve(amounts={"neurons": 5760})[1].granted


# --- settling -------------------------------------------------------------------------------------


def test_what_is_certain_to_have_cost_nothing_is_given_back() -> None:
    ledger = Ledger(limit=6000)
    id, _ = ledger.reserve()
    ledger.book.settle(NOW + 1, id, {})
    assert ledger.spent() == (0, 0)
    assert ledger.book.usage(NOW, "one").today == {}
    assert ledger.reserve()[1].granted


def test_what_was_drawn_stays() -> None:
    ledger = Ledger()
    id, _ = ledger.reserve()
    ledger.book.settle(NOW + 1, id, NEURONS)
    assert ledger.spent() == (5760, 5760)


@pytest.mark.parametrize("cost", [0, 1, 473, 2000, 2500])
def test_a_writers_reservation_becomes_what_its_tokens_cost(cost: int) -> None:
    ledger = Ledger()
    id, _ = ledger.reserve(amounts={"neurons": 2000})
    ledger.book.settle(NOW + 1, id, {"neurons": cost})
    assert ledger.spent() == (cost, cost)


def test_a_reservation_is_settled_once() -> None:
    ledger = Ledger()
    first, _ = ledger.reserve()
    ledger.reserve()
    for _ in range(3):
        ledger.book.settle(NOW + 1, first, {})
    ledger.book.settle(NOW + 1, "id-of-nobody", {})
    assert ledger.spent() == (5760, 5760)


def test_a_reservation_that_nobody_settles_becomes_spent() -> None:
    """After ten minutes it can no longer be released, whether or not anything was reserved in between."""
    for reserved_between in (False, True):
        ledger = Ledger()
        early, _ = ledger.reserve(NOW)
        late, _ = ledger.reserve(NOW + 1)
        if reserved_between:
            ledger.reserve(NOW + OPEN_SECONDS, key="two")
            assert ledger.run("SELECT id FROM open ORDER BY id") == [[late], ["id-3"]]
        ledger.book.settle(NOW + OPEN_SECONDS, early, {})
        ledger.book.settle(NOW + OPEN_SECONDS, late, {})
        assert ledger.spent()[0] == 5760


# --- days -----------------------------------------------------------------------------------------


def test_a_day_begins_at_midnight_utc() -> None:
    ledger = Ledger(limit=6000)
    assert [ledger.reserve(now)[1].granted for now in (MIDNIGHT - 2, MIDNIGHT - 0.001, MIDNIGHT, MIDNIGHT + 1)] == [
        True,
        False,
        True,
        False,
    ]
    assert (seconds_left(MIDNIGHT - 1), seconds_left(MIDNIGHT), seconds_left(NOW)) == (1, SECONDS_A_DAY, 6 * 3600)
    assert day_of(MIDNIGHT) == day_of(MIDNIGHT - 0.001) + 1


def test_what_is_given_back_after_midnight_belongs_to_the_day_on_which_it_was_reserved() -> None:
    ledger = Ledger()
    id, _ = ledger.reserve(MIDNIGHT - 1)
    ledger.reserve(MIDNIGHT + 1)
    ledger.book.settle(MIDNIGHT + 2, id, {})
    assert ledger.spent(MIDNIGHT + 2) == (5760, 5760)
    assert ledger.book.usage(MIDNIGHT + 2, "one").all_days == {"neurons": 5760, "pictures": 1}


def test_usage_tells_31_days_and_the_32nd_is_forgotten() -> None:
    ledger = Ledger()
    ledger.reserve(NOW)
    last, after = NOW + (DAYS - 1) * SECONDS_A_DAY, NOW + DAYS * SECONDS_A_DAY
    assert ledger.book.usage(last, "one").days == {"schnell": NEURONS}
    assert ledger.book.usage(last, "one").today == {}
    ledger.reserve(last, key="two")
    assert ledger.run("SELECT count(*) FROM spent WHERE key = 'one'") == [[2]]

    assert ledger.book.usage(after, "one") == Usage({}, {}, {"neurons": 0, "pictures": 0}, NEURONS)
    ledger.reserve(after, key="two")
    assert ledger.run("SELECT count(*) FROM spent WHERE key = 'one'") == [[0]]


# --- usage ----------------------------------------------------------------------------------------


def test_usage_is_by_model_for_the_key_and_as_totals_for_the_deployment() -> None:
    ledger = Ledger()
    ledger.reserve(NOW - SECONDS_A_DAY, model="phoenix", amounts={"neurons": 237_000, "pictures": 1})
    ledger.reserve()
    ledger.reserve()
    ledger.reserve(model="writer", amounts={"neurons": 473})
    ledger.reserve(key="two")
    ledger.reserve(model="unpriced", amounts={"pictures": 1})
    today = {
        "schnell": {"neurons": 11_520, "pictures": 2},
        "unpriced": {"pictures": 1},
        "writer": {"neurons": 473},
    }
    assert ledger.book.usage(NOW, "one") == Usage(
        today=today,
        days={"phoenix": {"neurons": 237_000, "pictures": 1}, **today},
        all_today={"neurons": 17_753, "pictures": 4},
        all_days={"neurons": 254_753, "pictures": 5},
    )
    assert Ledger().book.usage(NOW, "one") == Usage({}, {}, {}, {})


def test_a_book_goes_on_where_the_last_one_stopped() -> None:
    """The object is restarted on the same storage."""
    ledger = Ledger(limit=6000)
    id, _ = ledger.reserve()
    ledger.book = Book(ledger.run)
    assert not ledger.reserve()[1].granted
    ledger.book.settle(NOW, id, {})
    assert ledger.reserve()[1].granted


# --- any sequence ---------------------------------------------------------------------------------

KEYS = ("one", "two")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.sampled_from(KEYS), st.integers(0, 60)),
        st.tuples(st.just("settle"), st.integers(0, 30), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.sampled_from((1, OPEN_SECONDS // 2, SECONDS_A_DAY // 3)), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 200), st.integers(0, 120))
def test_no_sequence_spends_more_than_the_budgets_or_loses_anything(
    steps: list[tuple[str, Any, int]], limit: int, key_limit: int
) -> None:
    """Compared with a simpler calculation: a list of all reservations."""
    ledger, now = Ledger(limit, key_limit), float(NOW)
    made: list[dict[str, Any]] = []

    def spent(key: str | None = None) -> int:
        return sum(one["amount"] for one in made if one["day"] == day_of(now) and key in (None, one["key"]))

    for kind, what, amount in steps:
        if kind == "wait":
            now += what
        elif kind == "reserve":
            fits = spent() + amount <= limit and spent(what) + amount <= key_limit
            id, answer = ledger.reserve(now, what, amounts={"neurons": amount})
            assert answer.granted == fits
            if fits:
                made.append({"id": id, "key": what, "day": day_of(now), "made": now, "most": amount, "amount": amount})
        elif what < len(made):
            one = made[what]
            cost = min(amount, one["most"])
            ledger.book.settle(now, one["id"], {"neurons": cost})
            if "settled" not in one and one["made"] > now - OPEN_SECONDS:
                one["amount"] = cost
            one["settled"] = True
        for key in KEYS:
            assert ledger.spent(now, key) == (spent(key), spent())
            assert spent(key) <= key_limit
        assert spent() <= limit


def test_no_amount_is_ever_a_float() -> None:
    ledger = Ledger(limit=100_000)
    id, _ = ledger.reserve(NOW + 0.5)
    ledger.book.settle(NOW + 1.5, id, {"neurons": 473})
    assert ledger.run("SELECT DISTINCT typeof(amount) FROM spent") == [["integer"]]
    assert ledger.run("SELECT DISTINCT typeof(day) FROM spent") == [["integer"]]
