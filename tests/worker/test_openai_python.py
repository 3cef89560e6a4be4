"""The official `openai` client for Python, unmodified, as the caller."""

import base64
import io
import json
import re
from collections.abc import Iterator
from typing import Literal

import openai
import pytest
from openai.types import ImageGenCompletedEvent
from PIL import Image

from tests.worker.service import (
    PATIENCE_SECONDS,
    SCHNELL,
    Ledger,
    Service,
    comment,
    decoded,
    fetched,
    links,
    shows,
    unique,
)

ANSWER = """\
🎨 Original prompt: {asked}
💬 Prompt generation model: Original Prompt
🌐 Optimized prompt: {prompt}
📐 Image specifications: {size}
🌟 Image generation successful!
Here's the result:

![Generated Image]({link})"""

RATIOS = {
    "1:1": (1024, 1024),
    "1:2": (512, 1024),
    "3:2": (768, 512),
    "3:4": (768, 1024),
    "16:9": (1024, 576),
    "9:16": (576, 1024),
}


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[openai.OpenAI]:
    """A client with base URL and key, which checks every field in responses."""
    with openai.OpenAI(
        base_url=f"{service.url}/v1", api_key="test-key", timeout=PATIENCE_SECONDS, _strict_response_validation=True
    ) as client:
        yield client


# --- models ---------------------------------------------------------------------------------------


def test_every_model_of_the_list_is_retrieved_by_its_id(client: openai.OpenAI) -> None:
    models = list(client.models.list())
    assert SCHNELL in [model.id for model in models]
    for model in models:
        assert client.models.retrieve(model.id) == model


# --- chat -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_picture_of_a_chat_answer_has_the_size_that_the_answer_names(client: openai.OpenAI, ratio: str) -> None:
    prompt = unique("a cute cat")
    answer = client.chat.completions.create(model="flux", messages=[{"role": "user", "content": f"{prompt} {ratio}"}])
    text = answer.choices[0].message.content or ""
    [link] = links(text)
    width, height = RATIOS[ratio]
    assert text == ANSWER.format(asked=f"{prompt} {ratio}", prompt=prompt, size=f"{width}x{height}", link=link)
    picture, _ = fetched(link)
    assert picture.size == (width, height)
    assert shows(picture, prompt)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == SCHNELL
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_picture_that_needed_no_cut_is_as_the_model_drew_it(client: openai.OpenAI) -> None:
    prompt = unique("a lighthouse in a storm")
    answer = client.chat.completions.create(
        model=SCHNELL, messages=[{"role": "user", "content": f"{prompt} --steps 6"}]
    )
    picture, _ = fetched(*links(answer.choices[0].message.content or ""))
    told = comment(picture)
    assert (told["model"], told["prompt"], told["steps"]) == (SCHNELL, prompt, 6)


def test_a_streamed_chat_answer_says_the_same_in_pieces(client: openai.OpenAI) -> None:
    """In OpenAI's order: the role, the text, the finish reason, the usage, all with one id."""
    prompt = unique("a tiny house")
    chunks = list(
        client.chat.completions.create(
            model="flux",
            messages=[{"role": "user", "content": f"{prompt} 3:2"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    *spoken, last = chunks
    assert last.choices == []
    assert last.usage
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert {chunk.usage for chunk in spoken} == {None}
    first, *middle, final = [chunk.choices[0] for chunk in spoken]
    assert (first.delta.role, first.delta.content) == ("assistant", "")
    assert (final.delta.content, final.finish_reason) == (None, "stop")
    assert {choice.finish_reason for choice in middle} == {None}
    pieces = [choice.delta.content or "" for choice in middle]
    [markdown] = [piece for piece in pieces if "![" in piece]
    [link] = links(markdown)
    assert "".join(pieces) == ANSWER.format(asked=f"{prompt} 3:2", prompt=prompt, size="768x512", link=link)
    picture, _ = fetched(link)
    assert picture.size == (768, 512)
    assert shows(picture, prompt)


def test_text_parts_of_the_last_user_message_are_the_prompt(client: openai.OpenAI, ledger: Ledger) -> None:
    """Other roles and earlier messages are not used: every call is a new picture."""
    earlier, above, below = unique("earlier"), unique("a boat"), unique("on a lake")
    client.chat.completions.create(
        model="flux",
        messages=[
            {"role": "system", "content": f"{earlier} system"},
            {"role": "user", "content": earlier},
            {"role": "assistant", "content": f"{earlier} answer"},
            {"role": "user", "content": [{"type": "text", "text": above}, {"type": "text", "text": f"{below} 1:1"}]},
        ],
    )
    assert [call["prompt"] for call in ledger.calls(above)] == [f"{above}\n{below}"]
    assert ledger.calls(earlier) == []


def test_a_picture_in_a_message_goes_to_a_model_that_takes_pictures(client: openai.OpenAI) -> None:
    prompt = unique("make it snow")
    sent = f"data:image/png;base64,{base64.b64encode(png(640, 480)).decode()}"
    answer = client.chat.completions.create(
        model="flux",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"{prompt} 1:1"},
                    {"type": "image_url", "image_url": {"url": sent}},
                ],
            }
        ],
    )
    picture, _ = fetched(*links(answer.choices[0].message.content or ""))
    told = comment(picture)
    assert told["pictures_in"] == 1
    assert told["model"] == answer.model != SCHNELL


