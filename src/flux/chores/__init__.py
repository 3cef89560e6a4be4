"""Is this a title, a tag, a follow-up? Then this is the answer, and no picture is drawn.

Chat apps ask the endpoint they draw with for titles, tags and summaries as well. Each app has a file with its rules:
the exact marks of those requests, each with where it was read. A rule that a person's prompt could match by its
subject alone ("a title card") has no place here. What is left out on purpose, because a person may well mean it:

- `max_tokens` of 16 and less alone, or the bare "hello" that LobeChat checks a provider with;
- a forced `tool_choice`, or `response_format` "json_object": both stay set in apps and in scripts whose users still
  want a picture;
- an answered conversation that ends with a message of the assistant ("continue") or of a tool;
- a text that ends with "The name is:".
"""

from flux.chores import (
    chat_box,
    cherry_studio,
    libre_chat,
    lobe_chat,
    next_chat,
    open_webui,
    probes,
    schemas,
)
from flux.chores.rule import Chore, Rule, merged
from flux.conversation import Conversation

__all__ = ["Chore", "recognise"]

APPS = (next_chat, chat_box, libre_chat, open_webui, cherry_studio, lobe_chat, schemas, probes)
"""An app is added here. Within a stage its rules follow those of the apps before it."""

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
