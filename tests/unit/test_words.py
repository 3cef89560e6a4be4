"""The sentences that users read."""

import re

import pytest

from flux.words import LANGUAGES, Words

EN = LANGUAGES["en"]
SENTENCES = [(language, name) for language in LANGUAGES for name in Words._fields]


def test_the_eight_languages_of_the_contract() -> None:
    assert set(LANGUAGES) == {"en", "zh-CN", "zh-TW", "ja", "es", "fr", "ru", "de"}


@pytest.mark.parametrize(("language", "name"), SENTENCES)
def test_no_language_lacks_a_sentence_and_each_takes_what_the_english_takes(language: str, name: str) -> None:
    """The same placeholders and symbol, in one line, and not left in English."""
    sentence, english = getattr(LANGUAGES[language], name), getattr(EN, name)
    assert sentence
    assert sentence.strip() == sentence
    assert len(sentence.splitlines()) == 1
    assert re.findall(r"{.*?}|[{}]", sentence) == re.findall(r"{.*?}|[{}]", english)
    assert re.match(r"[^\w\s¡]*", sentence)[0].strip() == re.match(r"[^\w\s]*", english)[0].strip()  # type: ignore[index]
    assert language == "en" or sentence != english


def test_the_two_chinese_are_two() -> None:
    simplified, traditional = LANGUAGES["zh-CN"], LANGUAGES["zh-TW"]
    same = [name for name in Words._fields if getattr(simplified, name) == getattr(traditional, name)]
    assert len(same) < 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_alternative_text_needs_no_escape_in_markdown(language: str) -> None:
    assert not set(LANGUAGES[language].alt) & set("[]()!\\\n")


def test_the_english_sentences_are_those_of_the_contract() -> None:
    assert EN.original_prompt.format("A cute cat 3:2") == "🎨 Original prompt: A cute cat 3:2"
    assert EN.prompt_model.format(EN.no_writer) == "💬 Prompt generation model: Original Prompt"
    assert EN.optimized_prompt.format("A cute cat") == "🌐 Optimized prompt: A cute cat"
    assert EN.size.format("768x512") == "📐 Image specifications: 768x512"
    assert EN.success == "🌟 Image generation successful!"
    assert EN.result == "Here's the result:"
    assert EN.alt == "Generated Image"
