"""Budgets: each model call is reserved before it is made, and settled by its outcome."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from flux import upstream
from flux.ports import LedgerFailed, NotStored, RewriteFailed
from tests.builders import CHAT, GENERATIONS, NOW, SDXL, Answer, Service, chat_of, posted, stream_of
from tests.fakes import Allowance, Outcome, Painter, Rewriter, Shelf, Tally

pytestmark = pytest.mark.usefixtures("clock")

PICTURE, WRITER = 57.6, 5
RESPONSES = "/v1/responses"
BUSY, REFUSED = upstream.failure("3040: busy"), upstream.failure("3030: NSFW")
FLAGGED, SLOW = upstream.failure("your output has been flagged"), upstream.failure("3007: too slow")
BROKEN, UNKNOWN = upstream.failure("network connection lost"), upstream.failure("500: no idea")
SPENT = upstream.failure("3036: used up")


def budgeted(neurons: int = 10_000, **options: Any) -> Service:
    """A service with a budget."""
    variables = {"DAILY_NEURONS": str(neurons), **options.pop("variables", {})}
    return Service(variables=variables, **options)


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code."""
    return answer.status, answer.error["code"]


# --- nothing without a budget ---------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/v1/models", CHAT, GENERATIONS])
async def test_the_ledger_is_not_even_opened_while_nothing_is_counted(path: str) -> None:
    """Although it is bound: this saves a call, CPU and time."""
    opened: list[object] = []
    service = Service()
    assert service.app.services.open_ledger is None
    service.tally.book.reserve = opened.append  # type: ignore[method-assign,assignment]
    body = chat_of("A cat") if path == CHAT else {"prompt": "A cat"}
    answer = await (service.post(path, body) if path in (CHAT, GENERATIONS) else service.get(path))
    assert (answer.status, opened, service.tally.asked) == (200, [], 0)
    assert "x-budget-remaining-neurons" not in answer.headers
    assert "budget" not in answer.headers["server-timing"]


# --- within the budget and beyond -----------------------------------------------------------------


async def test_an_answer_tells_what_is_left() -> None:
    service = budgeted(100)
    answer = await service.generate()
    assert (answer.headers["x-cost-neurons"], answer.headers["x-budget-remaining-neurons"]) == ("57.6", "42.4")
    assert (service.tally.spent, service.tally.unsettled) == (PICTURE, 0)


BODIES: dict[str, Mapping[str, Any]] = {
    CHAT: chat_of("A cat"),
    GENERATIONS: {"prompt": "A cat"},
    RESPONSES: {"input": "A cat"},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_a_budget_that_is_used_up_is_a_429_until_midnight(path: str, *, stream: bool) -> None:
    """It is known within the stream's grace period. Nothing is drawn."""
    service = budgeted(57)
    answer = await service.post(path, {**BODIES[path], "stream": stream})
    assert refused(answer) == (429, "budget_exceeded")
    assert answer.error["type"] == "insufficient_quota"
    assert "57.6" in answer.error["message"]
    assert "00:00 UTC" in answer.error["message"]
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == (str(6 * 3600), "false")
    assert (service.painter.drawings, service.tally.spent) == ([], 0)


async def test_a_new_day_has_a_new_budget() -> None:
    service = budgeted(100)
    assert [(await service.generate()).status for _ in range(2)] == [200, 429]
    await asyncio.sleep(6 * 3600)
    assert [(await service.generate()).status for _ in range(2)] == [200, 429]


async def test_the_rate_limit_is_asked_first() -> None:
    service = budgeted(57, limiter=Allowance(2))
    codes = [(await service.generate()).error["code"] for _ in range(3)]
    assert codes == ["budget_exceeded", "budget_exceeded", "rate_limit_exceeded"]
    assert service.tally.asked == 2


async def test_each_key_has_a_budget_of_its_own() -> None:
    service = Service(variables={"KEY_DAILY_NEURONS": "60", "API_KEY": "one,two"})

    async def drawn(key: str) -> int:
        return (await service.ask(posted(GENERATIONS, {"prompt": "A cat"}, key=key))).status

    assert [await drawn(key) for key in ("one", "one", "two", "two")] == [200, 429, 200, 429]


async def test_of_several_pictures_those_that_no_longer_fit_are_missing() -> None:
    """The others are delivered, and the missing ones are reported like any that failed."""
    service = budgeted(180)
    answer = await service.generate(n=5)
    assert len(answer.json["data"]) == 3
    assert len(service.painter.drawings) == 3
    assert any("budget" in warning for warning in answer.json["warnings"])
    assert (answer.headers["x-cost-neurons"], answer.headers["x-budget-remaining-neurons"]) == ("172.8", "7.2")


async def test_several_pictures_of_which_none_fits_are_a_429() -> None:
    assert refused(await budgeted(57).generate(n=5)) == (429, "budget_exceeded")


async def test_many_at_once_draw_exactly_what_the_budget_is_enough_for() -> None:
    service = budgeted(2880, painter=Painter(seconds=1))
    answers = await asyncio.gather(*(service.generate() for _ in range(200)))
    assert sorted(answer.status for answer in answers) == [200] * 50 + [429] * 150
    assert (len(service.painter.drawings), service.tally.spent) == (50, 2880)


# --- each call has its own reservation ------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "status", "paid"),
    [
        ((), 200, 1),
        ((BUSY,), 200, 1),
        ((BUSY, BUSY, BUSY), 503, 0),
        ((REFUSED,), 400, 0),
        ((SPENT,), 429, 0),
        ((FLAGGED,), 200, 2),
        ((FLAGGED, FLAGGED), 400, 2),
        ((SLOW,), 200, 2),
        ((BROKEN, BROKEN), 200, 3),
        ((UNKNOWN,), 502, 1),
        ((100.0,), 503, 1),
    ],
)
async def test_the_ledger_has_what_may_have_been_drawn(outcomes: tuple[Outcome, ...], status: int, paid: int) -> None:
    service = budgeted(painter=Painter(*outcomes))
    assert (await service.generate()).status == status
    assert service.tally.spent == pytest.approx(paid * PICTURE)
    assert service.tally.unsettled == 0


