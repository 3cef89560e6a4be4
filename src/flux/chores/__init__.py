"""Chores: apps' own requests for titles, tags or summaries, which are recognised and answered in text, not drawn.

Chat apps send them to the same endpoint as prompts. Each app has a file with its rules: the exact marks of its
requests, each with its source. No rule may match a user's prompt just because of its subject ("a title card"). The
rules of all apps are tried stage by stage (`rule.Stage`). A request from an app matches only one rule of a stage, so
their order within a stage does not matter. Left out on purpose, because they may come from a user who wants a picture:

- `max_tokens` of 16 or less as the only sign, or the bare "hello" with which LobeChat checks a provider;
- a forced `tool_choice`, or `response_format` "json_object": both stay set in apps and scripts whose users still want a
  picture;
- an answered conversation that ends with a message of the assistant ("continue") or of a tool;
- a text that ends with "The name is:".
"""

from flux.chores import (
    ai_chatbot,
    aider,
    big_agi,
    chat_box,
    cherry_studio,
    cline,
    continue_dev,
    deep_chat,
    goose,
    gptme,
    hugging_chat,
    jan,
    libre_chat,
    lobe_chat,
    next_chat,
    open_code,
    open_webui,
    page_assist,
    probes,
    rikka_hub,
    schemas,
    silly_tavern,
    zed,
)
from flux.chores.rule import Chore, Rule, merged
from flux.conversation import Conversation

__all__ = ["Chore", "recognise"]

APPS = (
    next_chat,
    chat_box,
    libre_chat,
    open_webui,
    cherry_studio,
    lobe_chat,
    ai_chatbot,
    aider,
    big_agi,
    cline,
    continue_dev,
    deep_chat,
    goose,
    gptme,
    hugging_chat,
    jan,
    open_code,
    page_assist,
    rikka_hub,
    silly_tavern,
    zed,
    schemas,
    probes,
)
"""To add an app, add its file and its name here."""

RULES: tuple[Rule, ...] = tuple(rule for app in APPS for rule in app.RULES)
_RECOGNISERS = merged(RULES)


def recognise(conversation: Conversation) -> Chore | None:
    """The chore that a conversation requests; None if a user requests a picture.

    The answer never contains a picture. A title keeps the language of the prompt it is made from.
    """
    for find in _RECOGNISERS:
        if chore := find(conversation):
            return chore
    return None
