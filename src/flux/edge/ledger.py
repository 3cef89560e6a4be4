"""The ledger as a Durable Object, and how requests reach it.

Each deployment has exactly one such object. Questions and answers are each passed as one JSON text.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from pyodide.ffi import JsException

from flux.http import Background
from flux.ledger import Amounts, Answer, Book, Reservation, Usage
from flux.ports import LedgerFailed

NAME = "ledger"
"""The name of the one object."""
MAX_REASON = 300
"""Most characters of a failure's text that are logged."""


# --- the object -----------------------------------------------------------------------------------


def book_of(storage: Any) -> Book:
    """The ledger in a Durable Object's SQLite. `storage` is the SDK's object."""
    return Book(lambda statement, *values: storage.sql.exec(statement, *values).raw().toArray())


def answered(book: Book, question: str) -> str:
    """The answer to one question, both in JSON."""
    asked = json.loads(question)
    answer = _QUESTIONS[asked.pop("ask")](book, asked)
    return json.dumps(answer and asdict(answer))


_QUESTIONS: Mapping[str, Callable[[Book, dict[str, Any]], Any]] = {
    "reserve": lambda book, asked: book.reserve(time.time(), Reservation(**asked)),
    "settle": lambda book, asked: book.settle(time.time(), **asked),
    "usage": lambda book, asked: book.usage(time.time(), **asked),
}


# --- how requests reach it ------------------------------------------------------------------------


class DurableLedger:
    """`Ledger` over `env.LEDGER`, for one request. Its stub keeps calls in order."""

    def __init__(self, namespace: Any, background: Background) -> None:
        self._stub = namespace.getByName(NAME)
        self._background = background

    async def reserve(self, asked: Reservation) -> Answer:
        """See `Ledger.reserve`."""
        return Answer(**await self._answer("reserve", asdict(asked)))

    def count(self, asked: Reservation) -> None:
        """See `Ledger.count`."""
        self._tell("reserve", asdict(asked))

    def settle(self, id: str, amounts: Amounts) -> None:
        """See `Ledger.settle`."""
        self._tell("settle", {"id": id, "amounts": dict(amounts)})

    async def usage(self, key: str) -> Usage:
        """See `Ledger.usage`."""
        return Usage(**await self._answer("usage", {"key": key}))

    def _ask(self, kind: str, asked: dict[str, Any]) -> Awaitable[str]:
        """Send the question now; await the result for the JSON of the answer."""
        answer: Awaitable[str] = self._stub.ask(json.dumps({"ask": kind, **asked}))
        return answer

    async def _answer(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(await self._ask(kind, asked))
        except JsException as error:
            raise LedgerFailed((error.message or error.name)[:MAX_REASON]) from error
        return answer

    def _tell(self, kind: str, asked: dict[str, Any]) -> None:
        """Send the question now, and wait for the answer in the background."""
        self._background(_ended(self._ask(kind, asked)))


async def _ended(answer: Awaitable[str]) -> None:
    with suppress(JsException):  # nothing to report: what was not released counts as spent
        await answer
