"""`POST /v1/chat/completions`, not streamed: the lines, the format, and notices."""

import json
import re
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from flux import upstream
from flux.ports import NotStored, ResizeFailed, RewriteFailed
from flux.text import Spliced
from flux.words import LANGUAGES
from tests.builders import CHAT, FLUX_2, KLEIN, NOW, ORIGIN, SCHNELL, SDXL, Answer, Service, chat_of, data_url, posted
from tests.fakes import Painter, Rewriter, Scissors, Shelf, data_of, decode, encoded, opened, painted, shows

pytestmark = pytest.mark.usefixtures("clock")

EN = LANGUAGES["en"]
PHOTO = encoded(opened(painted("A photo", 800, 600)), "image/png")
CONTRACT = """\
🎨 Original prompt: A cute cat 3:2
💬 Prompt generation model: Original Prompt
🌐 Optimized prompt: A cute cat
📐 Image specifications: 768x512
🌟 Image generation successful!
Here's the result:

![Generated Image](https://flux.example/image/KEY)"""
"""The contract's lines, with this host."""

LINK = re.compile(r"!\[[^\]]*\]\((\S+?)\)")


def with_photo(text: str, url: str | None = None) -> list[Any]:
    """A message with a picture, or with a link to one."""
    return [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url or data_url(PHOTO)}}]


def links(answer: Answer) -> list[str]:
    """The pictures of an answer in Markdown."""
    return LINK.findall(answer.content)


async def test_the_answer_is_exactly_the_lines_of_the_contract() -> None:
    service = Service()
    answer = await service.chat("A cute cat 3:2")
    (key,) = service.store.pictures
    assert answer.status == 200
    assert answer.content == CONTRACT.replace("KEY", f"{key}.jpg")


async def test_the_link_leads_to_a_picture_of_the_prompt_in_the_size_that_is_named() -> None:
    service = Service()
    answer = await service.chat("A cute cat 3:2")
    found = await service.open(links(answer)[0])
    assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
    assert opened(found.data).size == (768, 512)
    assert shows(found.data, "A cute cat")


async def test_the_answer_has_the_shape_that_openai_specifies() -> None:
    """The type in OpenAI's client accepts it, with all required fields."""
    answer = await Service().chat("A cat")
    completion = ChatCompletion.model_validate(answer.json, strict=True)
    assert completion.id == f"chatcmpl-{answer.headers['x-request-id']}"
    assert (completion.object, completion.created, completion.model) == ("chat.completion", NOW, SCHNELL)
    (choice,) = completion.choices
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    assert (choice.message.role, choice.message.refusal) == ("assistant", None)
    assert answer.json["choices"][0].keys() >= {"index", "message", "finish_reason", "logprobs"}
    assert answer.json["choices"][0]["message"].keys() == {"role", "content", "refusal", "annotations"}
    assert isinstance(completion.system_fingerprint, str)
    assert completion.service_tier == "default"


async def test_usage_is_an_estimate_that_adds_up() -> None:
    """Four bytes of text, or 32x32 pixels, per token."""
    answer = await Service().chat("A cat 3:2")
    usage = answer.json["usage"]
    assert usage["prompt_tokens"] == 3
    assert usage["completion_tokens_details"]["image_tokens"] == 768 * 512 // 32**2
    assert usage["completion_tokens"] == usage["completion_tokens_details"]["image_tokens"] + -(
        -len(answer.content.encode()) // 4
    )
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("1:1", "1024x1024"), ("1:2", "512x1024"), ("3:2", "768x512"), ("3:4", "768x1024"), ("16:9", "1024x576"),
     ("9:16", "576x1024")],
)  # fmt: skip
@pytest.mark.parametrize("model", [SCHNELL, FLUX_2, SDXL])
async def test_each_ratio_is_the_size_that_is_named_and_delivered(model: str, ratio: str, size: str) -> None:
    service = Service()
    answer = await service.chat(f"A cat {ratio} --model {model}")
    found = await service.open(links(answer)[0])
    assert f"\n📐 Image specifications: {size}\n" in answer.content
    assert "x".join(map(str, opened(found.data).size)) == size
    assert answer.json["model"] == model


async def test_several_pictures_each_have_their_own_line() -> None:
    service = Service()
    answer = await service.chat("A cat --n 3")
    urls = links(answer)
    assert len(set(urls)) == 3
    assert answer.content.endswith("\n\n".join(f"![Generated Image]({url})" for url in urls))
    assert answer.content.count("📐") == 1
    assert len({(await service.open(url)).data for url in urls}) == 3


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_lines_are_in_the_owners_language(language: str) -> None:
    """In the same order, one line each."""
    words = LANGUAGES[language]
    service = Service(variables={"RESPONSE_LANGUAGE": language})
    lines = (await service.chat("A cat")).content.split("\n")
    (key,) = service.store.pictures
    assert lines == [
        words.original_prompt.format("A cat"),
        words.prompt_model.format(words.no_writer),
        words.optimized_prompt.format("A cat"),
        words.size.format("1024x1024"),
        words.success,
        words.result,
        "",
        f"![{words.alt}]({ORIGIN}/image/{key}.jpg)",
    ]


