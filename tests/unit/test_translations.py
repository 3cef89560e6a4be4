"""The translated READMEs match the English one, and show the answer that the service gives in their language."""

import re

import pytest

from dev import ROOT
from flux.words import LANGUAGES

OTHERS = [language for language in LANGUAGES if language != "en"]
ENGLISH = (ROOT / "README.md").read_text()
IN_OTHERS = ENGLISH[: ENGLISH.index("\n## Models\n")]
"""The translated part: introduction, Try it, Deploy, Connect, Settings."""

EACH = pytest.mark.parametrize("language", OTHERS)

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")


def page(language: str) -> str:
    """The README in one language."""
    return (ROOT / "docs" / f"README.{language}.md").read_text()


def translated(language: str) -> str:
    """A README without its last line, which links to the rest in English."""
    return page(language).rstrip().rpartition("\n\n")[0]


def sections(text: str) -> list[str]:
    """The text below each heading, the title first."""
    return re.split(r"^## .*\n", text, flags=re.MULTILINE)


def commands(section: str) -> list[tuple[str, str]]:
    """The code blocks without comments. The chat answer is in the page's language."""
    return [(block, re.sub(r"\s+# .*", "", code)) for block, code in FENCE.findall(section) if block != "text"]


def names(section: str) -> set[str]:
    """The texts in backticks."""
    return set(CODE.findall(FENCE.sub("", section)))


def links(section: str, folder: str = "") -> list[str]:
    """The targets of links and pictures, relative to the root. Links to other languages are tested below."""
    found = [next(filter(None, link)) for link in LINK.findall(FENCE.sub("", section))]
    targets = []
    for link in found:
        if link.startswith("http"):
            targets.append(link)
        elif folder:
            targets.append(link.removeprefix("../") if link.startswith("../") else f"{folder}/{link}")
        else:
            targets.append(f"README.md{link}" if link[0] == "#" else link)
    return sorted(target for target in targets if not re.fullmatch(r"(docs/)?README(\.[\w-]+)?\.md", target))


def rows(section: str) -> list[list[str]]:
    """The names in the first column of each row of the tables."""
    return [CODE.findall(row.split(" | ")[0]) for row in re.findall(r"^\|.*\|$", section, re.MULTILINE)]


@EACH
def test_a_translation_has_what_the_english_has(language: str) -> None:
    """The same sections, commands, names, links and rows."""
    english, other = sections(IN_OTHERS), sections(translated(language))
    assert len(english) == len(other) == 5
    for one, two in zip(english, other, strict=True):
        assert commands(two) == commands(one)
        assert names(two) == names(one)
        assert links(two, "docs") == links(one)
        assert rows(two) == rows(one)


@EACH
def test_a_translation_is_one(language: str) -> None:
    """No English sentence remains in it."""
    english = {line for line in IN_OTHERS.splitlines() if len(re.sub(r"`[^`]*`|\W|\d", "", line)) > 40}
    left = english & set(page(language).splitlines())
    assert not [line for line in left if "](" not in line and not line.startswith(("client", "answer", "    "))]


@EACH
def test_it_leads_to_the_rest(language: str) -> None:
    assert "(../README.md)" in page(language).rstrip().rpartition("\n\n")[2]


@EACH
def test_the_answer_shown_is_the_answer_given(language: str) -> None:
    """Line by line; "{}" stands for what a line is about."""
    words = LANGUAGES[language]
    [sample] = re.findall(r"```text\n(.*?)\n```", page(language), re.DOTALL)
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


@EACH
def test_every_readme_leads_to_every_other(language: str) -> None:
    assert f"docs/README.{language}.md" in ENGLISH
    assert [other for other in OTHERS if other != language and f"(README.{other}.md)" not in page(language)] == []