async def test_a_try_that_drew_nothing_leaves_its_place_to_the_next() -> None:
    """The budget is enough for exactly one picture."""
    service = budgeted(58, painter=Painter(BUSY, BUSY))
    assert (await service.generate()).status == 200
    assert service.tally.spent == PICTURE


@pytest.mark.parametrize("outcome", [SLOW, FLAGGED])
async def test_a_second_drawing_needs_a_place_of_its_own(outcome: Exception) -> None:
    service = budgeted(100, painter=Painter(outcome))
    assert refused(await service.generate()) == (429, "budget_exceeded")
    assert (len(service.painter.drawings), service.tally.spent) == (1, PICTURE)


async def test_the_fallback_is_reserved_at_its_own_price() -> None:
    variables = {"FLUX_FALLBACK_MODEL": "klein"}
    service = budgeted(variables=variables, painter=Painter(BUSY))
    answer = await service.generate()
    assert (answer.headers["x-cost-neurons"], service.tally.spent) == ("104.2", 104.2)
    small = budgeted(100, variables=variables, painter=Painter(BUSY))
    assert refused(await small.generate()) == (429, "budget_exceeded")
    assert small.tally.spent == 0


@pytest.mark.parametrize(
    ("outcome", "paid"),
    [(None, WRITER), (RewriteFailed("3040", may_have_cost=False), 0), (RewriteFailed("?"), 20), (30.0, 20)],
)
async def test_the_writer_is_reserved_at_the_most_and_settled_by_its_tokens(outcome: Outcome, paid: int) -> None:
    service = budgeted(writer=Rewriter("A fluffy cat", outcome))
    answer = await service.generate(optimize=True)
    assert service.tally.spent == PICTURE + paid
    assert answer.headers["x-budget-remaining-neurons"] == f"{10_000 - PICTURE - paid:.1f}"
    assert service.tally.unsettled == 0


async def test_a_writer_that_does_not_fit_is_not_asked() -> None:
    service = budgeted(19)
    assert refused(await service.generate(optimize=True)) == (429, "budget_exceeded")
    assert service.writer.prompts == []


async def test_a_picture_that_could_not_be_stored_was_drawn() -> None:
    service = budgeted(store=Shelf(NotStored("503")))
    assert (await service.chat()).status == 200
    assert service.tally.spent == PICTURE


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_during_the_call_pays_for_it(*, stream: bool) -> None:
    """It is not known whether the picture was drawn."""
    service = budgeted(painter=Painter(seconds=30))
    asked = posted(CHAT, chat_of("A cat", stream=stream))
    if stream:
        texts = stream_of(await service.app(asked))
        await anext(texts)
        await texts.aclose()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    else:
        task = asyncio.create_task(service.app(asked))
        await asyncio.sleep(3)
        task.cancel()
        await asyncio.wait([task])
    assert (service.tally.spent, service.tally.unsettled) == (PICTURE, 0)


async def test_a_client_that_leaves_before_the_call_pays_nothing() -> None:
    service = budgeted(tally=Tally(4.0))
    task = asyncio.create_task(service.app(posted(GENERATIONS, {"prompt": "A cat"})))
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait([task])
    assert (service.painter.drawings, service.tally.spent, service.tally.unsettled) == ([], 0, 0)


# --- a ledger that does not answer ----------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "reason"), [(LedgerFailed("out of order"), "out of order"), (30.0, "time-out")])
@pytest.mark.parametrize("path", BODIES)
async def test_a_budget_holds_when_the_ledger_cannot_be_asked(path: str, outcome: Outcome, reason: str) -> None:
    service = budgeted(tally=Tally(outcome))
    answer = await service.post(path, BODIES[path])
    assert refused(answer) == (503, "budget_unavailable")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("5", "true")
    assert service.painter.drawings == []
    assert service.log[0]["ledger_error"] == reason
    assert (service.tally.spent, service.tally.unsettled) == (0, 0)
    assert (await service.post(path, BODIES[path])).status == 200


