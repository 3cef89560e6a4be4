"""big-AGI's titles (enricoros/big-AGI)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # enricoros/big-AGI, src/modules/aifn/autotitle/autoTitle.ts, autoConversationTitle
    TextRule(
        Stage.START,
        "title",
        title,
        ("Analyze the given short conversation (every line is truncated) and extract a concise chat title that",),
        quotes=(between("\n- You: ", "\n"),),
    ),
)
