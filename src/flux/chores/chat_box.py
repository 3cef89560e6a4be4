"""Chatbox: names, summaries, and whether to search (chatboxai/chatbox)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import always, summary, title

RULES: tuple[Rule, ...] = (
    # chatboxai/chatbox, src/renderer/packages/prompts.ts (later src/shared/prompts.ts), nameConversation
    TextRule(
        Stage.START,
        "title",
        title,
        ("Based on the chat history, give this conversation a name.\n",),
        holds="Here's the conversation:\n",
        quotes=(between("Here's the conversation:\n\n```\n", "\n\n---------\n\n", "\n```"),),
    ),
    # the same, before 2024; up to 2023 as a system message
    TextRule(
        Stage.START,
        "title",
        title,
        ("Name the conversation based on the chat records.\n",),
        holds="The following is the conversation:\n",
        quotes=(between("The following is the conversation:\n\n```\n", "\n\n---------\n\n", "\n```"),),
    ),
    # the same, summarizeConversation
    TextRule(Stage.START, "summary", summary, ("Provide a detailed summary for continuing this conversation.\n",)),
    # chatboxai/chatbox, src/shared/prompts.ts, contructSearchAction and similar ones, in 2026 and earlier versions
    TextRule(
        Stage.SYSTEM,
        "search",
        always({"action": "proceed"}),
        (
            "You are deciding whether a web search would help answer the user's query.",
            "You are deciding whether searching the attached knowledge base would help answer the user's query.",
            "As a professional researcher with access to both knowledge base and web search, your primary objective",
            "As a professional web researcher who can access latest data, your primary objective is to fully",
        ),
    ),
)
