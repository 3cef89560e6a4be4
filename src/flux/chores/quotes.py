"""Where an app quotes the prompts in its request."""

import json
from collections.abc import Callable, Iterator
from itertools import islice

from flux.chores.titles import MAX_PROMPT_LENGTH, MAX_PROMPTS, Prompts
from flux.conversation import Conversation
from flux.text import clean

Quote = Callable[[str], Iterator[str]]
"""Finds the prompts that an app quotes in its request."""


def between(before: str, *after: str, until: str = "", end: str = "") -> Quote:
    """Finds prompts after `before`, each up to the first of `after`. Ignores all after `until`, and a final `end`."""

    def find(text: str) -> Iterator[str]:
        text = f"\n{text.partition(until)[0] if until else text}".removesuffix(end)
        at = text.find(before)
        while at >= 0:
            at += len(before)
            quoted = text[at : at + MAX_PROMPT_LENGTH]
            for follows in after:
                quoted = quoted.partition(follows)[0]
            yield quoted
            at = text.find(before, at + len(quoted))

    return find


def whole(text: str) -> Iterator[str]:
    """The whole message, as a prompt."""
    yield text[:MAX_PROMPT_LENGTH]


def json_texts(text: str) -> Iterator[str]:
    """The user's texts in a list of `{"role", "mainText"}`.

    Only their strings are parsed: the list may be cut off or deeply nested.
    """
    at = text.find(_MAIN_TEXT)
    while at >= 0:
        at += len(_MAIN_TEXT)
        try:
            quoted, at = _STRINGS.raw_decode(text, at - 1)
        except ValueError:
            return
        yield clean(quoted)
        at = text.find(_MAIN_TEXT, at)


_MAIN_TEXT = '{"role":"user","mainText":"'
_STRINGS = json.JSONDecoder()

UPPER_LINES = between(
    "\nUSER: ",
    "\nASSISTANT: ",
    "\nUSER: ",
    "\n</chat_history>",
    until="\n\n### Recent Messages Kept In Context:",
)
LOWER_LINES = between("\nuser: ", "\nassistant: ", "\nuser: ", "\n\n请总结上述对话")
AI_LINES = between("\nUser: ", "\nAI: ", "\nAssistant: ")
TAGS = between("<user>", "</user>")
QUOTES: tuple[Quote, ...] = (UPPER_LINES, AI_LINES, TAGS, LOWER_LINES, json_texts)


def prompts_of(conversation: Conversation, *quotes: Quote) -> Prompts:
    """The prompts that the last message quotes, or else those in the conversation before it."""
    *earlier, asking = conversation.messages
    for quote in quotes:
        if quoted := list(islice(quote(asking.text), MAX_PROMPTS)):
            return quoted
    return [m.text[:MAX_PROMPT_LENGTH] for m in earlier if m.role == "user" and m.text][:MAX_PROMPTS]
