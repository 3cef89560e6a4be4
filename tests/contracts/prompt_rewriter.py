"""Tests that every `PromptRewriter` must pass: the `AI` binding with the stand-in, and the in-memory version."""

from collections.abc import Awaitable, Callable

from flux.ports import PromptRewriter
from flux.prices import UNITS


async def a_prompt_is_answered_with_a_text(rewriter: PromptRewriter) -> None:
    assert (await rewriter.rewrite("A cat")).text.strip()


async def it_costs_something_and_at_most_what_was_said_before(rewriter: PromptRewriter) -> None:
    for prompt in ("A cat", "一只猫 " * 100):
        most, cost = rewriter.most(prompt), (await rewriter.rewrite(prompt)).cost
        for unit in UNITS:
            assert 0 < getattr(cost, unit) <= getattr(most, unit)


PROMISES: tuple[Callable[[PromptRewriter], Awaitable[None]], ...] = (
    a_prompt_is_answered_with_a_text,
    it_costs_something_and_at_most_what_was_said_before,
)
