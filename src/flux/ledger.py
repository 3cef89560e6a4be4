"""The ledger: what was spent on which day, by key and model, and whether more of it fits.

Rules alone. They are given the time, and something that runs SQL: SQLite in a Durable Object (`edge/ledger.py`), which
lets one call in at a time and keeps all or nothing of what it wrote, or Python's own in tests.

Amounts are whole numbers by unit, "pictures" and "neurons" (hundredths); any other unit is counted in the same way.
An amount counts from the moment in which it is reserved. Settling takes back what was not used; where nobody settles,
because the Worker died or the outcome is not known, it stays spent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SECONDS_A_DAY = 86_400
DAYS = 31
"""Of which usage is told, today included. What is older is forgotten."""
OPEN_SECONDS = 600
"""A reservation that nobody has settled by then is spent."""
FORGET_SECONDS = 60
"""How often rows are looked for that are of no use any more. What is counted does not depend on it."""

Amounts = Mapping[str, int]
Run = Callable[..., list[list[Any]]]
"""Runs a statement with its values, and gives the rows that it returns."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS spent (
        day INTEGER NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (day, key, model, unit)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS open (
        id TEXT PRIMARY KEY, made INTEGER NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL,
        amounts TEXT NOT NULL
    ) WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call of a model will cost at most."""

    id: str
    """Never used twice."""
    key: str
    """Whose budget it counts against: a digest of the API key."""
    model: str
    amounts: Amounts
    limits: Amounts = field(default_factory=dict)
    """What the deployment may spend in a day, by unit."""
    key_limits: Amounts = field(default_factory=dict)
    """What the key may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a reservation was made."""

    granted: bool
    left: Amounts
    """By unit with a limit, after the reservation: of the deployment's and the key's the one that ends first."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent, reservations included."""

    today: Mapping[str, Amounts]
    """Of the key, by model."""
    days: Mapping[str, Amounts]
    """The same of the last `DAYS`."""
    all_today: Amounts
    """Of the deployment."""
    all_days: Amounts


def day_of(now: float) -> int:
    """The day (UTC) of a Unix time, counted from 1970."""
    return int(now) // SECONDS_A_DAY


def seconds_left(now: float) -> int:
    """Until the next day begins, at 00:00 UTC."""
    return SECONDS_A_DAY - int(now) % SECONDS_A_DAY


class Book:
    """The ledger over its two tables."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._forgot = 0.0
        for statement in _SCHEMA:
            run(statement)

    def reserve(self, now: float, asked: Reservation) -> Answer:
        """Count the amounts, if they fit into every limit."""
        day = day_of(now)
        self._forget(now)
        left = self._left(day, asked)
        fits = all(asked.amounts.get(unit, 0) <= amount for unit, amount in left.items())
        if not fits:
            return Answer(granted=False, left=left)
        for unit, amount in asked.amounts.items():
            self._run(
                "INSERT INTO spent VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
                *(day, asked.key, asked.model, unit, amount),
            )
        self._run(
            "INSERT INTO open VALUES (?, ?, ?, ?, ?, ?)",
            *(asked.id, int(now), day, asked.key, asked.model, json.dumps(dict(asked.amounts))),
        )
        return Answer(granted=True, left={unit: amount - asked.amounts.get(unit, 0) for unit, amount in left.items()})

    def settle(self, now: float, id: str, amounts: Amounts) -> None:
        """Say what a reservation has really cost; a unit that is not named cost nothing. Too late, nothing changes."""
        closed = self._run("DELETE FROM open WHERE id = ? RETURNING made, day, key, model, amounts", id)
        for made, day, key, model, reserved in closed:
            if made <= int(now) - OPEN_SECONDS:
                return
            for unit, amount in json.loads(reserved).items():
                if change := amounts.get(unit, 0) - amount:
                    self._run(
                        "UPDATE spent SET amount = amount + ? WHERE day = ? AND key = ? AND model = ? AND unit = ?",
                        *(change, day, key, model, unit),
                    )

    def usage(self, now: float, key: str) -> Usage:
        """What the key and the deployment have spent."""
        day = day_of(now)
        rows = self._run(
            "SELECT model, unit, sum(amount), sum(amount * (day = ?1)), sum(amount * (key = ?2)), "
            "sum(amount * (day = ?1) * (key = ?2)) FROM spent WHERE day > ?3 GROUP BY model, unit ORDER BY model, unit",
            *(day, key, day - DAYS),
        )
        own_today: dict[str, dict[str, int]] = {}
        own_days: dict[str, dict[str, int]] = {}
        all_today: dict[str, int] = {}
        all_days: dict[str, int] = {}
        for model, unit, total, today, own, today_own in rows:
            all_days[unit] = all_days.get(unit, 0) + total
            all_today[unit] = all_today.get(unit, 0) + today
            if own:
                own_days.setdefault(model, {})[unit] = own
            if today_own:
                own_today.setdefault(model, {})[unit] = today_own
        return Usage(own_today, own_days, all_today, all_days)

    def _left(self, day: int, asked: Reservation) -> dict[str, int]:
        """What is left of each unit that has a limit, never less than nothing."""
        if not asked.limits and not asked.key_limits:
            return {}
        rows = self._run(
            "SELECT unit, sum(amount), sum(amount * (key = ?)) FROM spent WHERE day = ? GROUP BY unit", asked.key, day
        )
        spent = {unit: (total, own) for unit, total, own in rows}
        left: dict[str, int] = {}
        for place, limits in enumerate((asked.limits, asked.key_limits)):
            for unit, limit in limits.items():
                rest = max(0, limit - spent.get(unit, (0, 0))[place])
                left[unit] = min(rest, left.get(unit, rest))
        return left

    def _forget(self, now: float) -> None:
        """What can no longer be settled, and days of which nothing is told any more."""
        if now < self._forgot + FORGET_SECONDS:
            return
        self._forgot = now
        self._run("DELETE FROM open WHERE made <= ?", int(now) - OPEN_SECONDS)
        self._run("DELETE FROM spent WHERE day <= ?", day_of(now) - DAYS)
