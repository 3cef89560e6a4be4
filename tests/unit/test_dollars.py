"""Budgets in dollars: models of other makers and of Workers AI count together."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders import CHAT, GENERATIONS, SCHNELL, Answer, Service, chat_of, posted
from tests.fakes import Painter
from tests.unit.test_budgets import BUSY, refused

pytestmark = pytest.mark.usefixtures("clock")

KONTEXT, GPT, BANANA = "black-forest-labs/flux-1-kontext-pro", "openai/gpt-image-2", "google/nano-banana"
"""The first costs $0.04 a picture; the others have no published price for a picture."""
DAY, KEY = "DAILY_DOLLARS", "KEY_DAILY_DOLLARS"


def limited(variables: Mapping[str, str] | None = None, **options: Any) -> Service:
    """A service with all models of other makers enabled."""
    return Service(variables={"PARTNER_MODELS": "*", **(variables or {})}, **options)


def costs(answer: Answer) -> tuple[str, str]:
    """The cost of an answer in neurons and in dollars."""
    assert answer.status == 200, answer.text
    return answer.headers["x-cost-neurons"], answer.headers["x-cost-dollars"]


async def today(service: Service) -> Any:
    """What the deployment has spent today."""
    return (await service.get("/v1/usage")).json["deployment"]["today"]


async def test_an_answer_tells_its_cost_in_both_units() -> None:
    """With and without a budget."""
    service = limited()
    assert costs(await service.generate()) == ("57.6", "0.000634")
    assert costs(await service.generate(model=KONTEXT, n=2)) == ("0", "0.08")
    assert "x-cost-dollars" not in (await service.generate(model=GPT)).headers
    assert [line.get("dollars") for line in service.log] == [0.000634, 0.08, None]


async def test_a_budget_counts_models_of_all_makers() -> None:
    service = limited({DAY: "0.0413"})
    assert costs(await service.generate(model=KONTEXT)) == ("0", "0.04")
    exceeded = await service.generate(model=KONTEXT)
    assert refused(exceeded) == (429, "budget_exceeded")
    assert "this call costs $0.04 and the budget has $0.0013 left" in exceeded.error["message"]
    assert [(await service.generate()).status for _ in range(3)] == [200, 200, 429]
    assert await today(service) == {"pictures": 3, "neurons": 115.2, "dollars": 0.041268}


async def test_both_kinds_of_budget_have_to_allow_a_call() -> None:
    service = limited({DAY: "0.05", "DAILY_NEURONS": "60"})
    assert [(await service.generate()).status for _ in range(2)] == [200, 429]  # neurons
    assert [(await service.generate(model=KONTEXT)).status for _ in range(2)] == [200, 429]  # dollars
    few = limited({DAY: "0.001", "DAILY_NEURONS": "1000"})
    assert [(await few.generate()).status for _ in range(2)] == [200, 429]
    budget = (await few.get("/v1/usage")).json["deployment"]["budget"]
    assert budget == {"neurons": {"limit": 1000, "left": 942.4}, "dollars": {"limit": 0.001, "left": 0.000366}}


async def test_each_key_has_dollars_of_its_own() -> None:
    service = limited({KEY: "0.05", "API_KEY": "one,two"})

    async def drawn(key: str) -> int:
        return (await service.ask(posted(GENERATIONS, {"prompt": "A cat", "model": KONTEXT}, key=key))).status

    assert [await drawn(key) for key in ("one", "one", "two", "two")] == [200, 429, 200, 429]


async def test_of_several_pictures_those_that_no_longer_fit_are_missing() -> None:
    answer = await limited({DAY: "0.1"}).generate(model=KONTEXT, n=3)
    assert (len(answer.json["data"]), costs(answer)) == (2, ("0", "0.08"))
    assert any("budget" in warning for warning in answer.json["warnings"])


async def test_what_has_certainly_drawn_nothing_is_given_back() -> None:
    service = limited({DAY: "0.05"}, painter=Painter(BUSY, BUSY, BUSY, BUSY))
    assert (await service.generate(model=KONTEXT)).status == 503
    assert (await today(service))["dollars"] == 0
    assert (await service.generate(model=KONTEXT)).status == 200


async def test_a_price_that_the_owner_states_is_what_counts() -> None:
    service = limited({"PARTNER_MODELS": f"{GPT}=0.13, {KONTEXT}=$0.05", DAY: "$.20"})
    assert costs(await service.generate(model=GPT)) == ("0", "0.13")
    assert costs(await service.generate(model=KONTEXT)) == ("0", "0.05")
    assert (await service.generate(model=KONTEXT)).status == 429


# --- models without a price -----------------------------------------------------------------------


@pytest.mark.parametrize("budget", [DAY, KEY])
async def test_a_model_without_a_price_is_neither_listed_nor_drawn_with(budget: str) -> None:
    service = limited({budget: "10"})
    listed = {one["id"] for one in (await service.get("/v1/models")).json["data"]}
    assert {KONTEXT, SCHNELL} <= listed
    assert not {GPT, BANANA, "@cf/stabilityai/stable-diffusion-xl-base-1.0"} & listed
    for path, body in ((GENERATIONS, {"prompt": "A cat"}), (CHAT, chat_of("A cat"))):
        answer = await service.post(path, {**body, "model": BANANA})
        assert refused(answer) == (400, "unsupported_model")
    assert refused(await service.get(f"/v1/models/{BANANA}")) == (404, "model_not_found")
    assert service.painter.drawings == []


async def test_a_budget_in_neurons_alone_leaves_them_out() -> None:
    """They cost no neurons."""
    service = limited({"DAILY_NEURONS": "100"})
    assert BANANA in {one["id"] for one in (await service.get("/v1/models")).json["data"]}
    assert (await service.generate(model=BANANA)).status == 200


async def test_the_default_model_needs_a_price() -> None:
    answer = await limited({DAY: "10", "FLUX_MODEL": BANANA}).generate()
    assert refused(answer) == (500, "invalid_configuration")
    assert answer.error["message"].startswith("FLUX_MODEL names a model without a known price")
    assert (await limited({DAY: "10", "FLUX_MODEL": KONTEXT}).generate()).status == 200


# --- settings and health --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [DAY, KEY])
@pytest.mark.parametrize(
    "value", ["0", "-1", "1,5", "many", "20000", "0.0000001", "$", ".", "1e3", "5 dollars", "\u0663"]
)
async def test_a_budget_is_a_number_of_dollars(name: str, value: str) -> None:
    answer = await limited({name: value}).generate()
    assert refused(answer) == (500, "invalid_configuration")
    assert answer.error["message"].startswith(f"{name} must be dollars from 0.000001 to 11000")


@pytest.mark.parametrize(
    ("value", "microdollars"),
    [
        ("20", 20_000_000),
        ("$20", 20_000_000),
        ("0.5", 500_000),
        (".5", 500_000),
        ("1.50", 1_500_000),
        ("'7'", 7_000_000),
    ],
)
async def test_dollars_may_be_written_in_every_usual_way(value: str, microdollars: int) -> None:
    service = limited({DAY: value})
    assert service.app.services.settings.limits == {"dollars": microdollars}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "27 enabled, not limited by a budget"),
        ({"DAILY_NEURONS": "100"}, "27 enabled, not limited by a budget"),
        ({DAY: "1"}, "15 enabled, 12 more without a known price are not served"),
        ({KEY: "1", "PARTNER_MODELS": KONTEXT}, "1 enabled"),
        ({"PARTNER_MODELS": ""}, None),
    ],
)
async def test_health_says_whether_they_are_limited(variables: dict[str, str], told: str | None) -> None:
    assert (await limited(variables).get("/health")).json["checks"].get("partner_models") == told


async def test_health_warns_above_eighty_percent_of_the_dollars() -> None:
    service = limited({DAY: "0.045"})
    assert "warnings" not in (await service.get("/health")).json
    await service.generate(model=KONTEXT)
    assert (await service.get("/health")).json["warnings"] == ["More than 80 % of today's budget is used."]
