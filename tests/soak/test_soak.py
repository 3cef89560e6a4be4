"""The soak test, with a crash near its beginning. `make soak` runs it for long, `make test` briefly."""

import asyncio
import os
import time
from collections import Counter

import pytest

from tests import costs
from tests.soak import soak
from tests.workerd import Workerd

FULL = bool(os.environ.get("FULL"))
BEFORE, FIRST, AFTER = (2_000, 500, 5_000) if FULL else (120, 200, 300)
"""Generations before the crash, until the new process has its size, and afterwards, when the size must not change."""
BUDGET = {"DAILY_NEURONS": "1000000000"}
"""More than everything costs: every call is counted, and none is refused."""
GROWTH = 1.10
SETTLING_SECONDS = 5
"""The stand-in needs two until it marks a call as aborted."""


async def test_nothing_is_lost_mixed_up_or_left_behind(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """See docs/faults.md, "Long runs and many requests at once"."""
    wanted = soak.generations(BEFORE + FIRST + AFTER, seed=1)
    before, first, after = wanted[:BEFORE], wanted[BEFORE : BEFORE + FIRST], wanted[BEFORE + FIRST :]
    folder = tmp_path_factory.mktemp("soak") / "bare"
    with Workerd(folder, {soak.DEPLOYMENT: BUDGET}) as bare:
        began = time.monotonic()
        crashed = soak.Tally()
        await soak.draw(bare, before, crashed, crash_after=BEFORE - soak.CLIENTS)
        served = await soak.look_again(bare, crashed)
        await asyncio.sleep(SETTLING_SECONDS)
        witnessed = bare.calls(), bare.happened(), len(bare.log_lines())
        spent = await soak.spent(bare)

        tally = soak.Tally()
        await soak.draw(bare, first, tally)
        small = bare.resident()
        await soak.draw(bare, after, tally)
        large = bare.resident()
        await asyncio.sleep(SETTLING_SECONDS)
        ledger, happened, lines = bare.calls(), bare.happened(), bare.log_lines()[witnessed[2] :]
        spent_after = await soak.spent(bare) - spent

    with capsys.disabled():
        seconds = time.monotonic() - began
        told = f"{len(wanted)} generations, {seconds:.0f} s, {dict(tally.answers)}, {small:.0f} -> {large:.0f} MiB"
        print(f"\n{told}", end=" ")  # noqa: T201
    assert crashed.wrong == []
    assert 0 < crashed.answers[soak.LOST] <= soak.CLIENTS
    assert served == len(crashed.links) > 0
    # A picture may have been drawn or stored whose answer was lost in the crash, but not the reverse.
    assert not Counter(crashed.calls) - Counter(witnessed[0]["outcomes"])
    assert spent >= costs.of_calls(witnessed[0]["calls"])
    assert set(keys(crashed)) <= set(witnessed[1]["kept"])

    assert tally.wrong == []
    assert tally.answers == Counter(generation.verdict for generation in first + after)
    assert Counter(ledger["outcomes"]) - Counter(witnessed[0]["outcomes"]) == tally.calls
    assert spent_after == pytest.approx(costs.of_calls(ledger["calls"]) - costs.of_calls(witnessed[0]["calls"]))
    assert set(happened["kept"]) - set(witnessed[1]["kept"]) == set(keys(tally))
    assert len(happened["refused"]) - len(witnessed[1]["refused"]) == tally.refused
    assert tally.pictures == sum(line.get("pictures", 0) for line in lines if line["status"] == 200)
    assert large < small * GROWTH


def keys(tally: soak.Tally) -> list[str]:
    """The keys of the pictures whose URLs were returned. A file name is the key and an extension."""
    return [url.rpartition("/")[2].partition(".")[0] for url in tally.links]