def test_modalities_with_image_put_the_picture_beside_the_text(client: openai.OpenAI) -> None:
    """OpenRouter's convention. Apps that support it would show a Markdown picture a second time."""
    prompt = unique("a paper boat")
    answer = client.chat.completions.create(
        model="flux",
        messages=[{"role": "user", "content": prompt}],
        extra_body={"modalities": ["image", "text"]},
    )
    message = answer.choices[0].message.model_dump()
    assert links(message["content"]) == []
    [image] = message["images"]
    head, data = image["image_url"]["url"].split(",")
    picture = decoded(base64.b64decode(data))
    assert head == f"data:{picture.get_format_mimetype()};base64"
    assert shows(picture, prompt)


# --- images ---------------------------------------------------------------------------------------


def test_an_image_comes_as_a_link_and_as_base64_when_nothing_is_asked(client: openai.OpenAI) -> None:
    prompt = unique("a fox")
    answer = client.images.generate(model="dall-e-3", prompt=prompt)
    [image] = answer.data or []
    assert image.url
    assert image.b64_json
    picture, response = fetched(image.url)
    assert response.content == base64.b64decode(image.b64_json)
    assert answer.size == "1024x1024" == "{}x{}".format(*picture.size)
    assert answer.output_format == (picture.format or "").lower()
    assert shows(picture, prompt)


@pytest.mark.parametrize(("form", "other"), [("url", "b64_json"), ("b64_json", "url")])
def test_response_format_picks_one_form(client: openai.OpenAI, form: Literal["url", "b64_json"], other: str) -> None:
    answer = client.images.generate(
        model="dall-e-2",
        prompt=unique("a heron"),
        response_format=form,
        size="1536x1024",
    )
    [image] = answer.data or []
    assert getattr(image, other) is None
    data = fetched(image.url)[1].content if image.url else base64.b64decode(image.b64_json or "")
    assert decoded(data).size == (1536, 1024)
    assert answer.size == "1536x1024"


def test_three_images_are_three_different_pictures(client: openai.OpenAI, ledger: Ledger) -> None:
    """They are drawn concurrently: the last one begins before the first has ended."""
    prompt = unique("a heap of stones [[delay 1s]]")
    answer = client.images.generate(model="dall-e-3", prompt=prompt, n=3)
    pictures = [fetched(image.url or "") for image in answer.data or []]
    assert len({response.content for _, response in pictures}) == 3
    assert all(shows(picture, prompt) for picture, _ in pictures)
    calls = ledger.calls(prompt)
    assert len(calls) == 3
    assert max(call["started"] for call in calls) < min(call["finished"] for call in calls)
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.input_tokens_details.image_tokens == 0


def test_streamed_images_come_as_completed_events(client: openai.OpenAI) -> None:
    prompt = unique("a canal at night")
    stream = client.images.generate(
        model="gpt-image-1", prompt=prompt, n=2, size="1024x1024", stream=True, partial_images=1
    )
    events = list(stream)
    assert len(events) == 2
    for event in events:
        assert isinstance(event, ImageGenCompletedEvent)
        assert event.type == "image_generation.completed"
        assert event.size == "1024x1024"
        assert event.usage.total_tokens > 0
        assert comment(decoded(base64.b64decode(event.b64_json)))["prompt"] == prompt


@pytest.mark.parametrize("output_format", ["jpeg", "png", "webp"])
def test_output_format_is_what_the_bytes_are(
    client: openai.OpenAI, output_format: Literal["jpeg", "png", "webp"]
) -> None:
    prompt = unique("a kite")
    answer = client.images.generate(
        model="dall-e-3",
        prompt=prompt,
        output_format=output_format,
    )
    [image] = answer.data or []
    picture, _ = fetched(image.url or "")
    assert (picture.format or "").lower() == output_format == answer.output_format
    assert shows(picture, prompt)


