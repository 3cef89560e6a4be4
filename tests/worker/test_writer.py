"""The prompt writer, working and failing: a picture is always drawn, and the answer says which prompt was used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from dev.serve import Server
from flux import markdown
from tests.worker.service import Ledger, Service, Start, content, fetched, links, shows, unique

EXTERNAL = "some-chat-model"
WORKERS_AI = "@cf/meta/llama-3.1-8b-instruct-fp8-fast"
ORIGINAL = "Original Prompt"
ADDED = ", cinematic lighting, highly detailed"
"""What the stand-in's writer adds to any prompt."""

FAILURES = ["500", "html", "hang", "empty", "blank", "object", "thinking"]
BEHAVIOURS = ["", "endless", "long", "chatty", "refused", *FAILURES]
WRITERS = [EXTERNAL, WORKERS_AI]
PARTIAL = pytest.mark.parametrize("writer", WRITERS)

Answer = tuple[str, str]
"""A prompt, and the text of its answer."""


@pytest.fixture(scope="module")
def answers(start: Start, service: Service, stand_in: Server) -> Iterator[dict[tuple[str, str], Answer]]:
    """The answers for each writer and behaviour, requested at once: some take a time-out of ten seconds."""
    with ExitStack() as stack:
        external = stack.enter_context(
            start(
                vars={
                    "PROMPT_OPTIMIZATION": "true",
                    "EXTERNAL_API_BASE": stand_in.url,
                    "EXTERNAL_MODEL": EXTERNAL,
                    "EXTERNAL_API_KEY": "local-token",
                }
            )
        )
        callers = stack.enter_context(ThreadPoolExecutor(len(WRITERS) * len(BEHAVIOURS)))

        def ask(worker: Service, behaviour: str) -> Answer:
            marked = behaviour not in ("", "endless")
            prompt = unique(f"a barn owl [[writer {behaviour}]]" if marked else "a barn owl")
            if behaviour == "endless":
                prompt += " by day" * 100_000
            return prompt, content(worker.chat(f"{prompt} --optimize" if worker is service else prompt))

        asked = {
            (writer, behaviour): callers.submit(ask, worker, behaviour)
            for writer, worker in zip(WRITERS, (external, service), strict=True)
            for behaviour in BEHAVIOURS
        }
        yield {which: answer.result() for which, answer in asked.items()}


def told(text: str) -> tuple[str, str]:
    """The writer and the prompt that an answer names."""
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return lines["💬 Prompt generation model"], lines["🌐 Optimized prompt"]


def drawn(ledger: Ledger, prompt: str) -> list[str]:
    """The prompts that the image model received for this one, oldest first."""
    words = prompt.rsplit(" ", 1)[1]
    return [call["prompt"] for call in ledger.calls(words, model="flux-1-schnell")]


@PARTIAL
def test_a_written_prompt_is_drawn_and_named(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str
) -> None:
    prompt, text = answers[writer, ""]
    assert told(text) == (writer, prompt + ADDED)
    assert drawn(ledger, prompt) == [prompt + ADDED]
    assert shows(fetched(*links(text))[0], prompt + ADDED)


@PARTIAL
@pytest.mark.parametrize("behaviour", FAILURES)
def test_a_writer_that_fails_leaves_the_persons_own_prompt(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str, behaviour: str
) -> None:
    prompt, text = answers[writer, behaviour]
    assert told(text) == (ORIGINAL, markdown.escape(prompt))
    assert "the original prompt was drawn" in text
    assert drawn(ledger, prompt) == [prompt]
    assert shows(fetched(*links(text))[0], prompt)
    written = [call for call in ledger.calls(prompt) if "flux" not in call["model"]]
    assert len(written) == 1, "the writer has one try"


@PARTIAL
def test_a_long_prompt_is_cut_between_words_to_what_the_model_takes(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str
) -> None:
    prompt, text = answers[writer, "long"]
    name, named = told(text)
    assert name == writer
    assert 1900 < len(named) <= 2048
    assert named.rstrip(",").endswith("and so on") or named.endswith((" and", " so"))
    [sent] = drawn(ledger, prompt)
    assert sent == named


@PARTIAL
def test_the_writer_is_sent_a_part_of_an_endless_prompt_and_has_a_limit_of_its_own(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str
) -> None:
    """It is limited to the longest prompt of the model, and the answer to the longest that can be used."""
    prompt, _ = answers[writer, "endless"]
    [asked] = ledger.calls(prompt[:60], model=writer)
    assert 2000 < len(asked["prompt"]) <= 2048
    assert 400 <= asked["inputs"]["max_tokens"] <= 4000


@PARTIAL
def test_what_a_chatty_writer_says_around_the_prompt_is_not_drawn(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str
) -> None:
    prompt, text = answers[writer, "chatty"]
    assert told(text)[0] == writer
    [sent] = drawn(ledger, prompt)
    assert sent.startswith("a barn owl")
    assert sent.endswith(ADDED)


@PARTIAL
def test_a_written_prompt_that_the_filter_refuses_gives_way_to_the_persons_own(
    answers: dict[tuple[str, str], Answer], ledger: Ledger, writer: str
) -> None:
    prompt, text = answers[writer, "refused"]
    assert "The safety filter refused the rewritten prompt; the original was drawn." in text
    refused, sent = ledger.calls(prompt.rsplit(" ", 1)[1], model="flux-1-schnell")
    assert (refused["outcome"], sent["outcome"]) == ("3030", "ok")
    assert sent["prompt"] == prompt
    assert shows(fetched(*links(text))[0], prompt)


def test_a_written_prompt_is_the_revised_prompt_of_an_image(service: Service) -> None:
    prompt = unique("a kingfisher")
    [plain] = service.generate(prompt).json()["data"]
    [revised] = service.generate(prompt, optimize=True).json()["data"]
    assert "revised_prompt" not in plain
    assert revised["revised_prompt"] == prompt + ADDED


def test_a_person_turns_the_writer_on_and_off(service: Service, ledger: Ledger) -> None:
    """By a directive, which is not part of the prompt."""
    for directive, added in (("--optimize", ADDED), ("---tl", ADDED), ("--raw", ""), ("---ntl", "")):
        prompt = unique("a wren")
        service.chat(f"{prompt} {directive}")
        assert drawn(ledger, prompt) == [prompt + added]