async def test_links_start_with_the_public_url_where_there_is_one() -> None:
    service = Service(variables={"PUBLIC_URL": "https://pictures.example/flux/"})
    assert links(await service.chat())[0].startswith("https://pictures.example/flux/image/")


@pytest.mark.parametrize("name", ["x-forwarded-host", "x-forwarded-proto", "forwarded", "host", "x-original-host"])
async def test_no_header_can_make_us_hand_out_links_to_another_site(name: str) -> None:
    service = Service()
    answer = await service.post(CHAT, chat_of(), headers={name: "evil.example"})
    assert links(answer)[0].startswith(f"{ORIGIN}/image/")


async def test_a_model_that_an_app_names_without_our_having_it_is_no_error() -> None:
    assert (await Service().chat(model="gpt-4o")).json["model"] == SCHNELL


async def test_a_model_that_a_person_names_without_our_having_it_is_one() -> None:
    answer = await Service().chat("A cat --model gpt-4o")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")


# --- the writer -----------------------------------------------------------------------------------


async def test_the_answer_says_who_wrote_the_prompt_that_was_drawn() -> None:
    service = Service(variables={"PROMPT_OPTIMIZATION": "true"}, writer=Rewriter("A fluffy cat"))
    answer = await service.chat("Cat 3:2")
    assert answer.content.startswith(
        "🎨 Original prompt: Cat 3:2\n"
        "💬 Prompt generation model: @cf/a/writer\n"
        "🌐 Optimized prompt: A fluffy cat\n"
        "📐 Image specifications: 768x512\n"
    )


@pytest.mark.parametrize("outcome", [RewriteFailed("HTTP 500"), 30.0])
async def test_a_writer_that_failed_is_told(outcome: Exception | float) -> None:
    answer = await Service(writer=Rewriter("Late", outcome)).chat("A cat", optimize=True)
    assert answer.content.startswith(
        "🎨 Original prompt: A cat\n💬 Prompt generation model: Original Prompt\n🌐 Optimized prompt: A cat\n"
        f"{EN.writer_failed}\n📐 "
    )


async def test_a_rewrite_that_the_filter_refused_is_told() -> None:
    service = Service(painter=Painter(upstream.failure("3030: NSFW")), writer=Rewriter("A wild cat"))
    answer = await service.chat("A cat --optimize")
    assert "🌐 Optimized prompt: A cat\n" in answer.content
    assert f"\n🌟 Image generation successful!\n{EN.rewrite_refused}\nHere's the result:\n" in answer.content
    assert "wild" not in answer.content


# --- what could not be followed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "fields", "notices"),
    [
        ("A cat", {}, []),
        ("A cat --seed 7", {}, [EN.seed_ignored]),
        ("A cat", {"seed": 7, "model": FLUX_2}, []),
        (with_photo("Make it blue"), {"model": "gpt-4o"}, []),
        (with_photo("Make it blue"), {}, [EN.images_ignored]),
        (with_photo("Make it blue", "https://example.com/x.png"), {}, [EN.links_ignored]),
        (["A cat", {"type": "input_audio"}], {"images": ["x"]}, [EN.fields_ignored.format("images, input_audio")]),
        (with_photo("Blue --seed 7 --model sdxl", "https://example.com/x.png"), {}, [EN.links_ignored]),
        (
            [*with_photo("x"), *with_photo("y", "ftp://x/y")],
            {"seed": 7},
            [EN.images_ignored, EN.links_ignored, EN.seed_ignored],
        ),
    ],
)
async def test_what_was_asked_for_and_not_done_is_told_in_a_line_each(
    content: Any, fields: dict[str, Any], notices: list[str]
) -> None:
    lines = (await Service().chat(content, **fields)).content.split("\n")
    told = lines[lines.index(EN.success) + 1 : lines.index(EN.result)]
    assert told == notices


async def test_an_attached_picture_goes_to_a_model_that_takes_it() -> None:
    """It keeps its shape and is made small enough for the model."""
    service = Service()
    answer = await service.chat(with_photo("Make it blue"), model="gpt-4o")
    (drawing,) = service.painter.drawings
    assert answer.json["model"] == drawing.model.id == KLEIN
    assert opened(drawing.images[0]).size == (511, 383)
    assert "Image specifications: 1184x880" in answer.content


@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
async def test_the_format_of_the_file_is_followed_in_a_conversation_too(path: str) -> None:
    service = Service()
    answer = await service.post(
        path, {"messages": chat_of()["messages"], "input": "A cat", "output_format": "PNG", "output_compression": "80"}
    )
    assert answer.status == 200
    assert [one.type for one, _ in service.store.pictures.values()] == ["image/png"]
    assert ".png" in answer.text


