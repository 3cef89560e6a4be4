"""opencode's titles (anomalyco/opencode)."""

from flux.chores.quotes import between, whole
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # anomalyco/opencode, packages/opencode/src/agent/prompt/title.txt; the prompt follows as a separate message
    # (packages/opencode/src/session/prompt.ts), in mid-2025 in the same one
    TextRule(
        Stage.OPENING,
        "title",
        title,
        ("You are a title generator. You output ONLY a thread title. Nothing else.",),
        quotes=(between("\nGenerate a title for this conversation:\n"), whole),
    ),
)
