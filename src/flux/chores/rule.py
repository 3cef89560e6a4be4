"""Rules that recognise an app's own requests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from flux.chores.quotes import Quote, prompts_of
from flux.chores.titles import Answer
from flux.conversation import ASKING_ROLES, SYSTEM_ROLES, Conversation


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore and its answer."""

    kind: str
    """For the log: "title", "tags" and so on."""
    text: str


Recognise = Callable[[Conversation], Chore | None]
"""Returns the chore that a conversation requests."""


class Stage(Enum):
    """What a rule examines. The stages are tried in this order, from the cheapest to the most expensive."""

    NAME = auto()
    """A name that the app gave its request."""
    SCHEMA = auto()
    """The JSON schema of the answer."""
    START = auto()
    """The beginning of the last message."""
    OPENING = auto()
    """The beginning of the first message, if it is a system message. For apps whose users do not write system
    messages."""
    SYSTEM = auto()
    """Any text inside a system message."""
    FORM = auto()
    """Properties of the whole request."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """Recognises a text that only an app writes."""

    stage: Stage
    """`START`, `OPENING` or `SYSTEM`."""
    kind: str
    answer: Answer
    marks: tuple[str, ...]
    holds: str = ""
    """Text that must occur in addition to one of the marks."""
    lacks: str = ""
    """Text that must not occur, because another rule handles it."""
    quotes: tuple[Quote, ...] = ()
    """Where the prompts are quoted, if they are not messages of the conversation."""

    def accepts(self, text: str) -> bool:
        """Whether a text that contains one of the marks meets the rule's other conditions."""
        return self.holds in text and not (self.lacks and self.lacks in text)

    def chore(self, conversation: Conversation) -> Chore:
        """The chore for a conversation that matches this rule."""
        return Chore(self.kind, self.answer(prompts_of(conversation, *self.quotes)))


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A rule that examines more than a mark."""

    stage: Stage
    recognise: Recognise


Rule = TextRule | Recogniser


def merged(rules: Iterable[Rule]) -> tuple[Recognise, ...]:
    """Rules in the order in which they are tried: by stage, with the text rules of a stage combined.

    They are combined because they run for every chat request, of which hardly any is a chore.
    """
    rules = tuple(rules)
    return tuple(recognise for stage in Stage for recognise in _merged(stage, rules))


def _merged(stage: Stage, rules: Iterable[Rule]) -> Iterator[Recognise]:
    rules = [rule for rule in rules if rule.stage is stage]
    marks: dict[str, list[TextRule]] = {}
    for rule in rules:
        if isinstance(rule, TextRule):
            for mark in rule.marks:
                marks.setdefault(mark, []).append(rule)
    if marks:
        yield _MERGED[stage](marks)
    yield from (rule.recognise for rule in rules if isinstance(rule, Recogniser))


Marks = Mapping[str, Sequence[TextRule]]
"""The marks of a stage, each with its rules."""


def _start(marks: Marks) -> Recognise:
    return _beginning(marks, -1, ASKING_ROLES)


def _opening(marks: Marks) -> Recognise:
    return _beginning(marks, 0, SYSTEM_ROLES)


def _beginning(marks: Marks, at: int, roles: frozenset[str]) -> Recognise:
    starts = tuple(marks)

    def recognise(conversation: Conversation) -> Chore | None:
        message = conversation.messages[at]
        if message.role not in roles or not message.text.startswith(starts):
            return None
        found = (rule for mark, rules in marks.items() if message.text.startswith(mark) for rule in rules)
        return _first(found, message.text, conversation)

    return recognise


def _system(marks: Marks) -> Recognise:
    pairs = tuple(marks.items())

    def recognise(conversation: Conversation) -> Chore | None:
        for message in conversation.messages:
            if message.role in SYSTEM_ROLES:
                text = message.text
                for mark, rules in pairs:
                    if mark in text and (chore := _first(rules, text, conversation)):
                        return chore
        return None

    return recognise


def _first(rules: Iterable[TextRule], text: str, conversation: Conversation) -> Chore | None:
    return next((rule.chore(conversation) for rule in rules if rule.accepts(text)), None)


_MERGED: Mapping[Stage, Callable[[Marks], Recognise]] = {
    Stage.START: _start,
    Stage.OPENING: _opening,
    Stage.SYSTEM: _system,
}
