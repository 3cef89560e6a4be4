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

from collections.abc import Iterator

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
from flux.chores.rule import Chore, Recogniser, Rule, Stage, TextRule
from flux.conversation import ASKING_ROLES, SYSTEM_ROLES, Conversation

__all__ = ["Chore", "matches", "recognise"]

APPS = (next_chat, chat_box, libre_chat, open_webui, cherry_studio, lobe_chat, schemas, probes)
"""An app is added here. Within a stage its rules follow those of the apps before it."""

RULES: tuple[Rule, ...] = tuple(rule for app in APPS for rule in app.RULES)
_RECOGNISERS = {
    stage: tuple(rule.recognise for rule in RULES if isinstance(rule, Recogniser) and rule.stage is stage)
    for stage in Stage
}
_TEXT_RULES = {
    stage: tuple(rule for rule in RULES if isinstance(rule, TextRule) and rule.stage is stage) for stage in Stage
}


def recognise(conversation: Conversation) -> Chore | None:
    """The chore that a conversation asks for; None where a person asks for a picture.

    The answer never holds a picture, and a title keeps the language of the prompt it is made of.
    """
    return next((chore for _, chore in matches(conversation)), None)


def matches(conversation: Conversation) -> Iterator[tuple[Stage, Chore]]:
    """The chores of all rules that match, stage by stage."""
    for stage in Stage:
        for text in _texts(stage, conversation):
            for rule in _TEXT_RULES[stage]:
                if rule.matches(text):
                    yield stage, rule.chore(conversation)
        for recogniser in _RECOGNISERS[stage]:
            if chore := recogniser(conversation):
                yield stage, chore


def _texts(stage: Stage, conversation: Conversation) -> Iterator[str]:
    """The texts in which the rules of a stage look for their marks."""
    if stage is Stage.START and conversation.messages[-1].role in ASKING_ROLES:
        yield conversation.messages[-1].text
    elif stage is Stage.SYSTEM:
        yield from (message.text for message in conversation.messages if message.role in SYSTEM_ROLES)
