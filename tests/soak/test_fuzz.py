"""Thousands of malformed and unusual requests: each gets an answer in the API's format and leaves nothing behind."""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.fuzz import INJECTED, Answer, Attack, ask, attacks
from tests.workerd import KEY, Workerd

COUNT = 12_000 if os.environ.get("FULL") else 2_000
AT_ONCE = 16
BATCHES = 9
"""Memory is measured after each batch. Bodies of 20 MiB leave garbage that is collected at some point, so the maximum
of the first third is compared with the minimum of the last."""
GROWTH = 1.10
ROUNDS = 3
"""How often everything is sent at most. A heap reaches its size in one of the rounds; a leak grows in each."""


async def test_whatever_is_sent_is_answered_and_forgotten(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = attacks(COUNT, seed=1)
    folder = tmp_path_factory.mktemp("fuzz") / "bare"
    outcomes: list[tuple[Attack, Answer | None]] = []
    sizes: list[float] = []
    with Workerd(folder, {"fuzz": {}}) as bare:
        for _ in range(ROUNDS):
            for batch in range(BATCHES):
                outcomes += await answers(bare.socket("fuzz"), sent[batch::BATCHES])
                sizes.append(bare.resident())
            if not grown(sizes[-BATCHES:]):
                break
        log = bare.log()
        lines = bare.log_lines()
    statuses = Counter(answer.status if answer else 0 for _, answer in outcomes)
    with capsys.disabled():
        grew = ", ".join(f"{size:.0f}" for size in sizes)
        print(f"\n{len(outcomes)} requests, {dict(sorted(statuses.items()))}, {grew} MiB", end=" ")  # noqa: T201
    wrong = [(reason, attack, answer) for attack, answer in outcomes for reason in faults_of(attack, answer)]
    assert wrong[:5] == []
    assert not [line for line in lines if line["status"] >= 500]
    for word in ("Traceback", "Uncaught", "never retrieved", KEY):
        assert word not in log
    assert not grown(sizes[-BATCHES:]), sizes


def grown(sizes: list[float]) -> bool:
    """Whether the memory grew during a round."""
    return min(sizes[-BATCHES // 3 :]) >= max(sizes[: BATCHES // 3]) * GROWTH


async def answers(socket: Path, sent: list[Attack]) -> list[tuple[Attack, Answer | None]]:
    """The response to each request, a few at a time. Raises TimeoutError if one hangs."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(attack: Attack) -> tuple[Attack, Answer | None]:
        async with room:
            return attack, await ask(socket, attack)

    return list(await asyncio.gather(*map(one, sent)))


ANSWERS = {200, 202, 204, 304, 400, 401, 404, 405, 410, 413}
"""The service's statuses for callers' mistakes."""
REFUSALS = {400, 413, 414, 431, 501, 505}
"""The runtime's statuses for what is hardly HTTP. These responses have no request id."""
SPOKEN = {
    *("fields", "texts", "damage", "depth", "form", "form of others", "pictures", "large pictures", "wishes"),
    *("key", "large", "rpc"),
}
"""Kinds that are valid HTTP, so that they reach the service."""


def faults_of(attack: Attack, answer: Answer | None) -> list[str]:
    """What is wrong with a response."""
    if answer is None:
        return ["no answer"] if attack.kind in SPOKEN else []
    if INJECTED in {name.lower() for name, _ in answer.headers}:
        return ["a header of the caller's own making"]
    if KEY.encode() in answer.body or b"Traceback" in answer.body:
        return ["says what it must not"]
    if not answer.header("x-request-id"):
        known = attack.kind not in SPOKEN and answer.status in REFUSALS
        return [] if known else ["answered by the runtime"]
    found = [] if answer.status in ANSWERS else [f"status {answer.status}"]
    if answer.header("access-control-allow-origin") != "*":
        found.append("no CORS")
    return found + ([] if answer.status < 400 or attack.method == "HEAD" else error_faults(answer))


def error_faults(answer: Answer) -> list[str]:
    """What is wrong with an error response."""
    if answer.header("content-type") == "image/svg+xml":  # for an `<img>` whose picture has expired
        return []
    body = json.loads(answer.body)
    error = body["error"]
    if "jsonrpc" in body:
        told = body.keys() == {"jsonrpc", "id", "error"} and isinstance(error["code"], int) and error["message"]
        return [] if told else [f"no error of JSON-RPC: {error}"]
    told = error.keys() == {"message", "type", "param", "code"} and error["message"] and error["code"]
    return [] if told and answer.header("cache-control") == "no-store" else [f"no error of ours: {error}"]
