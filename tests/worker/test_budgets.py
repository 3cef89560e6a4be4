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


def test_two_keys_do_not_see_each_others_budget(start: Start, ledger: Ledger) -> None:
    """Each draws its ten, whatever the other does at the same time; and each is told its own alone."""
    with start(vars={"KEY_DAILY_NEURONS": int(10 * PICTURE)}, key=f"phone:{KEYS['one']},{KEYS['two']}") as service:
        prompts = {name: unique(f"a harbour of {name}") for name in KEYS}
        with ThreadPoolExecutor(40) as callers:
            asked = {
                name: [callers.submit(generated, service, key, prompts[name]) for _ in range(20)]
                for name, key in KEYS.items()
            }
            statuses = {name: sorted(answer.result() for answer in answers) for name, answers in asked.items()}
        assert statuses == dict.fromkeys(KEYS, [200] * 10 + [429] * 10)
        assert [len(ledger.calls(prompt)) for prompt in prompts.values()] == [10, 10]

        for name, called in (("one", "phone"), ("two", None)):
            told = service.http.get("/v1/usage", headers={"authorization": f"Bearer {KEYS[name]}"}).json()
            assert told["key"]["name"] == called
            assert told["key"]["today"]["pictures"] == 10
            assert told["key"]["budget"] == {"neurons": {"limit": 576, "left": 0}}
            assert told["deployment"] == {
                "today": {"pictures": 20, "neurons": 1152},
                "last_31_days": {"pictures": 20, "neurons": 1152},
                "budget": None,
            }
        assert {line.get("key") for line in service.log_lines() if line["route"] == "/images/generations"} == {
            "phone",
            None,
        }


def test_the_writer_is_settled_by_the_tokens_that_it_counted(start: Start) -> None:
    """Fewer than its `max_tokens`, which were reserved."""
    with start(vars={"DAILY_NEURONS": 1000}) as service:
        answer = service.generate(unique("a mill"), optimize=True, response_format="b64_json")
        writer = float(answer.headers["x-cost-neurons"]) - PICTURE
        told = service.http.get("/v1/usage").json()["key"]["today"]
        assert 0 < writer < 5
        assert told["neurons"] == float(answer.headers["x-cost-neurons"])
        assert float(answer.headers["x-budget-remaining-neurons"]) == 1000 - told["neurons"]
