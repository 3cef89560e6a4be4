"""LibreChat's titles (danny-avila/LibreChat, danny-avila/agents)."""

from flux.chores.quotes import AI_LINES, between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title, title_and_language

RULES: tuple[Rule, ...] = (
    # danny-avila/agents, src/utils/title.ts, defaultCompletionPrompt, of 2026 and of 2025
    TextRule(
        Stage.START,
        "title",
        title,
        (
            "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
            "Provide a concise, 5-word-or-less title for the conversation, using its same language",
        ),
        quotes=(AI_LINES,),
    ),
    # the same, defaultTitlePrompt: `titleMethod: structured`
    TextRule(
        Stage.START,
        "title",
        title_and_language,
        ("Analyze this conversation and provide:\n1. The detected language of the conversation\n",),
        quotes=(AI_LINES,),
    ),
    # danny-avila/LibreChat before 0.8, api/app/clients/OpenAIClient.js, titleConvo; a system message
    TextRule(
        Stage.START,
        "title",
        title,
        ("Please generate a concise, 5-word-or-less title for the conversation, using its same language",),
        quotes=(between('||>User:\n"', '"\n||>Response:'),),
    ),
)