async def test_a_picture_that_cannot_be_cut_is_named_by_its_true_size() -> None:
    service = Service(resizer=Scissors(ResizeFailed("9523")))
    answer = await service.chat("A cat 3:2")
    assert "\n📐 Image specifications: 1024x1024\n" in answer.content
    assert opened((await service.open(links(answer)[0])).data).size == (1024, 1024)


async def test_a_picture_that_cannot_be_stored_is_part_of_the_answer_which_says_so() -> None:
    """The answer has no broken link."""
    service = Service(store=Shelf(NotStored("KV PUT failed: 429")))
    answer = await service.chat("A cat 3:2")
    assert f"\n{EN.not_stored}\nHere's the result:\n" in answer.content
    (url,) = links(answer)
    assert url.startswith("data:image/jpeg;base64,")
    assert shows(decode(url.split(",")[1]), "A cat")


async def test_the_model_that_drew_is_named() -> None:
    busy = upstream.failure("3040: Capacity temporarily exceeded")
    service = Service(variables={"FLUX_FALLBACK_MODEL": SDXL}, painter=Painter(busy, busy, busy))
    assert (await service.chat()).json["model"] == SDXL


# --- modalities -----------------------------------------------------------------------------------


async def test_modalities_with_image_put_the_pictures_beside_the_text() -> None:
    """As data URLs. Nothing is stored, and no Markdown shows the picture a second time."""
    service = Service()
    answer = await service.chat("A cat 3:2 --n 2", modalities=["image", "text"])
    message = answer.json["choices"][0]["message"]
    assert [(image["type"], image["index"]) for image in message["images"]] == [("image_url", 0), ("image_url", 1)]
    for image in message["images"]:
        head, data = image["image_url"]["url"].split(",")
        assert head == "data:image/jpeg;base64"
        assert shows(decode(data), "A cat")
    assert message["content"].split("\n") == [
        "🎨 Original prompt: A cat 3:2 --n 2",
        "💬 Prompt generation model: Original Prompt",
        "🌐 Optimized prompt: A cat",
        "📐 Image specifications: 768x512",
        "🌟 Image generation successful!",
    ]
    assert service.store.pictures == {}


# --- chores ---------------------------------------------------------------------------------------

TITLE = {"x-openwebui-task": "title_generation"}
"""Open WebUI names its task in a header. test_chores.py tests other chores."""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chore_is_answered_and_not_drawn(*, stream: bool) -> None:
    """In the format of any other answer, and free of charge."""
    service = Service()
    body = chat_of("A cute cat", stream=stream, stream_options={"include_usage": True})
    answer = await service.post(CHAT, body, headers=TITLE)
    if stream:
        first, said, last, usage = answer.events
        content = said["choices"][0]["delta"]["content"]
        assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert last["choices"][0]["finish_reason"] == "stop"
        assert usage["choices"] == []
        tokens = usage["usage"]
        assert answer.headers["content-type"].startswith("text/event-stream")
    else:
        ChatCompletion.model_validate(answer.json, strict=True)
        content, tokens = answer.content, answer.json["usage"]
    assert json.loads(content).keys() == {"title"}
    assert tokens["completion_tokens_details"]["image_tokens"] == 0
    assert (service.painter.drawings, service.writer.prompts, service.limiter.spent) == ([], [], {})
    assert service.log[0]["chore"] == "title"


async def test_an_owner_may_have_chores_drawn() -> None:
    service = Service(variables={"CHORES": "draw"})
    assert "![" in (await service.post(CHAT, chat_of("A cute cat"), headers=TITLE)).content


# --- what people type -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "echo"),
    [
        *((prompt, prompt) for prompt in ("{} {0} {x}", "%s", "\0", "🐱" * 2000, '"]}')),
        ("a\u2028b", "a b"),
        ("<script>", "\\<script>"),
        ("![x](https://evil.example)", "![x\\](https://evil.example)"),
    ],
)
async def test_whatever_is_typed_is_shown_as_it_is(prompt: str, echo: str) -> None:
    """In one line, with a backslash before characters that would be markup."""
    answer = await Service().chat(prompt)
    assert answer.content.startswith(f"🎨 Original prompt: {echo}\n💬 ")


async def test_half_a_character_does_not_break_the_answer_or_take_the_pictures_place() -> None:
    """JSON can contain a lone surrogate, and one marks the place of a blob."""
    service = Service(store=Shelf(NotStored("429")))
    answer = await service.chat("A \udc00 cat \ud83d")
    assert answer.content.startswith("🎨 Original prompt: A \ufffd cat \ufffd\n")
    assert shows(decode(links(answer)[0].split(",")[1]), "A \ufffd cat \ufffd")


async def test_no_byte_of_a_picture_is_copied_to_answer_with_it() -> None:
    service = Service()
    answer = await service.app(posted(CHAT, chat_of("A cat 3:2", modalities=["image"])))
    assert isinstance(answer.body, Spliced)
    blobs = [piece for piece in answer.body.pieces if not isinstance(piece, str)]
    assert len(blobs) == 1
    assert blobs[0].copied <= 1024  # type: ignore[attr-defined]
    assert len(data_of(blobs[0])) > 4096
