"""The options of a call, and how options from two sources are combined."""

from dataclasses import fields
from typing import Any

import pytest

from flux.generation import GenerationRequest, Options, PictureSource
from flux.sizes import Size
from tests.fakes import Bytes

ALL: dict[str, Any] = {
    "model": "sdxl",
    "size": Size(768, 512),
    "steps": 4,
    "seed": 0,
    "n": 2,
    "quality": "low",
    "negative_prompt": "dogs",
    "optimize": False,
    "action": "edit",
    "mime": "image/webp",
    "compression": 80,
}
"""Every option with a value. 0 and False are values too."""


def test_every_option_has_a_value_in_these_tests() -> None:
    """Otherwise a new option would not be tested below."""
    assert [field.name for field in fields(Options)] == list(ALL)


@pytest.mark.parametrize("name", ALL)
def test_an_option_that_is_left_out_is_the_others(name: str) -> None:
    assert Options().over(Options(**{name: ALL[name]})) == Options(**{name: ALL[name]})


@pytest.mark.parametrize("name", ALL)
def test_an_option_that_is_given_is_kept_and_moves_no_other(name: str) -> None:
    """Every value belongs to its own option, whatever the order."""
    other = Options(**{key: f"other {key}" for key in ALL})  # type: ignore[arg-type]
    merged = Options(**{name: ALL[name]}).over(other)
    assert {key: getattr(merged, key) for key in ALL} == {key: f"other {key}" for key in ALL} | {name: ALL[name]}


def test_neither_of_two_options_is_changed_by_merging_them() -> None:
    first, second = Options(seed=1), Options(seed=2, n=3)
    assert first.over(second) == Options(seed=1, n=3)
    assert (first, second) == (Options(seed=1), Options(seed=2, n=3))


def test_one_picture_is_drawn_where_no_number_is_given() -> None:
    assert GenerationRequest("A cat", "A cat").n == 1
    assert GenerationRequest("A cat", "A cat", Options(n=3)).n == 3


def test_two_sources_are_the_same_picture_where_they_name_it_alike() -> None:
    """In whichever field they are."""
    blob = Bytes(b"PNG")
    for first, second in (
        (PictureSource("image", id="a"), PictureSource("messages", id="a")),
        (PictureSource("image", data="data:x"), PictureSource("messages", data="data:x")),
        (PictureSource("image", blob=blob), PictureSource("messages", blob=blob)),
    ):
        assert first.identity == second.identity


def test_two_sources_are_two_pictures_where_they_do_not() -> None:
    """Files are not compared: equal ones are rare, and pictures stay outside Python."""
    sources = (
        PictureSource("image", id="a"),
        PictureSource("image", id="b"),
        PictureSource("image", data="data:x"),
        PictureSource("image", blob=Bytes(b"PNG")),
        PictureSource("image", blob=Bytes(b"PNG")),
    )
    assert len({source.identity for source in sources}) == len(sources)
