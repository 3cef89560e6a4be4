"""Connection tests."""

from flux.chores.rule import Chore, Recogniser, Rule, Stage
from flux.conversation import SYSTEM_ROLES, Conversation

_PROBES = frozenset(("hi", "hello", "ping", "test", "hey how's it going", "what's 1 + 1"))
MAX_PROBE_TOKENS = 16


def _probe(conversation: Conversation) -> Chore | None:
    """A connection test: a single message that asks for nothing.

    It has a length limit that no answer fits into (QuantumNous/new-api, controller/channel-test.go, buildTestRequest;
    BerriAI/litellm, litellm/proxy/health_check.py, which tests every few minutes), or it follows the system message
    "test" (CherryHQ/cherry-studio, src/renderer/src/services/ApiService.ts, checkApi).
    """
    *before, asking = conversation.messages
    if asking.role != "user" or asking.has_pictures or asking.text.strip(" .!?").lower() not in _PROBES:
        return None
    if any(message.role not in SYSTEM_ROLES for message in before):
        return None
    limited = any(0 < limit <= MAX_PROBE_TOKENS for limit in conversation.max_tokens)
    return Chore("probe", "OK") if limited or [message.text for message in before] == ["test"] else None


RULES: tuple[Rule, ...] = (Recogniser(Stage.FORM, _probe),)
