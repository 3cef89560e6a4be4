"""Failures around the ledger, on real workerd: it counts at least what was drawn, and exactly that if it is known.

One deployment with a key for each case, so that each has its own figures.
"""

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from flux.ledger import SECONDS_A_DAY
from tests import costs
from tests.worker.service import error_of, eventually
from tests.workerd import NO_LEDGER, Workerd

PICTURE = 57.6
GENERATIONS, CHAT = "/v1/images/generations", "/v1/chat/completions"
BUDGET, TEN_EACH, BROKEN = "budget", "ten-each", f"budget{NO_LEDGER}"
SETTLING_SECONDS = 5
"""The stand-in needs two until it marks a call as aborted."""


@dataclass(frozen=True)
class Case:
    """One kind of failure."""

    marks: str
    status: int | None
    """None for a caller who does not wait for the answer."""
    neurons: float
    """The amount in the ledger afterwards."""
    drawn: float
    """The least that the stand-in has drawn."""
    n: int = 1
    stream: bool = False


CASES: dict[str, Case] = {
    "drawn": Case("", 200, PICTURE, PICTURE),
    "several": Case("", 200, 3 * PICTURE, 3 * PICTURE, n=3),
    "refused": Case("[[fault 3030]]", 400, 0, 0),
    "the account is spent": Case("[[fault 3036]]", 429, 0, 0),
    "not allowed": Case("[[fault 5018]]", 502, 0, 0),
    "busy once": Case("[[fault 3040 x1]]", 200, PICTURE, PICTURE),
    "busy": Case("[[fault 3040]]", 503, 0, 0),
    "too slow": Case("[[fault 3007 x1]]", 200, 2 * PICTURE, PICTURE),
    "lost": Case("[[fault text Network connection lost.]]", 503, 3 * PICTURE, 0),
    "flagged": Case("[[fault 3030 x1: Your output has been flagged]]", 200, 2 * PICTURE, PICTURE),
    "unknown": Case("[[fault text upstream connect error]]", 502, PICTURE, 0),
    "no picture": Case("[[answer html]]", 502, PICTURE, PICTURE),
    "a proxy's page": Case("[[http 503]]", 502, PICTURE, 0),
    "put failed": Case("[[put 500]]", 200, PICTURE, PICTURE),
    "put hangs": Case("[[put hang]]", 200, PICTURE, PICTURE),
    "left": Case("[[delay 20s]]", None, PICTURE, 0),
    "left a stream": Case("[[delay 20s]]", None, PICTURE, 0, stream=True),
}


def key_of(name: str) -> str:
    """The key of a case."""
    return f"key-{list(CASES).index(name)}"


@pytest.fixture(scope="module")
def budgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """A deployment with a budget that is never used up, and one with a broken ledger."""
    keys = ",".join([*map(key_of, CASES), "key-of-before", "key-of-crash", "key-of-writer"])
    variables = {"API_KEY": keys, "DAILY_NEURONS": "1000000", "KEY_DAILY_NEURONS": "10000"}
    deployments = {
        BUDGET: variables,
        TEN_EACH: {"API_KEY": "phone:key-of-phone,key-of-nobody", "KEY_DAILY_NEURONS": "576"},
        BROKEN: {"DAILY_NEURONS": "100"},
    }
    with Workerd(tmp_path_factory.mktemp("budget") / "bare", deployments) as running:
        yield running


def token_of(name: str) -> str:
    """A text in all prompts of a case."""
    return f"case-{name.replace(' ', '-')}."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def statuses(budgets: Workerd) -> AsyncIterator[dict[str, int | None]]:
    """The status of every case. All are requested at the same time, and everything is settled afterwards."""

    async def ask(name: str, case: Case) -> int | None:
        body = {"messages": [{"role": "user", "content": f"a cat {token_of(name)} {case.marks}"}], "n": case.n}
        async with budgets.caller(BUDGET, key=key_of(name)) as caller:
            if case.status is not None:
                return (await caller.post(CHAT, json=body)).status_code
            with contextlib.suppress(httpx.ReadTimeout):
                async with caller.stream("POST", CHAT, json={**body, "stream": case.stream}, timeout=3) as response:
                    async for _ in response.aiter_raw():
                        break
            return None

    found = await asyncio.gather(*(ask(name, case) for name, case in CASES.items()))
    await asyncio.sleep(SETTLING_SECONDS)
    yield dict(zip(CASES, found, strict=True))


