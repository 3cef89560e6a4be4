"""The in-memory ports pass the contract tests, as the real ones do in tests/worker/test_contracts.py."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contracts import image_model, ledger, limiter, picture_store, prompt_rewriter, resizer
from tests.fakes import Allowance, Painter, Rewriter, Scissors, Shelf, Tally


def allowance() -> Allowance:
    return Allowance(limiter.PICTURES)


TWINS: dict[Callable[[], object], tuple[Callable[[Any], Awaitable[None]], ...]] = {
    allowance: limiter.PROMISES,
    Painter: image_model.PROMISES,
    Rewriter: prompt_rewriter.PROMISES,
    Scissors: resizer.PROMISES,
    Shelf: picture_store.PROMISES,
    Tally: ledger.PROMISES,
}


@pytest.mark.parametrize(
    ("twin", "promise"),
    [pytest.param(twin, promise, id=promise.__name__) for twin, promises in TWINS.items() for promise in promises],
)
async def test_a_twin_keeps_the_promises_of_its_port(
    twin: Callable[[], object], promise: Callable[[Any], Awaitable[None]]
) -> None:
    await promise(twin())
