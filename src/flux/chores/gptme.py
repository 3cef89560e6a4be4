"""gptme: names, summaries, and the reminders that follow an answer without a tool call (gptme/gptme)."""

from flux.chores.quotes import AI_LINES, between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import always, summary, title

RULES: tuple[Rule, ...] = (
    # gptme/gptme, gptme/util/auto_naming.py, _generate_llm_name
    TextRule(Stage.OPENING, "title", title, ("Generate concise conversation titles.",), quotes=(AI_LINES,)),
    # gptme/gptme, gptme/llm/__init__.py, _summarize_str
    TextRule(
        Stage.OPENING,
        "summary",
        summary,
        ("You are a helpful assistant that helps summarize messages into bullet format.",),
        quotes=(between("\nSummarize this:\n"),),
    ),
    # gptme/gptme, gptme/tools/complete.py, auto_reply_hook and _auto_reply_nudge_interactive
    TextRule(
        Stage.START,
        "reminder",
        always("The picture is drawn, and nothing is left to do."),
        (
            "<system>No tool call detected in last message. ",
            "<system>No tool call detected. Please continue with a tool call",
        ),
    ),
)