async def usage(bare: Workerd, key: str, deployment: str = BUDGET) -> Any:
    """The usage reported to a key."""
    async with bare.caller(deployment, key=key) as caller:
        return (await caller.get("/v1/usage")).json()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", CASES)
async def test_the_ledger_has_what_may_have_been_drawn(
    budgets: Workerd, statuses: dict[str, int | None], name: str
) -> None:
    case = CASES[name]
    calls = budgets.calls(token_of(name))["calls"]
    told = await usage(budgets, key_of(name))
    assert statuses[name] == case.status
    assert told["key"]["today"]["neurons"] == pytest.approx(case.neurons)
    assert costs.of_pictures(calls) == pytest.approx(case.drawn)
    assert told["key"]["budget"]["neurons"]["left"] == pytest.approx(10_000 - case.neurons)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_totals_are_those_of_all_keys(budgets: Workerd, statuses: dict[str, int | None]) -> None:
    assert len(statuses) == len(CASES)
    told = await usage(budgets, "key-of-before")
    assert told["deployment"]["today"]["neurons"] == pytest.approx(sum(case.neurons for case in CASES.values()))
    assert told["key"]["today"] == {"pictures": 0, "neurons": 0, "dollars": 0, "models": {}}
    reservations = sqlite3.connect(f"file:{budgets.ledger_file(BUDGET)}?mode=ro", uri=True)
    assert reservations.execute("SELECT count(*) FROM open").fetchall() == [(0,)]


@pytest.mark.asyncio(loop_scope="module")
async def test_two_keys_do_not_see_each_others_budget(budgets: Workerd) -> None:
    """Each key draws its ten pictures, whatever the other does at the same time, and sees only its own usage."""
    keys = {"key-of-phone": "phone", "key-of-nobody": None}

    async def drawn(key: str) -> list[int]:
        body = {"prompt": f"a harbour {key}", "response_format": "b64_json"}
        async with budgets.caller(TEN_EACH, key=key) as caller:
            answers = await asyncio.gather(*(caller.post(GENERATIONS, json=body) for _ in range(20)))
        return sorted(answer.status_code for answer in answers)

    assert await asyncio.gather(*map(drawn, keys)) == [[200] * 10 + [429] * 10] * 2
    for key, name in keys.items():
        assert budgets.calls(key)["count"] == 10
        told = await usage(budgets, key, TEN_EACH)
        assert told["key"]["name"] == name
        assert (told["key"]["today"]["pictures"], told["key"]["today"]["neurons"]) == (10, 576)
        assert told["key"]["budget"] == {"neurons": {"limit": 576, "left": 0}}
        assert told["deployment"]["today"] == {"pictures": 20, "neurons": 1152, "dollars": 0.01268}
        assert told["deployment"]["budget"] is None
    assert "phone" in {line.get("key") for line in budgets.log_lines()}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_writer_is_settled_by_the_tokens_that_it_counted(budgets: Workerd) -> None:
    """Fewer than `max_tokens`, which were reserved."""
    async with budgets.caller(BUDGET, key="key-of-writer") as caller:
        body = {"prompt": "a mill", "optimize": True, "response_format": "b64_json"}
        answer = await caller.post(GENERATIONS, json=body)
    cost, left = (float(answer.headers[name]) for name in ("x-cost-neurons", "x-budget-remaining-neurons"))
    told = (await usage(budgets, "key-of-writer"))["key"]["today"]
    assert 0 < cost - PICTURE < 5
    assert (told["neurons"], left) == (cost, 10_000 - cost)
    assert answer.json()["data"][0]["revised_prompt"] != "a mill"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_worker_that_is_killed_in_the_middle_has_counted_what_it_had_drawn(budgets: Workerd) -> None:
    """Four pictures are delivered and twelve are being drawn when the process dies. All were reserved before."""
    key = "key-of-crash"
    marks = [*([""] * 4), *(["[[delay 60s]]"] * 12)]
    async with budgets.caller(BUDGET, key=key) as caller:
        bodies = [{"prompt": f"a cat case-crash. {mark}", "response_format": "b64_json"} for mark in marks]
        asked = [asyncio.create_task(caller.post(GENERATIONS, json=body)) for body in bodies]
        await asyncio.gather(*asked[:4])
        assert await asyncio.to_thread(eventually, lambda: len(budgets.calls("case-crash.")["calls"]) == len(marks))
        await asyncio.to_thread(budgets.crash)
        answers = await asyncio.gather(*asked, return_exceptions=True)
    delivered = [one for one in answers if isinstance(one, httpx.Response) and one.status_code == 200]
    assert len(delivered) == 4
    await asyncio.sleep(SETTLING_SECONDS)
    told = (await usage(budgets, key))["key"]["today"]
    calls = budgets.calls("case-crash.")["calls"]
    assert told["neurons"] >= costs.of_pictures(calls) >= len(delivered) * PICTURE
    assert told["neurons"] >= costs.of_calls(calls)
    assert told["neurons"] <= 16 * PICTURE


