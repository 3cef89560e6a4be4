"""Budgets on the real runtime: a Durable Object in Python, with SQLite on disk, called by real Workers."""

import asyncio

import httpx

from tests.worker.service import KEY, PATIENCE_SECONDS, Ledger, Service, Start, unique

PICTURE = 57.6
KONTEXT = "black-forest-labs/flux-1-kontext-pro"
"""A model of another maker, at $0.04 per picture."""


async def at_once(service: Service, count: int, **body: str) -> list[httpx.Response]:
    """The same generation many times at the same time, each over a connection of its own."""
    headers, limits = {"authorization": f"Bearer {KEY}"}, httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=service.url, headers=headers, limits=limits, timeout=PATIENCE_SECONDS
    ) as http:
        return await asyncio.gather(
            *(http.post(f"{service.url}/v1/images/generations", json=body) for _ in range(count))
        )


async def test_200_generations_at_once_draw_exactly_the_50_that_the_budget_is_enough_for(
    start: Start, ledger: Ledger
) -> None:
    with start(vars={"DAILY_NEURONS": int(50 * PICTURE)}) as service:
        prompt = unique("a lighthouse")
        answers = await at_once(service, 200, prompt=prompt, response_format="b64_json")
        assert sorted(answer.status_code for answer in answers) == [200] * 50 + [429] * 150
        assert len(ledger.calls(prompt)) == 50
        told = service.http.get("/v1/usage").json()
        assert told["deployment"]["today"] == {"pictures": 50, "neurons": 2880, "dollars": 0.0317}
        assert told["deployment"]["budget"] == {"neurons": {"limit": 2880, "left": 0}}


async def test_dollars_limit_models_of_all_makers_together(start: Start, ledger: Ledger) -> None:
    """Ten pictures of a model that costs $0.04 each, then three of Workers AI, each less than a tenth of a cent."""
    with start(vars={"DAILY_DOLLARS": "0.402", "PARTNER_MODELS": "*"}) as service:
        prompt = unique("a windmill")
        answers = await at_once(service, 30, prompt=prompt, model=KONTEXT)
        assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 20
        assert len(ledger.calls(prompt)) == 10
        drawn = next(answer for answer in answers if answer.status_code == 200)
        assert (drawn.headers["x-cost-dollars"], drawn.headers["x-cost-neurons"]) == ("0.04", "0")
        assert drawn.json()["usage"]["cost_dollars"] == 0.04
        statuses = [service.generate(prompt, response_format="b64_json").status_code for _ in range(4)]
        assert statuses == [200] * 3 + [429]
        told = service.http.get("/v1/usage").json()["deployment"]
        assert told["today"] == {"pictures": 13, "neurons": 172.8, "dollars": 0.401902}
        assert told["budget"] == {"dollars": {"limit": 0.402, "left": 0.000098}}
