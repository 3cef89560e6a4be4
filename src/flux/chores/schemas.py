"""JSON schemas that can be filled in without a model, whichever app sends them."""

from collections.abc import Callable, Mapping

from flux.chores.quotes import QUOTES, prompts_of
from flux.chores.rule import Chore, Recogniser, Rule, Stage
from flux.chores.titles import LANGUAGE, NO_PROMPT, Prompts, as_json, summary, title
from flux.conversation import Conversation

_FIELDS: Mapping[str, tuple[str, Callable[[Prompts], object]]] = {
    "title": ("string", title),
    "summary": ("string", summary),
    "description": ("string", summary),
    "language": ("string", lambda _: LANGUAGE),
    "tags": ("array", lambda _: [NO_PROMPT]),
    "follow_ups": ("array", lambda _: []),
    "queries": ("array", lambda _: []),
}
"""Properties of a JSON schema that can be filled in without a model, with their types."""
_CERTAIN = frozenset(("title", "summary", "tags", "follow_ups", "queries"))
"""Those that never occur in the description of a picture."""


def _by_schema(conversation: Conversation) -> Chore | None:
    """An object whose properties are a title, a summary and the like, with no other required property.

    Sent as LobeChat's topic_title and topic_auto_summary (lobehub/lobehub, packages/prompts/src/chains), and as
    LibreChat's structured titles (danny-avila/agents, src/utils/title.ts).
    """
    schema = conversation.schema
    if schema is None:
        return None
    required, properties = schema.get("required"), schema.get("properties")
    if not isinstance(required, list) or not isinstance(properties, dict):
        return None
    if not all(isinstance(name, str) and _fits(name, properties.get(name)) for name in required):
        return None
    if kind := next((name for name in required if name in _CERTAIN), None):
        prompts = prompts_of(conversation, *QUOTES)
        return Chore(kind, as_json({name: _FIELDS[name][1](prompts) for name in required}))
    return None


def _fits(name: str, wanted: object) -> bool:
    return name in _FIELDS and isinstance(wanted, dict) and wanted.get("type") == _FIELDS[name][0]


RULES: tuple[Rule, ...] = (Recogniser(Stage.SCHEMA, _by_schema),)
