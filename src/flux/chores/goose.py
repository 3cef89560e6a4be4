"""Goose's titles (block/goose)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # block/goose, crates/goose/src/providers/base.rs, create_session_name_prompt
    TextRule(
        Stage.START,
        "title",
        title,
        ("Here are the first few user messages:\n",),
        holds="\n\nBased on the conversation so far, provide a concise description of this session in 4 words or less.",
        quotes=(between("Here are the first few user messages:\n", "\n\nBased on the conversation so far"),),
    ),
)
