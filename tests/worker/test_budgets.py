"""Budgets on the real runtime: a Durable Object in Python, with SQLite on a disk, asked by real Workers."""

from concurrent.futures import ThreadPoolExecutor

from tests.worker.service import Ledger, Start, unique

PICTURE = 57.6


def test_200_generations_at_once_draw_exactly_the_50_that_the_budget_is_enough_for(
    start: Start, ledger: Ledger
) -> None:
    with start(vars={"DAILY_NEURONS": int(50 * PICTURE)}) as service:
        prompt = unique("a lighthouse")
        with ThreadPoolExecutor(200) as callers:
            asked = [callers.submit(service.generate, prompt, response_format="b64_json") for _ in range(200)]
            statuses = sorted(answer.result().status_code for answer in asked)
        assert statuses == [200] * 50 + [429] * 150
        assert len(ledger.calls(prompt)) == 50
        told = service.http.get("/v1/usage").json()
        assert told["deployment"]["today"] == {"pictures": 50, "neurons": 2880}
        assert told["deployment"]["budget"] == {"neurons": {"limit": 2880, "left": 0}}
