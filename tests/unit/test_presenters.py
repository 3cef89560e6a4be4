"""The output of each API's presenter, compared with golden texts in `tests/data/golden`.

A presenter is a function of values. Its input here is written by hand, so golden texts change only if the presenter
does. After an intended change, `GOLDEN=write pytest tests/unit/test_presenters.py` rewrites them: review the difference
before committing.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from dev import ROOT
from flux import catalog
from flux.endpoints.chat import respond as chat
from flux.endpoints.chat.respond import ChatPresenter, Completion
from flux.endpoints.drawing import Presenter
from flux.endpoints.images import parse as images_parse
from flux.endpoints.images.respond import ImagesPresenter
from flux.endpoints.responses import parse as responses_parse
from flux.endpoints.responses import respond as responses
from flux.endpoints.responses.respond import Answer, ResponsesPresenter
from flux.errors import ApiError
from flux.generation import Notice
from flux.picture import Picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.prices import of_neurons
from flux.sizes import Size
from flux.text import Text
from flux.upstream import failure
from flux.words import LANGUAGES
from tests.builders import ORIGIN, SCHNELL, plan_of, texts
from tests.fakes import Bytes, painted

pytestmark = pytest.mark.usefixtures("clock")

GOLDEN = ROOT / "tests" / "data" / "golden"
EN = LANGUAGES["en"]
IDS = ("AAAAAAAAAAAAAAAAAAAAAA-0tp4uqm", "BBBBBBBBBBBBBBBBBBBBBB-0tp4uqm")
WRITER = "@cf/a/writer"

PERSONS = FinalPrompt("A cute cat", writer=None)
WRITTEN = FinalPrompt("A fluffy cat on a sofa", WRITER)
REFUSED = failure("3030: NSFW")
assert isinstance(REFUSED, ApiError)


def drawn(*urls: str | None, final_prompt: FinalPrompt = PERSONS, notices: tuple[Notice, ...] = ()) -> Result:
    """A result with one picture for each URL. The bytes of the first one are "JPEG0"."""
    pictures = (
        GeneratedPicture(
            Picture("image/jpeg", 768, 512, Bytes(f"JPEG{index}".encode())),
            url,
            final_prompt,
            catalog.MODELS[SCHNELL],
            index,
            cost=of_neurons(5760),
        )
        for index, url in enumerate(urls)
    )
    return Result(tuple(replace(one, notices=notices) for one in pictures), cost=of_neurons(5760 * len(urls)))


def plan(*, images: tuple[Picture, ...] = (), seed: int | None = None, n: int = 1) -> Plan:
    """The plan for a cute cat."""
    made = plan_of("A cute cat", size=Size(768, 512), images=images, seed=seed, n=n, quality="high")
    return replace(made, request=replace(made.request, asked="A cute cat 3:2"))


ONE = drawn(f"{ORIGIN}/image/{IDS[0]}.jpg")
REWRITE_REFUSED = drawn(f"{ORIGIN}/image/{IDS[0]}.jpg", notices=("rewrite_refused",))
TWO = drawn(f"{ORIGIN}/image/{IDS[0]}.jpg", None, final_prompt=WRITTEN)
"""The prompt is the rewriter's, and the second picture could not be stored."""
PHOTO = (painted("A photo", 64, 32),)


def chat_presenter(*, made: Plan | None = None, counted: bool = False, images_apart: bool = False) -> ChatPresenter:
    """The presenter for a chat with one message."""
    completion = Completion("ID", "A cute cat 3:2", counted=counted)
    return ChatPresenter(completion, made or plan(), EN, images_apart=images_apart)


def images_presenter(*, edit: bool = False, made: Plan | None = None, **body: str) -> ImagesPresenter:
    """The presenter for a generation, or for an edit of a photo."""
    sources = (made or plan(images=PHOTO)).request.sources if edit else ()
    request = images_parse.image({"prompt": "A cute cat", **body}, sources)
    return ImagesPresenter(request, made or plan(images=PHOTO if edit else ()))


def answer(n: int = 1) -> Answer:
    """The `Answer` for a response with `n` pictures and instructions. Its id is that of the last picture."""
    body = {
        "input": "A cute cat 3:2",
        "instructions": "Be kind",
        "metadata": {"a": "b"},
        "tools": [{"type": "image_generation"}],
    }
    return Answer(responses_parse.responses(body, {}).echo, IDS[n - 1], "ID", SCHNELL)


def responses_presenter(*, n: int = 1, made: Plan | None = None) -> ResponsesPresenter:
    """The presenter for a response with `n` pictures."""
    return ResponsesPresenter(answer(n), made or plan(n=n), EN, IDS[:n], "A cute cat 3:2")


def streamed(presenter: Presenter, result: Result) -> Text:
    """A complete stream without failures. The last picture is finished first."""
    reports: list[Report] = [result.final_prompt, *reversed(result.pictures)]
    return texts(presenter.begin(), *map(presenter.event, reports), presenter.end(result))


def broken_off(presenter: Presenter) -> Text:
    """A complete stream that fails after the prompt is final."""
    return texts(presenter.begin(), presenter.event(PERSONS), presenter.failed(REFUSED))


SAID: Mapping[str, Callable[[], Text]] = {
    "chat.json": lambda: chat_presenter().whole(ONE),
    "chat-two.json": lambda: chat_presenter(made=plan(n=2, seed=7)).whole(TWO),
    "chat-apart.json": lambda: chat_presenter(images_apart=True).whole(drawn(None)),
    "chat-rewrite-refused.json": lambda: chat_presenter().whole(
        drawn(f"{ORIGIN}/image/{IDS[0]}.jpg", notices=("rewrite_refused",))
    ),
    "chat.stream": lambda: streamed(chat_presenter(), ONE),
    "chat-counted.stream": lambda: streamed(chat_presenter(counted=True), ONE),
    "chat-two.stream": lambda: streamed(chat_presenter(made=plan(n=2, seed=7)), TWO),
    "chat-apart.stream": lambda: streamed(chat_presenter(images_apart=True), drawn(None)),
    "chat-failed.stream": lambda: broken_off(chat_presenter(counted=True)),
    "chat-chore.json": lambda: chat.chore(Completion("ID", "A", counted=True), SCHNELL, "Cats", stream=False),
    "chat-chore.stream": lambda: chat.chore(Completion("ID", "A", counted=True), SCHNELL, "Cats", stream=True),
    "images.json": lambda: images_presenter().whole(ONE),
    "images-two.json": lambda: images_presenter(made=plan(n=2, seed=7)).whole(TWO),
    "images-url.json": lambda: images_presenter(response_format="url").whole(ONE),
    "images-base64.json": lambda: images_presenter(response_format="b64_json").whole(drawn(None)),
    "images-edit.json": lambda: images_presenter(edit=True).whole(ONE),
    "images.stream": lambda: streamed(images_presenter(), ONE),
    "images-two.stream": lambda: streamed(images_presenter(made=plan(n=2, seed=7)), TWO),
    "images-edit.stream": lambda: streamed(images_presenter(edit=True), ONE),
    "images-failed.stream": lambda: broken_off(images_presenter()),
    "responses.json": lambda: responses_presenter().whole(ONE),
    "responses-edit.json": lambda: responses_presenter(made=plan(images=PHOTO)).whole(ONE),
    "responses-two.stream": lambda: streamed(responses_presenter(n=2, made=plan(n=2, seed=7)), TWO),
    "responses-failed.stream": lambda: broken_off(responses_presenter()),
    "responses-chore.json": lambda: responses.chore(answer(), "A", "Cats", stream=False),
    "responses-chore.stream": lambda: responses.chore(answer(), "A", "Cats", stream=True),
}


@pytest.mark.parametrize("name", SAID)
def test_a_presenter_says_exactly_its_golden_text(name: str) -> None:
    said = texts(SAID[name]())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(said, newline="")
    assert said == (GOLDEN / name).read_bytes().decode()


def test_every_golden_text_is_one_that_is_compared() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(SAID)


@pytest.mark.parametrize("name", ["chat", "images", "responses"])
def test_a_presenter_is_used_for_one_answer_and_keeps_nothing_for_the_next(name: str) -> None:
    """Two presenters with the same arguments produce the same output."""
    stream = f"{name}-two.stream"
    assert texts(SAID[stream]()) == texts(SAID[stream]())
