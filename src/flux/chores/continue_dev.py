"""Continue's titles (continuedev/continue)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # continuedev/continue, core/util/chatDescriber.ts, ChatDescriber.prompt
    TextRule(
        Stage.START,
        "title",
        title,
        ("Given the following... please reply with a title for the chat that is 3-4 words in length",),
        quotes=(between("you don't need ending punctuation.\n\n"),),
    ),
)
