"""Jan's titles (janhq/jan)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # janhq/jan, web-app/src/lib/thread-title-summarizer.ts, buildSummarizePrompt
    TextRule(
        Stage.START,
        "title",
        title,
        ("Summarize in a 10-word Title. Give the title only. Here is the message: ",),
        quotes=(between('Here is the message: "', end='"'),),
    ),
)
