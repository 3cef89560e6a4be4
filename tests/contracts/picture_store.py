"""Tests that every `PictureStore` must pass: KV in real workerd, and the in-memory version."""

import time
from collections.abc import Awaitable, Callable

import pytest

from flux import picture
from flux.ports import PictureStore, TooLarge
from tests.fakes import data_of, painted

HOUR = 3600


def _id(seconds: int = HOUR) -> str:
    return picture.new_id(int(time.time()) + seconds)


async def what_is_put_is_found_by_its_identifier_and_by_its_file_name(store: PictureStore) -> None:
    """Its bytes, its type and its size in bytes."""
    id, given = _id(), painted("A cat", 300, 200)
    await store.put(id, given)
    for name in (id, f"{id}.jpg"):
        found = await store.get(name)
        assert found is not None
        assert (found.type, found.body.size) == ("image/jpeg", given.blob.size)
        assert found.body.value == data_of(given.blob)


async def what_is_put_can_be_read_to_work_from(store: PictureStore) -> None:
    id, given = _id(), painted("A cat", 300, 200, "image/png")
    await store.put(id, given)
    found = await store.read(id, given.blob.size)
    assert found is not None
    assert (found.type, found.width, found.height) == ("image/png", 300, 200)
    assert data_of(found.blob) == data_of(given.blob)


async def nothing_is_found_where_nothing_was_put(store: PictureStore) -> None:
    assert await store.get(_id()) is None
    assert await store.read(_id(), 1000) is None


async def what_is_larger_than_allowed_is_not_read(store: PictureStore) -> None:
    id, given = _id(), painted("A cat", 300, 200)
    await store.put(id, given)
    with pytest.raises(TooLarge):
        await store.read(id, given.blob.size - 1)


async def a_picture_that_expires_within_a_minute_is_kept_for_a_minute(store: PictureStore) -> None:
    """KV refuses shorter times."""
    for seconds in (5, -5):
        id, given = _id(seconds), painted("A cat", 300, 200)
        await store.put(id, given)
        assert await store.get(id) is not None


async def a_second_picture_takes_the_place_of_the_first(store: PictureStore) -> None:
    id, given = _id(), painted("A dog", 200, 200)
    await store.put(id, painted("A cat", 300, 200))
    await store.put(id, given)
    found = await store.read(id, given.blob.size)
    assert found is not None
    assert found.size == "200x200"


PROMISES: tuple[Callable[[PictureStore], Awaitable[None]], ...] = (
    what_is_put_is_found_by_its_identifier_and_by_its_file_name,
    what_is_put_can_be_read_to_work_from,
    nothing_is_found_where_nothing_was_put,
    what_is_larger_than_allowed_is_not_read,
    a_picture_that_expires_within_a_minute_is_kept_for_a_minute,
    a_second_picture_takes_the_place_of_the_first,
)
