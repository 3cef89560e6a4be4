"""Aider's summaries (Aider-AI/aider)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import summary

RULES: tuple[Rule, ...] = (
    # Aider-AI/aider, aider/prompts.py, summarize; aider/history.py quotes the conversation
    TextRule(
        Stage.OPENING,
        "summary",
        summary,
        ("*Briefly* summarize this partial conversation about programming.\n",),
        quotes=(between("\n# USER\n", "\n# ASSISTANT\n", "\n# USER\n"),),
    ),
)
