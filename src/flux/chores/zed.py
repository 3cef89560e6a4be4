"""Zed's titles and summaries (zed-industries/zed)."""

from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import summary, title

RULES: tuple[Rule, ...] = (
    # zed-industries/zed, crates/agent_settings/src/prompts/summarize_thread_prompt.txt
    TextRule(
        Stage.START,
        "title",
        title,
        ("Generate a concise 3-7 word title for this conversation, omitting punctuation. Go straight to the title",),
    ),
    # the same, summarize_thread_detailed_prompt.txt
    TextRule(
        Stage.START,
        "summary",
        summary,
        ("Generate a detailed summary of this conversation. Include:\n1. A brief overview of what was discussed",),
    ),
)