async def test_several_pictures_do_not_each_wait_for_a_ledger_that_does_not_answer() -> None:
    service = budgeted(tally=Tally(*[30.0] * 10))
    began = asyncio.get_running_loop().time()
    assert refused(await service.generate(n=10)) == (503, "budget_unavailable")
    assert asyncio.get_running_loop().time() - began == 5


async def test_counting_alone_waits_for_nothing_and_refuses_nobody() -> None:
    service = Service(variables={"COUNT_USAGE": "true"}, tally=Tally(LedgerFailed("out of order")))
    answer = await service.generate(n=2)
    assert (answer.status, service.tally.spent) == (200, 2 * PICTURE)
    assert "x-budget-remaining-neurons" not in answer.headers
    assert "budget" not in answer.headers["server-timing"]


async def test_counting_alone_counts_pictures_of_models_without_a_price() -> None:
    service = Service(variables={"COUNT_USAGE": "true"})
    assert (await service.generate(model="sdxl")).status == 200
    assert service.tally.book.usage(NOW, "").all_today == {"pictures": 1}


# --- models without a price, and settings ---------------------------------------------------------


async def test_a_budget_excludes_models_that_it_cannot_count() -> None:
    service = budgeted()
    listed = [one["id"] for one in (await service.get("/v1/models")).json["data"]]
    assert len(listed) == 6
    assert SDXL not in listed
    for answer in (await service.generate(model="sdxl"), await service.chat("A cat --model sdxl")):
        assert refused(answer) == (400, "unsupported_model")
        assert "price" in answer.error["message"]
    assert refused(await service.get(f"/v1/models/{SDXL}")) == (404, "model_not_found")
    assert service.painter.drawings == []


BUDGETS = ["DAILY_NEURONS", "KEY_DAILY_NEURONS", "DAILY_DOLLARS", "KEY_DAILY_DOLLARS"]
WRONG: list[tuple[dict[str, str], str]] = [
    ({"FLUX_MODEL": "sdxl"}, "FLUX_MODEL"),
    ({"FLUX_FALLBACK_MODEL": "dreamshaper"}, "FLUX_FALLBACK_MODEL"),
    ({"PROMPT_MODEL": "@cf/meta/llama-3.1-8b-instruct-fast"}, "PROMPT_MODEL"),
]


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize(("variables", "named"), WRONG)
async def test_a_budget_and_a_model_without_a_price_exclude_each_other(
    budget: str, variables: dict[str, str], named: str
) -> None:
    answer = await Service(variables={budget: "100", **variables}).generate()
    assert refused(answer) == (500, "invalid_configuration")
    assert answer.error["message"].startswith(named)
    assert (await Service(variables=variables).generate()).status == 200


async def test_a_writer_of_somebody_elses_needs_no_price() -> None:
    variables = {
        "PROMPT_MODEL": "unknown",
        "EXTERNAL_API_BASE": "https://writer.example/v1",
        "EXTERNAL_MODEL": "some-model",
    }
    assert (await budgeted(variables=variables).generate()).status == 200


@pytest.mark.parametrize("name", [*BUDGETS, "COUNT_USAGE"])
async def test_counting_needs_the_binding(name: str) -> None:
    value = "true" if name == "COUNT_USAGE" else "100"
    service = Service(variables={name: value}, unbound=["ledger"])
    answer = await service.generate()
    assert refused(answer) == (500, "invalid_configuration")
    assert answer.error["message"].startswith(f"{name} needs the LEDGER binding")
    health = (await service.get("/health", key=None)).json
    assert (health["status"], health["checks"]["settings"]) == ("degraded", answer.error["message"])


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9999999999"])
async def test_a_budget_is_a_whole_number_of_neurons(value: str) -> None:
    answer = await budgeted(variables={"DAILY_NEURONS": value}).generate()
    assert refused(answer) == (500, "invalid_configuration")
    assert answer.error["message"].startswith("DAILY_NEURONS must be a whole number")


# --- health ---------------------------------------------------------------------------------------


async def test_health_warns_above_eighty_percent_and_tells_no_figure() -> None:
    service = budgeted(144)  # two pictures are exactly 80%
    assert "warnings" not in (await service.get("/health", key=None)).json
    await service.generate(n=2)
    assert "warnings" not in (await service.get("/health", key=None)).json
    await service.generate(size="512x512", model="klein")  # 26.05 more
    health = (await service.get("/health", key=None)).json
    assert health["status"] == "ok"
    assert health["warnings"] == ["More than 80 % of today's budget is used."]


@pytest.mark.parametrize(("outcome", "reason"), [(LedgerFailed("out of order"), "out of order"), (30.0, "time-out")])
async def test_health_says_that_the_ledger_does_not_answer(outcome: Outcome, reason: str) -> None:
    service = budgeted(tally=Tally(outcome))
    health = (await service.get("/health", key=None)).json
    assert (health["status"], health["checks"]["ledger"]) == ("degraded", "does not answer")
    assert service.log[0]["ledger_error"] == reason
