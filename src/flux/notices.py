"""What could not be followed, reported in every answer in the form of each API."""

from collections.abc import Iterator

from flux.generation import Notice
from flux.pipeline import Result
from flux.plan import Plan
from flux.words import Words


def of(plan: Plan, result: Result) -> Iterator[Notice]:
    """The notices for an answer."""
    request = plan.request
    if result.failures:
        yield "some_failed"
    yield from result.notices
    if request.sources and not plan.images:
        yield "images_ignored"
    yield from request.notices
    if request.options.seed is not None and not result.model.seeds:
        yield "seed_ignored"


def ignored(plan: Plan, result: Result) -> tuple[str, ...]:
    """The fields that the service, or this model, cannot follow."""
    options, model = plan.request.options, result.model
    cases = {
        "negative_prompt": options.negative_prompt and not model.negative_prompt,
        "steps": options.steps is not None and not model.steps,
        "quality": options.quality not in _USUAL_QUALITY and not model.takes_quality,
    }
    return (*plan.request.ignored, *(name for name, applies in cases.items() if applies))


_USUAL_QUALITY = (None, "auto", "medium", "standard")
"""Qualities that need no notice if the model's steps are fixed: it draws the same anyway."""


def sentences(plan: Plan, result: Result, words: Words) -> list[str]:
    """The notices and ignored fields as sentences."""
    said = [getattr(words, notice).format(*_about(notice, plan, result)) for notice in of(plan, result)]
    if names := ignored(plan, result):
        said.append(words.fields_ignored.format(", ".join(names)))
    return said


def _about(notice: Notice, plan: Plan, result: Result) -> tuple[object, ...]:
    """The values for the placeholders of a sentence."""
    if notice == "some_failed":
        wanted = plan.request.n
        return wanted - len(result.pictures), wanted, result.failures[0].message
    return (result.model.id,)
