"""A rule by which an app's own request is recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from flux.chores.quotes import Quote, prompts_of
from flux.chores.titles import Answer
from flux.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore and its answer."""

    kind: str
    """For the log: "title", "tags" and so on."""
    text: str


class Stage(Enum):
    """What a rule looks at. The stages follow each other from the cheapest to the most expensive."""

    NAME = auto()
    """A name that the app gave its request."""
    SCHEMA = auto()
    """The JSON schema of the answer."""
    START = auto()
    """How the last message begins."""
    SYSTEM = auto()
    """What a system message holds."""
    FORM = auto()
    """The form of the whole request."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """A mark in a text that only an app sets."""

    stage: Stage
    """`START` or `SYSTEM`."""
    kind: str
    answer: Answer
    marks: tuple[str, ...]
    holds: str = ""
    """What the text must hold beside one of the marks."""
    lacks: str = ""
    """What it must not hold, since another rule is for that."""
    quotes: tuple[Quote, ...] = ()
    """Where the prompts are quoted, if they are not the conversation's own messages."""

    def matches(self, text: str) -> bool:
        """Whether a text has one of the marks where this rule looks for it."""
        starts = self.stage is Stage.START
        found = text.startswith(self.marks) if starts else any(mark in text for mark in self.marks)
        return found and self.holds in text and not (self.lacks and self.lacks in text)

    def chore(self, conversation: Conversation) -> Chore:
        """The chore of a conversation that this rule matches."""
        return Chore(self.kind, self.answer(prompts_of(conversation, *self.quotes)))


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A rule that looks at more than a mark."""

    stage: Stage
    recognise: Callable[[Conversation], Chore | None]


Rule = TextRule | Recogniser
