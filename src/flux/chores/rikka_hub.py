"""RikkaHub and Kelivo: titles, suggestions and summaries (rikkahub/rikkahub, Chevey339/kelivo)."""

from flux.chores.quotes import AI_LINES, between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import always, summary, title

_TITLE = (
    "I will give you some dialogue content in the `<content>` block.\n"
    "You need to summarize the conversation between user and assistant into a short title."
)
_SUGGESTIONS = (
    "I will provide you with some chat content in the `<content>` block, including conversations between the User and"
    " the AI assistant.\nYou need to act as the **User** to reply to the assistant"
)
_SUMMARY = "You are a conversation compression assistant. Compress the following conversation into a concise summary."
_LINES = (between("[USER]: ", "\n\n[ASSISTANT]: ", "\n\n[USER]: ", "\n</con"), AI_LINES)
"""RikkaHub's form of quoting, then Kelivo's."""

RULES: tuple[Rule, ...] = (
    # rikkahub/rikkahub, app/src/main/java/me/rerere/rikkahub/data/ai/prompts/TitleSummary.kt, DEFAULT_TITLE_PROMPT;
    # Chevey339/kelivo, lib/core/providers/settings_provider.dart, defaultTitlePrompt
    TextRule(Stage.START, "title", title, (_TITLE,), quotes=_LINES),
    # the same, DEFAULT_SUGGESTION_PROMPT: one suggestion per line, so an empty line means none
    TextRule(Stage.START, "follow_ups", always("\n"), (_SUGGESTIONS,)),
    # the same, CompressPrompt.kt, DEFAULT_COMPRESS_PROMPT
    TextRule(Stage.START, "summary", summary, (_SUMMARY,), quotes=_LINES),
)
