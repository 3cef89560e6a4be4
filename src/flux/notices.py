"""What was asked for and could not be followed: said in every answer, in the words of each API."""

from collections.abc import Iterator

from flux.generation import Notice
from flux.pipeline import Result
from flux.plan import Plan
from flux.words import Words


def of(plan: Plan, result: Result) -> Iterator[Notice]:
    """The notices of an answer."""
    request = plan.request
    if result.failures:
        yield "some_failed"
    yield from result.notices
    if request.sources and not plan.images:
        yield "images_ignored"
    yield from request.notices
    if request.options.seed is not None and not result.model.seed:
        yield "seed_ignored"


def sentences(plan: Plan, result: Result, words: Words) -> list[str]:
    """The same as sentences."""
    return [getattr(words, notice).format(*_about(notice, plan, result)) for notice in of(plan, result)]


def _about(notice: Notice, plan: Plan, result: Result) -> tuple[object, ...]:
    """What stands for each `{}` of the sentence."""
    if notice == "some_failed":
        wanted = plan.request.n
        return wanted - len(result.pictures), wanted, result.failures[0].message
    return (result.model.id,)
