"""DeepChat's titles (ThinkInAIXYZ/deepchat)."""

from flux.chores.quotes import LOWER_LINES
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

_TITLE = "You need to summarize the user's conversation into a title of no more than 10 words, with the title"

RULES: tuple[Rule, ...] = (
    # ThinkInAIXYZ/deepchat, src/main/presenter/llmProviderPresenter/baseProvider.ts, SUMMARY_TITLES_PROMPT; without the
    # line break in providers/aiSdkProvider.ts, "title-summary"
    TextRule(Stage.START, "title", title, (f"\n{_TITLE}", _TITLE), quotes=(LOWER_LINES,)),
)