@pytest.mark.asyncio(loop_scope="module")
async def test_rows_of_earlier_days_are_not_counted_and_later_forgotten(budgets: Workerd) -> None:
    """Rows inserted while the object is closed: yesterday, the 31st day and the 32nd, all over budget."""
    key, today = "key-of-before", int(time.time()) // SECONDS_A_DAY
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]

    def ages() -> list[int]:
        with contextlib.closing(sqlite3.connect(budgets.ledger_file(BUDGET))) as storage:
            rows = storage.execute("SELECT DISTINCT day FROM spent WHERE key = ? ORDER BY day DESC", (digest,))
            return [today - day for (day,) in rows]

    def insert() -> None:
        with contextlib.closing(sqlite3.connect(budgets.ledger_file(BUDGET))) as storage, storage:
            for age in (1, 30, 31):
                for unit, amount in (("neurons", 200_000_000), ("pictures", 1)):
                    storage.execute("INSERT INTO spent VALUES (?, ?, 'old', ?, ?)", (today - age, digest, unit, amount))

    await asyncio.to_thread(budgets.crash, insert)
    told = (await usage(budgets, key))["key"]
    assert told["today"] == {"pictures": 0, "neurons": 0, "dollars": 0, "models": {}}
    assert told["last_31_days"] == {
        "pictures": 2,
        "neurons": 4_000_000,
        "dollars": 0,
        "models": {"old": {"pictures": 2, "neurons": 4_000_000, "dollars": 0}},
    }
    assert told["budget"]["neurons"]["left"] == 10_000
    assert ages() == [1, 30, 31]

    async with budgets.caller(BUDGET, key=key) as caller:
        assert (await caller.post(GENERATIONS, json={"prompt": "a cat"})).status_code == 200
    assert ages() == [0, 1, 30]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_budget_holds_while_its_ledger_is_out_of_order(budgets: Workerd) -> None:
    """Nothing is drawn. Health reports it, and usage does not wait longer than usual."""
    async with budgets.caller(BROKEN) as caller:
        refused = await caller.post(GENERATIONS, json={"prompt": "a cat case-broken."})
        error = error_of(refused)
        assert (refused.status_code, error["code"]) == (503, "budget_unavailable")
        assert (refused.headers["retry-after"], refused.headers["x-should-retry"]) == ("5", "true")
        assert budgets.calls("case-broken.")["count"] == 0

        health = (await caller.get("/health")).json()
        assert (health["status"], health["checks"]["ledger"]) == ("degraded", "does not answer")
        told = await caller.get("/v1/usage")
        assert (told.status_code, error_of(told)["code"]) == (503, "budget_unavailable")
    assert any("out of order" in line.get("ledger_error", "") for line in budgets.log_lines())
