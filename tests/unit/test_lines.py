"""The lines of a conversational answer, its notices, and its estimated tokens."""

from dataclasses import replace
from typing import get_args

import pytest

from flux import catalog, lines, notices, tokens
from flux.errors import ApiError, InternalError
from flux.generation import Notice
from flux.picture import Picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Result
from flux.plan import Plan
from flux.text import Spliced
from flux.words import LANGUAGES
from tests.builders import FLUX_2, SCHNELL, plan_of, texts
from tests.fakes import Bytes, painted

EN = LANGUAGES["en"]
CAT = FinalPrompt("A cat", writer=None)


def drawn(*urls: str | None, model: str = SCHNELL, width: int = 768, notices: tuple[Notice, ...] = ()) -> Result:
    """A result with one picture for each URL."""
    pictures = (
        GeneratedPicture(Picture("image/png", width, 512, Bytes(b"PNG")), url, CAT, catalog.MODELS[model], index=index)
        for index, url in enumerate(urls)
    )
    return Result(tuple(replace(one, notices=notices) for one in pictures))


def test_the_first_line_is_the_prompt_as_it_was_typed() -> None:
    plan = plan_of("A cat", size=None)
    plan = replace(plan, request=replace(plan.request, asked="A cat {} 3:2"))
    assert lines.opening(plan, EN) == "🎨 Original prompt: A cat {} 3:2\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (CAT, ["💬 Prompt generation model: Original Prompt", "🌐 Optimized prompt: A cat"]),
        (
            FinalPrompt("A {} cat", "@cf/a/writer"),
            ["💬 Prompt generation model: @cf/a/writer", "🌐 Optimized prompt: A {} cat"],
        ),
        (
            FinalPrompt("A cat", None, writer_failed=True),
            ["💬 Prompt generation model: Original Prompt", "🌐 Optimized prompt: A cat", EN.writer_failed],
        ),
    ],
)
def test_the_next_lines_are_the_prompt_that_is_drawn_and_who_wrote_it(written: FinalPrompt, told: list[str]) -> None:
    assert lines.writing(written, EN) == "".join(f"{line}\n" for line in told)


def test_the_last_lines_end_in_the_pictures_each_of_them_one_text() -> None:
    """Clients do not join a link that is split."""
    head, *pictures = lines.closing(drawn("https://h/1.png", None).pictures, (), EN, images_apart=False)
    assert head == f"📐 Image specifications: 768x512\n{EN.success}\n{EN.not_stored}\n{EN.result}\n\n"
    assert pictures[0] == "![Generated Image](https://h/1.png)"
    assert isinstance(pictures[1], Spliced)
    assert texts(pictures[1]) == "\n\n![Generated Image](data:image/png;base64,UE5H)"


def test_pictures_that_travel_apart_are_not_in_the_lines() -> None:
    told = list(lines.closing(drawn(None).pictures, (), EN, images_apart=True))
    assert told == [f"📐 Image specifications: 768x512\n{EN.success}"]


def test_every_size_is_named_once() -> None:
    narrow, wide = drawn("https://h/1.png", "https://h/2.png"), drawn("https://h/3.png", width=1024)
    told = lines.closing(wide.pictures + narrow.pictures, (), EN, images_apart=True)
    assert next(told).startswith("📐 Image specifications: 1024x512, 768x512\n")  # type: ignore[union-attr]


def test_a_failure_is_a_line_of_its_own() -> None:
    assert lines.failure(InternalError("Something went wrong.")) == "\n❌ Something went wrong."


# --- notices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "result", "told"),
    [
        (plan_of(), drawn(""), []),
        (plan_of(), drawn("", notices=("rewrite_refused",)), ["rewrite_refused"]),
        (plan_of(seed=0), drawn(""), ["seed_ignored"]),
        (plan_of(seed=0, model=FLUX_2), drawn("", model=FLUX_2), []),
        (plan_of(seed=0, model=FLUX_2), drawn("", model=SCHNELL), ["seed_ignored"]),
        (plan_of(images=(painted(),)), drawn("", model=FLUX_2), []),
        (plan_of(images=(painted(),), model=SCHNELL), drawn(""), ["images_ignored"]),
        (plan_of(notices=("links_ignored", "model_unknown")), drawn(""), ["links_ignored", "model_unknown"]),
        (
            plan_of(images=(painted(),), model=SCHNELL, seed=1, notices=("links_ignored",)),
            drawn("", notices=("rewrite_refused",)),
            ["rewrite_refused", "images_ignored", "links_ignored", "seed_ignored"],
        ),
    ],
)
def test_what_was_asked_for_and_not_followed_is_noticed(plan: Plan, result: Result, told: list[Notice]) -> None:
    """For the model that drew, which may be the fallback."""
    assert list(notices.of(plan, result)) == told
    assert notices.sentences(plan, result, EN) == [getattr(EN, notice).format(result.model.id) for notice in told]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_is_a_sentence_in_every_language(language: str) -> None:
    plan = plan_of(notices=get_args(Notice))
    result = replace(drawn(""), failures=(ApiError("It failed."),))
    sentences = notices.sentences(plan, result, LANGUAGES[language])
    assert len(set(sentences)) == len(get_args(Notice))
    assert all(sentence.startswith("⚠️ ") and "{" not in sentence for sentence in sentences)


def test_the_sentence_about_an_unknown_model_names_the_one_that_drew() -> None:
    (sentence,) = notices.sentences(plan_of(notices=("model_unknown",)), drawn("", model=FLUX_2), EN)
    assert FLUX_2 in sentence


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("A", 1), ("A ca", 1), ("A cat", 2), ("猫", 1), ("猫猫", 2), ("🐱", 1)]
)
def test_four_bytes_of_text_are_a_token(text: str, count: int) -> None:
    assert tokens.of_text(text) == count


def test_a_picture_inside_a_text_is_no_text() -> None:
    assert tokens.of_text(Spliced(("A ca", Bytes(bytes(1000)), "t"))) == 2


@pytest.mark.parametrize(("sizes", "count"), [((), 0), (((32, 32),), 1), (((33, 32),), 2), (((768, 512), (1, 1)), 385)])
def test_32_by_32_pixels_are_a_token(sizes: tuple[tuple[int, int], ...], count: int) -> None:
    assert tokens.of_pictures(*(Picture("image/png", *size, Bytes(b"")) for size in sizes)) == count
