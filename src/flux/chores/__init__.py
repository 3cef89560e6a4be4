"""Titles, tags, summaries: what apps ask for by themselves is recognised and answered in words, without a picture.

Chat apps ask the endpoint they draw with for these as well. Each app has a file with its rules: the exact marks of its
requests, each with where it was read. A rule that a person's prompt could match by its subject alone ("a title card")
has no place here. The rules of all apps are tried stage by stage (`rule.Stage`), and each request of an app matches
one rule of a stage, so their order within a stage does not matter. Left out on purpose, because a person may mean it:

- `max_tokens` of 16 and less alone, or the bare "hello" that LobeChat checks a provider with;
- a forced `tool_choice`, or `response_format` "json_object": both stay set in apps and in scripts whose users still
  want a picture;
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
"""An app is added by its file and its name here."""

RULES: tuple[Rule, ...] = tuple(rule for app in APPS for rule in app.RULES)
_RECOGNISERS = merged(RULES)


def recognise(conversation: Conversation) -> Chore | None:
    """The chore that a conversation asks for; None where a person asks for a picture.

    The answer never holds a picture, and a title keeps the language of the prompt it is made of.
    """
    for find in _RECOGNISERS:
        if chore := find(conversation):
            return chore
    return None
