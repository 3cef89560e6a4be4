"""Is this a title, a tag, a follow-up? Then this is the answer, and no picture is drawn.

Chat apps ask the endpoint they draw with for titles, tags and summaries as well. The rules are the
exact marks of those requests, each with the app it was read from; a rule that a person's prompt
could match by its subject alone ("a title card") has no place here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flux.parse import ChatRequest


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore and its answer."""

    kind: str
    """For the log: "title", "tags" and so on."""
    text: str


def recognise(request: ChatRequest, headers: Mapping[str, str]) -> Chore | None:
    """The chore that a chat request is; None where a person asks for a picture."""
    return None
