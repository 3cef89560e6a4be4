"""The twins keep the promises of the ports, which tests/worker/test_contracts.py holds the real ones to."""

from collections.abc import Awaitable, Callable

import pytest

from flux.ports import PictureStore, Resizer
from tests.contracts import picture_store, resizer
from tests.fakes import Scissors, Shelf


@pytest.mark.parametrize("promise", picture_store.PROMISES, ids=lambda promise: promise.__name__)
async def test_the_twin_of_the_store_keeps_its_promises(promise: Callable[[PictureStore], Awaitable[None]]) -> None:
    await promise(Shelf())


@pytest.mark.parametrize("promise", resizer.PROMISES, ids=lambda promise: promise.__name__)
async def test_the_twin_of_the_resizer_keeps_its_promises(promise: Callable[[Resizer], Awaitable[None]]) -> None:
    await promise(Scissors())
