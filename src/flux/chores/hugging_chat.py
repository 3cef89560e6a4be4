"""HuggingChat's titles (huggingface/chat-ui)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # huggingface/chat-ui, src/lib/server/textGeneration/title.ts, generateTitle
    TextRule(
        Stage.OPENING,
        "title",
        title,
        ("You are a chat thread titling assistant.\nGoal: Produce a very short, descriptive title",),
        quotes=(between('\nUser message: "', end='"'),),
    ),
)
