"""The ledger: what was spent on which day, by key and model, and whether another amount fits the limits.

This module has only the rules. It is given the time and a function that runs SQL: on SQLite in a Durable Object
(`edge/ledger.py`), which handles one call at a time and writes all changes of a call or none, or on Python's SQLite in
tests.

Amounts are whole numbers by unit: "pictures", "neurons" (in hundredths) or any other unit. An amount counts from the
moment it is reserved. Settling a reservation releases what was not used. If it is never settled, because the Worker
died or the outcome is unknown, it stays spent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SECONDS_A_DAY = 86_400
DAYS = 31
"""Days for which usage is kept and reported, today included. Older days are deleted."""
OPEN_SECONDS = 600
"""A reservation that is still open after this time counts as spent."""
FORGET_SECONDS = 60
"""Shortest time between deletions of old rows. It does not affect the amounts."""

Amounts = Mapping[str, int]
Run = Callable[..., list[list[Any]]]
"""Runs a statement with its values and returns the resulting rows."""

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
    """The most that one call of a model will cost."""

    id: str
    """Unique."""
    key: str
    """The key whose budget it counts against, as a digest of the API key."""
    model: str
    amounts: Amounts
    limits: Amounts = field(default_factory=dict)
    """The deployment's daily limits, by unit."""
    key_limits: Amounts = field(default_factory=dict)
    """The key's daily limits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a reservation was made, and what is left."""

    granted: bool
    left: Amounts
    """What is left after the reservation, for each unit with a limit: the smaller of the deployment's and the key's
    rest."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent, including open reservations."""

    today: Mapping[str, Amounts]
    """What the key spent, by model."""
    days: Mapping[str, Amounts]
    """The same for the last `DAYS`."""
    all_today: Amounts
    """What the deployment spent."""
    all_days: Amounts


def day_of(now: float) -> int:
    """The UTC day of a Unix time, as days since 1970."""
    return int(now) // SECONDS_A_DAY


def seconds_left(now: float) -> int:
    """Seconds until the next day begins at 00:00 UTC."""
    return SECONDS_A_DAY - int(now) % SECONDS_A_DAY


class Book:
    """The ledger, on top of its two tables."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._forgot = 0.0
        for statement in _SCHEMA:
            run(statement)

    def reserve(self, now: float, asked: Reservation) -> Answer:
        """Count the amounts if they fit into every limit."""
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
        """Record the real cost of a reservation; a unit that is not named cost nothing. Late calls have no effect."""
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
        """What is left of each unit that has a limit, at least 0."""
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
        """Delete reservations that can no longer be settled, and days that are no longer reported."""
        if now < self._forgot + FORGET_SECONDS:
            return
        self._forgot = now
        self._run("DELETE FROM open WHERE made <= ?", int(now) - OPEN_SECONDS)
        self._run("DELETE FROM spent WHERE day <= ?", day_of(now) - DAYS)