def test_output_compression_has_the_picture_encoded_anew(client: openai.OpenAI) -> None:
    """The local Images service ignores the quality, but pictures that it encoded have no comment."""
    answer = client.images.generate(
        model="dall-e-3", prompt=unique("a mosaic"), output_format="jpeg", output_compression=10
    )
    [image] = answer.data or []
    picture, _ = fetched(image.url or "")
    assert picture.format == "JPEG"
    assert "comment" not in picture.info


@pytest.mark.parametrize("count", [1, 2])
def test_an_edit_gives_the_model_the_pictures_that_were_sent(client: openai.OpenAI, count: int) -> None:
    """One file is sent as `image`, several as `image[]`. Both are larger than FLUX.2 accepts."""
    prompt = unique("make it a watercolour")
    files = [("in.png", png(640, 480), "image/png") for _ in range(count)]
    answer = client.images.edit(
        model="@cf/black-forest-labs/flux-2-klein-9b",
        image=files if count > 1 else files[0],
        prompt=prompt,
        size="1024x1024",
        n=1,
    )
    [image] = answer.data or []
    told = comment(decoded(base64.b64decode(image.b64_json or "")))
    assert (told["prompt"], told["pictures_in"]) == (prompt, count)
    assert told["model"] == "@cf/black-forest-labs/flux-2-klein-9b"


def test_an_edit_of_no_named_model_and_size_keeps_the_shape(client: openai.OpenAI) -> None:
    answer = client.images.edit(image=("in.png", png(1200, 600), "image/png"), prompt=unique("add a moon"))
    [image] = answer.data or []
    width, height = fetched(image.url or "")[0].size
    assert answer.size == f"{width}x{height}"
    assert abs(width / height - 2) < 0.05


def png(width: int, height: int) -> bytes:
    """A picture to edit."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(file, "PNG")
    return file.getvalue()


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "kind", "code"),
    [
        ("", openai.BadRequestError, "missing_required_parameter"),
        ("a duel [[fault 3030]]", openai.BadRequestError, "content_policy_violation"),
        ("a bank [[fault 3036]]", openai.RateLimitError, "insufficient_quota"),
        ("a gate [[fault 5018]]", openai.InternalServerError, "upstream_not_authorized"),
        ("a maze [[answer garbage]]", openai.InternalServerError, "upstream_error"),
        ("a queue [[fault 3040]]", openai.InternalServerError, "model_overloaded"),
    ],
)
def test_a_failure_is_the_clients_own_error_class(
    client: openai.OpenAI, prompt: str, kind: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        client.with_options(max_retries=0).images.generate(model="flux", prompt=prompt and unique(prompt))
    assert caught.value.code == code
    assert caught.value.request_id


def test_a_wrong_key_and_an_unknown_model_are_errors_of_their_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as wrong_key:
        client.with_options(api_key="wrong").models.list()
    assert wrong_key.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.generate(model="no-such-model", prompt="a cat")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("@cf/no/such-model")


@pytest.mark.parametrize(
    ("mark", "calls"),
    [("[[fault 3036]]", 1), ("[[fault 3030]]", 1), ("[[fault 5018]]", 1), ("[[answer garbage]]", 2)],
)
def test_the_client_repeats_only_what_may_succeed(client: openai.OpenAI, ledger: Ledger, mark: str, calls: int) -> None:
    """Its default of two retries is unchanged. Each would cost the owner a picture; `x-should-retry` prevents them."""
    prompt = unique(f"a second try {mark}")
    with pytest.raises(openai.APIStatusError):
        client.images.generate(model="flux", prompt=prompt)
    assert len(ledger.calls(prompt)) == calls


def test_a_failure_inside_a_stream_is_raised_by_the_client(client: openai.OpenAI) -> None:
    """After the first byte the status is already sent, so the failure is a sentence and an error event."""
    stream = client.chat.completions.create(
        model="flux",
        messages=[{"role": "user", "content": unique("a late refusal [[delay 2s]] [[fault 3030]]")}],
        stream=True,
    )
    said = [""]
    with pytest.raises(openai.APIError, match="safety filter") as caught:
        said.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "safety filter" in said[-1]
    assert caught.value.code == "content_policy_violation"


def test_a_failure_within_the_first_second_of_a_stream_keeps_its_status(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="flux",
            messages=[{"role": "user", "content": unique("an early refusal [[fault 3030]]")}],
            stream=True,
        )
    assert caught.value.code == "content_policy_violation"


def test_what_the_clients_raw_answer_wears(client: openai.OpenAI) -> None:
    """The request id that the client shows is the one in our log."""
    raw = client.chat.completions.with_raw_response.create(
        model="flux", messages=[{"role": "user", "content": unique("a badge")}]
    )
    assert re.fullmatch(r"[0-9a-f]{24}", raw.headers["x-request-id"])
    assert json.loads(raw.text)["id"] == f"chatcmpl-{raw.headers['x-request-id']}"
