"""The READMEs in other languages show the answer that the service gives in that language."""

import re

import pytest

from dev import ROOT
from flux.words import LANGUAGES

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_the_answer_shown_is_the_answer_given(language: str) -> None:
    """Line by line; what a line is about stands in the place of "{}"."""
    words = LANGUAGES[language]
    page = (ROOT / "docs" / f"README.{language}.md").read_text()
    [sample] = re.findall(r"```text\n(.*?)\n```", page, re.DOTALL)
    sentences = [
        words.original_prompt,
        words.prompt_model,
        words.optimized_prompt,
        words.size,
        words.success,
        words.result,
    ]
    for line, sentence in zip(sample.splitlines(), sentences, strict=False):
        assert re.fullmatch(re.escape(sentence).replace(r"\{\}", ".+"), line)
    assert sample.splitlines()[-1].startswith(f"![{words.alt}](")


@pytest.mark.parametrize("language", OTHERS)
def test_every_readme_leads_to_every_other(language: str) -> None:
    assert f"docs/README.{language}.md" in (ROOT / "README.md").read_text()
    page = (ROOT / "docs" / f"README.{language}.md").read_text()
    assert [other for other in OTHERS if other != language and f"(README.{other}.md)" not in page] == []
