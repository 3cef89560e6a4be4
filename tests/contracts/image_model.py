"""Tests that every `ImageModel` must pass: the `AI` binding with the stand-in, and the in-memory version."""

from collections.abc import Awaitable, Callable

import pytest

from flux import catalog
from flux.catalog import Model
from flux.errors import UpstreamFailure, UpstreamRefusal
from flux.picture import EXTENSIONS
from flux.ports import ImageModel, Inputs
from tests.builders import KLEIN, SCHNELL, SDXL
from tests.fakes import Bytes, data_of, opened, painted


def _model(name: str) -> Model:
    found = catalog.find(name)
    assert found
    return found


async def a_picture_is_what_it_says_it_is(model: ImageModel) -> None:
    for name in (SCHNELL, SDXL, KLEIN):
        drawn = await model.draw(_model(name), {"prompt": "A cat"}, ())
        assert drawn.type in EXTENSIONS
        assert opened(drawn).size == (drawn.width, drawn.height)
        assert drawn.blob.size == len(data_of(drawn.blob))


async def a_model_that_takes_a_size_draws_it(model: ImageModel) -> None:
    drawn = await model.draw(_model(SDXL), {"prompt": "A cat", "width": 512, "height": 768}, ())
    assert drawn.size == "512x768"


async def what_a_model_does_not_take_is_refused(model: ImageModel) -> None:
    """As its published schema says. The error is final: no retry would succeed."""
    wrong: tuple[tuple[str, Inputs], ...] = (
        (SDXL, {"prompt": "A cat", "num_steps": 21}),
        (SCHNELL, {"prompt": "A cat", "steps": 9}),
        (SCHNELL, {"prompt": "A" * 2049}),
    )
    for name, inputs in wrong:
        with pytest.raises(UpstreamRefusal):
            await model.draw(_model(name), inputs, ())


async def pictures_go_in_as_long_as_they_are_small_enough(model: ImageModel) -> None:
    small, large = painted("A dog", 300, 200).blob, painted("A dog", 600, 400).blob
    assert (await model.draw(_model(KLEIN), {"prompt": "A cat"}, (small, small))).width
    with pytest.raises(UpstreamRefusal):
        await model.draw(_model(KLEIN), {"prompt": "A cat"}, (small, large))


async def what_is_no_picture_does_not_go_in(model: ImageModel) -> None:
    with pytest.raises(UpstreamFailure):
        await model.draw(_model(KLEIN), {"prompt": "A cat"}, (Bytes(b"no picture"),))


PROMISES: tuple[Callable[[ImageModel], Awaitable[None]], ...] = (
    a_picture_is_what_it_says_it_is,
    a_model_that_takes_a_size_draws_it,
    what_a_model_does_not_take_is_refused,
    pictures_go_in_as_long_as_they_are_small_enough,
    what_is_no_picture_does_not_go_in,
)
