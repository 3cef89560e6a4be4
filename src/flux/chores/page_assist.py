"""Page Assist's titles, with wording from Open WebUI (n4ze3m/page-assist, open-webui/open-webui)."""

from flux.chores.quotes import between
from flux.chores.rule import Rule, Stage, TextRule
from flux.chores.titles import title

RULES: tuple[Rule, ...] = (
    # n4ze3m/page-assist, src/services/title.ts, DEFAULT_TITLE_GEN_PROMPT; open-webui/open-webui before 0.3
    TextRule(
        Stage.START,
        "title",
        title,
        ("Here is the query:\n",),
        holds="\n\nCreate a concise, 3-5 word phrase as a title for the previous query.",
        quotes=(
            between("Here is the query:\n\n--------------\n\n", "\n\n--------------\n\n"),
            between("Here is the query:\n", "\n\nCreate a concise, 3-5 word phrase"),
        ),
    ),
)
