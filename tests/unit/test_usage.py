"""`GET /v1/usage`, and keys with names."""

import asyncio
from typing import Any

import pytest

from flux.ports import LedgerFailed
from flux.settings import read_api_keys
from tests.builders import GENERATIONS, NOW, SCHNELL, Service, posted, request
from tests.fakes import Allowance, Outcome, Tally

pytestmark = pytest.mark.usefixtures("clock")

KLEIN = "@cf/black-forest-labs/flux-2-klein-4b"
KEYS = "phone:secret-one,secret-two"
MIDNIGHT = NOW + 6 * 3600


async def drawn(service: Service, key: str, **fields: Any) -> int:
    """The status of a generation with a key."""
    return (await service.ask(posted(GENERATIONS, {"prompt": "A cat", **fields}, key=key))).status


async def usage(service: Service, key: str) -> Any:
    """The usage reported to the key."""
    answer = await service.ask(request("/v1/usage", key=key))
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_key_is_told_its_own_usage_and_the_totals_of_all() -> None:
    service = Service(variables={"API_KEY": KEYS, "DAILY_NEURONS": "9500", "KEY_DAILY_NEURONS": "500"})
    await drawn(service, "secret-one", n=2)
    await drawn(service, "secret-two", model="klein", size="1024x1024")
    await asyncio.sleep(6 * 3600)
    await drawn(service, "secret-one")

    one = {"pictures": 1, "neurons": 57.6, "dollars": 0.000634}
    three = {"pictures": 3, "neurons": 172.8, "dollars": 0.001902}
    assert await usage(service, "secret-one") == {
        "object": "usage",
        "counting": True,
        "resets_at": MIDNIGHT + 86_400,
        "key": {
            "name": "phone",
            "today": {**one, "models": {SCHNELL: one}},
            "last_31_days": {**three, "models": {SCHNELL: three}},
            "budget": {"neurons": {"limit": 500, "left": 442.4}},
        },
        "deployment": {
            "today": one,
            "last_31_days": {"pictures": 4, "neurons": 277.0, "dollars": 0.003049},
            "budget": {"neurons": {"limit": 9500, "left": 9442.4}},
        },
    }
    other = await usage(service, "secret-two")
    assert other["key"]["name"] is None
    assert other["key"]["today"] == {"pictures": 0, "neurons": 0, "dollars": 0, "models": {}}
    assert other["key"]["last_31_days"]["models"] == {KLEIN: {"pictures": 1, "neurons": 104.2, "dollars": 0.001147}}


async def test_counting_has_figures_and_no_budget() -> None:
    service = Service(variables={"API_KEY": "one", "COUNT_USAGE": "true"})
    await drawn(service, "one", optimize=True)
    told = await usage(service, "one")
    assert told["counting"] is True
    assert told["key"]["today"] == {
        "pictures": 1,
        "neurons": 62.6,
        "dollars": 0.000689,
        "models": {
            SCHNELL: {"pictures": 1, "neurons": 57.6, "dollars": 0.000634},
            "@cf/a/writer": {"pictures": 0, "neurons": 5, "dollars": 0.000055},
        },
    }
    assert (told["key"]["budget"], told["deployment"]["budget"]) == (None, None)


async def test_without_counting_there_are_no_figures() -> None:
    service = Service(variables={"API_KEY": "one"})
    await drawn(service, "one")
    nothing = {"pictures": None, "neurons": None, "dollars": None}
    assert await usage(service, "one") == {
        "object": "usage",
        "counting": False,
        "resets_at": MIDNIGHT,
        "key": {
            "name": None,
            "today": {**nothing, "models": None},
            "last_31_days": {**nothing, "models": None},
            "budget": None,
        },
        "deployment": {"today": nothing, "last_31_days": nothing, "budget": None},
    }
    assert service.tally.asked == 0


@pytest.mark.parametrize(("outcome", "reason"), [(LedgerFailed("out of order"), "out of order"), (30.0, "time-out")])
async def test_a_ledger_that_does_not_answer_is_a_503(outcome: Outcome, reason: str) -> None:
    service = Service(variables={"COUNT_USAGE": "true"}, tally=Tally(outcome))
    answer = await service.get("/v1/usage")
    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (503, "budget_unavailable", "5")
    assert service.log[0]["ledger_error"] == reason


async def test_usage_needs_a_key() -> None:
    assert (await Service().get("/v1/usage", key=None)).error["code"] == "invalid_api_key"
    assert (await Service().get("/usage")).status == 200


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("secret", ("secret", "")),
        ("phone:secret", ("secret", "phone")),
        ("my phone: se:cr:et", ("se:cr:et", "my phone")),
        (":secret", (":secret", "")),
        ("secret:", ("secret:", "")),
        ("x" * 41 + ":secret", ("x" * 41 + ":secret", "")),
    ],
)
def test_an_entry_is_a_key_or_a_name_and_a_key(entry: str, key: tuple[str, str]) -> None:
    [read] = read_api_keys({"API_KEY": entry})
    assert ((read.key, read.name), read.entry) == (key, entry)


@pytest.mark.parametrize("sent", ["secret-one", "phone:secret-one"])
async def test_a_whole_entry_is_a_key_as_well_and_the_same_one(sent: str) -> None:
    """So that older keys with a colon still work. Both have the same budget and rate limit."""
    service = Service(variables={"API_KEY": KEYS, "KEY_DAILY_NEURONS": "60"}, limiter=Allowance())
    assert await drawn(service, sent) == 200
    assert await drawn(service, "secret-one") == 429
    assert len(service.limiter.spent) == 1
    assert service.log[0]["key"] == "phone"


@pytest.mark.parametrize("sent", ["phone", "phone:", "phone:secret-two", "secret-one,secret-two", ":secret-one"])
async def test_nothing_else_is_a_key(sent: str) -> None:
    assert await drawn(Service(variables={"API_KEY": KEYS}), sent) == 401


async def test_a_key_without_a_name_has_none_in_the_log() -> None:
    service = Service(variables={"API_KEY": KEYS})
    await drawn(service, "secret-two")
    assert "key" not in service.log[0]
