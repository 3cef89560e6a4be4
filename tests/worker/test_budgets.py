"""Budgets on the real runtime: a Durable Object in Python, with SQLite on a disk, asked by real Workers."""

from concurrent.futures import ThreadPoolExecutor

from tests.worker.service import Ledger, Service, Start, unique

PICTURE = 57.6
KEYS = {"one": "key-one", "two": "key-two"}


def generated(service: Service, key: str, prompt: str) -> int:
    """The status of one generation with a key."""
    headers = {"authorization": f"Bearer {key}"}
    body = {"prompt": prompt, "response_format": "b64_json"}
    return service.http.post("/v1/images/generations", json=body, headers=headers).status_code


def test_200_generations_at_once_draw_exactly_the_50_that_the_budget_is_enough_for(
    start: Start, ledger: Ledger
) -> None:
    with start(vars={"DAILY_NEURONS": int(50 * PICTURE)}) as service:
        prompt = unique("a lighthouse")
        with ThreadPoolExecutor(200) as callers:
            asked = [callers.submit(generated, service, "test-key", prompt) for _ in range(200)]
            statuses = sorted(answer.result() for answer in asked)
        assert statuses == [200] * 50 + [429] * 150
        assert len(ledger.calls(prompt)) == 50
