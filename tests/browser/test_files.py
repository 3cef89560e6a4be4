"""The files of the page, by themselves: what they weigh, and that no language lacks a sentence."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from dev import ROOT
from flux import catalog, sizes
from flux.endpoints import models
from flux.prices import DollarPrice, Price
from flux.words import LANGUAGES

PUBLIC = ROOT / "public"
OTHERS = ("openapi.json", "_headers", "docs.html", "docs.css", "docs.js")
PAGE = sorted(path for path in PUBLIC.rglob("*") if path.is_file() and path.name not in OTHERS)
"""All that `/` can load."""
SCRIPTS = {path.name: path.read_text() for path in PAGE if path.suffix == ".js"}
BUDGET = 120_000
"""Bytes of all of the page, uncompressed."""
FIRST_BUDGET = 60_000
"""Bytes of what the page loads before it is painted."""

Table = dict[str, list[str]]


class English(HTMLParser):
    """The sentences in index.html by their keys, and where the keys are used."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: dict[str, str] = {}
        self.placeholders: set[str] = set()
        self.shown: set[str] = set()
        """Said by the page itself, where the others are left to its scripts."""
        self._key = ""
        self._in_page = True
        self.feed((PUBLIC / "index.html").read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self._in_page = self._in_page and tag != "template"
        self._key = values.get("data-t") or ""
        if self._key and self._in_page:
            self.shown.add(self._key)
        if placeholder := values.get("data-placeholder"):
            self.placeholders.add(placeholder)

    def handle_data(self, data: str) -> None:
        if self._key:
            assert self.sentences.get(self._key, data) == data, f"two English sentences for {self._key}"
            self.sentences[self._key] = data
            self._key = ""


@pytest.fixture(scope="module")
def english() -> English:
    return English()


@pytest.fixture(scope="module")
def table() -> Table:
    """Key to translations; no key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    read = json.loads((PUBLIC / "page" / "words.json").read_text(), object_pairs_hook=once)
    return {key: translations.split("|") for key, translations in read.items()}


def test_the_page_weighs_at_most_120_kilobytes() -> None:
    weights = {str(path.relative_to(PUBLIC)): path.stat().st_size for path in PAGE}
    assert sum(weights.values()) <= BUDGET, weights


def test_what_is_loaded_before_the_page_is_painted_weighs_at_most_60_kilobytes() -> None:
    """What the HTML names, and what the scripts among it import at once. The rest is imported once it is painted."""
    linked = re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="/([^"]+)"', (PUBLIC / "index.html").read_text())
    first = {PUBLIC / "index.html", *(PUBLIC / path for path in linked)}
    for path in first:
        if path.suffix == ".js":
            assert not re.search(r"^(import|export) ", path.read_text(), re.MULTILINE), path
    assert PUBLIC / "page" / "main.js" in first
    assert sum(path.stat().st_size for path in first) <= FIRST_BUDGET


def test_the_manifest_names_what_is_there() -> None:
    manifest = json.loads((PUBLIC / "manifest.json").read_text())
    for icon in manifest["icons"]:
        path = PUBLIC / icon["src"].removeprefix("/")
        assert path.exists()
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert icon["sizes"] == f"{picture.width}x{picture.height}"


def test_it_speaks_the_languages_of_the_service(table: Table) -> None:
    assert ["en", *table[""]] == list(LANGUAGES)
    chooser = re.findall(r'<option value="([^"]+)" lang="([^"]+)">', (PUBLIC / "index.html").read_text())
    assert chooser == [(one, one) for one in LANGUAGES]


def test_no_language_lacks_a_sentence(table: Table, english: English) -> None:
    """Every sentence has all translations, with the same places for values; none is left over."""
    assert table.keys() - {""} == english.sentences.keys()
    for key, sentence in english.sentences.items():
        assert sentence
        assert len(table[key]) == len(table[""]), key
        for translation in table[key]:
            assert translation, key
            assert sorted(re.findall(r"\{\d\}", translation)) == sorted(re.findall(r"\{\d\}", sentence)), translation


def test_every_sentence_is_used_and_every_placeholder_has_one(english: English) -> None:
    """A key that has no sentence stops the script that says it, which the tests with a browser would see."""
    assert english.placeholders <= english.sentences.keys()
    spoken = {key for key in english.sentences if any(f'"{key}"' in text for text in SCRIPTS.values())}
    assert english.sentences.keys() <= spoken | english.shown | english.placeholders


def test_the_ratios_are_those_of_the_service() -> None:
    [listed] = re.findall(r"const RATIOS = (\{.*?),?\n\};", SCRIPTS["form.js"], re.DOTALL)
    assert json.loads(f"{listed}}}") == {ratio: [size.width, size.height] for ratio, size in sizes.RATIOS.items()}
    [left_out] = re.findall(r'ratio !== "([^"]+)"', SCRIPTS["api.js"])
    assert sizes.RATIOS[left_out] == sizes.DEFAULT


def test_edits_are_drawn_with_the_services_model_for_them() -> None:
    assert f'const EDIT_MODEL = "{catalog.DEFAULT_EDIT_MODEL}";' in SCRIPTS["form.js"]
    assert f"export const MOST = {catalog.MAX_IMAGES};" in SCRIPTS["sources.js"]


def test_every_row_of_a_price_is_counted() -> None:
    """What the API may name in `pricing`: `per_tile` and so on."""
    [counts] = re.findall(r"const counts = \{(.*?)\};", SCRIPTS["cost.js"], re.DOTALL)
    assert set(re.findall(r"(\w+):", counts)) == {*models.rates(Price), *models.rates(DollarPrice)}


def test_foreign_text_never_becomes_markup() -> None:
    for name, text in SCRIPTS.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )
