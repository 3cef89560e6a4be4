"""SillyTavern's summaries (SillyTavern/SillyTavern)."""

from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import summary

RULES: tuple[Rule, ...] = (
    # SillyTavern/SillyTavern, public/scripts/extensions/memory/index.js, defaultPrompt
    TextRule(
        Stage.START,
        "summary",
        summary,
        ("Ignore previous instructions. Summarize the most important facts and events in the story so far.",),
    ),
)
