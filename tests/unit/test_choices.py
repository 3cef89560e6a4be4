"""Several pictures in a chat: as choices if the body requests them, in one message if the prompt does."""

import re
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from flux import upstream
from flux.words import LANGUAGES
from tests.builders import FLUX_2, Answer, Service, data_url
from tests.fakes import Painter, Rewriter, encoded, opened, painted

pytestmark = pytest.mark.usefixtures("clock")

EN = LANGUAGES["en"]
LINK = re.compile(r"!\[[^\]]*\]\((\S+?)\)")
PHOTO = encoded(opened(painted("A photo", 320, 192)), "image/png")


def contents(answer: Answer) -> list[str]:
    """What each choice of an answer says."""
    return [str(choice["message"]["content"]) for choice in answer.json["choices"]]


def streamed(answer: Answer) -> dict[int, list[dict[str, Any]]]:
    """The chunks of a stream by the index of their choice."""
    found: dict[int, list[dict[str, Any]]] = {}
    for event in answer.events:
        for choice in event["choices"]:
            found.setdefault(choice["index"], []).append(choice)
    return found


def said(choices: list[dict[str, Any]]) -> str:
    """The whole text of a streamed choice."""
    return "".join(choice["delta"].get("content", "") for choice in choices)


@pytest.mark.parametrize("n", [2, 3, 10, "2"])
async def test_the_bodys_n_gives_as_many_choices_each_complete(n: int | str) -> None:
    service = Service()
    answer = await service.chat("A cat 3:2", n=n)
    ChatCompletion.model_validate(answer.json, strict=True)
    assert [choice["index"] for choice in answer.json["choices"]] == list(range(int(n)))
    links = [LINK.findall(content) for content in contents(answer)]
    assert all(len(each) == 1 for each in links)
    assert len({each[0] for each in links}) == int(n)
    for content in contents(answer):
        assert content.startswith("🎨 Original prompt: A cat 3:2\n💬 ")
        assert (
            "\n📐 Image specifications: 768x512\n🌟 Image generation successful!\nHere's the result:\n\n![" in content
        )
        assert all(choice["finish_reason"] == "stop" for choice in answer.json["choices"])


@pytest.mark.parametrize("seconds", [0, 5])
async def test_streamed_each_chunk_has_the_index_of_its_choice(seconds: float) -> None:
    """Each begins with the role and ends with a finish reason. There is one usage for all."""
    service = Service(painter=Painter(seconds=seconds))
    answer = await service.chat("A cat 3:2", n=3, stream=True, stream_options={"include_usage": True})
    for event in answer.events:
        ChatCompletionChunk.model_validate(event, strict=True)
    choices = streamed(answer)
    assert sorted(choices) == [0, 1, 2]
    for each in choices.values():
        assert each[0]["delta"] == {"role": "assistant", "content": ""}
        assert [choice["finish_reason"] for choice in each] == [None] * (len(each) - 1) + ["stop"]
        assert len(LINK.findall(said(each))) == 1
    assert len({LINK.findall(said(each))[0] for each in choices.values()}) == 3
    usages = [event["usage"] for event in answer.events if event["usage"]]
    assert len(usages) == 1
    assert answer.events[-1]["choices"] == []


async def test_a_stream_of_several_choices_says_and_counts_what_the_whole_answer_does() -> None:
    service = Service()
    whole = await service.chat("A cat", n=2, seed=7)
    events = await service.chat("A cat", n=2, seed=7, stream=True, stream_options={"include_usage": True})
    unlinked = [LINK.sub("![]", content) for content in contents(whole)]
    assert [LINK.sub("![]", said(each)) for _, each in sorted(streamed(events).items())] == unlinked
    assert events.events[-1]["usage"] == whole.json["usage"]


async def test_what_could_not_be_followed_is_said_once_in_the_first_choice() -> None:
    first, second = contents(await Service().chat("A cat", n=2, seed=7))
    assert EN.seed_ignored in first
    assert "⚠️" not in second


async def test_n_in_the_prompt_is_one_message_with_several_pictures() -> None:
    answer = await Service().chat("A cat --n 3")
    (content,) = contents(answer)
    assert len(LINK.findall(content)) == 3
    assert list(streamed(await Service().chat("A cat --n 3", stream=True))) == [0]


async def test_the_body_wins_over_the_prompt() -> None:
    answer = await Service().chat("A cat --n 3", n=2)
    assert [len(LINK.findall(content)) for content in contents(answer)] == [1, 1]


@pytest.mark.parametrize("stream", [False, True])
async def test_pictures_beside_the_text_are_those_of_their_choice(*, stream: bool) -> None:
    answer = await Service().chat("A cat", n=2, modalities=["image", "text"], stream=stream)
    if stream:
        found = [[c["delta"]["images"] for c in each if "images" in c["delta"]] for each in streamed(answer).values()]
        images = [pictures for (pictures,) in found]
    else:
        images = [choice["message"]["images"] for choice in answer.json["choices"]]
    assert [len(each) for each in images] == [1, 1]
    assert images[0] != images[1]


@pytest.mark.parametrize("stream", [False, True])
async def test_of_choices_that_fail_the_others_come_numbered_from_0(*, stream: bool) -> None:
    """The first one says which failed."""
    painter = Painter(seconds=0.1)
    painter.refuses = lambda drawing: upstream.failure("500: no idea") if drawing.inputs["seed"] == 7 else None
    answer = await Service(painter=painter).chat("A cat", n=3, seed=7, model=FLUX_2, stream=stream)
    assert answer.status == 200
    texts = [said(each) for _, each in sorted(streamed(answer).items())] if stream else contents(answer)
    assert len(texts) == 2
    assert all(len(LINK.findall(text)) == 1 for text in texts)
    assert "⚠️" in texts[0]
    assert "⚠️" not in texts[1]


async def test_each_choice_names_the_prompt_that_was_drawn() -> None:
    for content in contents(await Service(writer=Rewriter("A fluffy cat")).chat("Cat", n=2, optimize=True)):
        assert "🌐 Optimized prompt: A fluffy cat\n" in content


async def test_an_attached_picture_is_counted_in_the_usage_of_a_chat() -> None:
    """Once, whatever the number of choices, as in edits of the Images API."""
    part = {"type": "image_url", "image_url": {"url": data_url(PHOTO)}}
    for n in (1, 2):
        with_photo = await Service().chat(["Make it blue", part], model=FLUX_2, n=n)
        without = await Service().chat("Make it blue", model=FLUX_2, n=n)
        counted = [answer.json["usage"]["prompt_tokens"] for answer in (with_photo, without)]
        assert counted[0] - counted[1] == (320 // 32) * (192 // 32)
    ignored = await Service().chat(["Make it blue", part])
    assert ignored.json["usage"]["prompt_tokens"] == counted[1]
