"""Streams: what is sent, in which order, and when; and failures on the way."""

import asyncio
import gc
import itertools
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import httpx2
import httpx_sse
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from flux import upstream
from flux.http import Response
from flux.ports import NotStored, RewriteFailed
from flux.text import Spliced
from flux.words import LANGUAGES
from tests.builders import (
    CHAT,
    EDITS,
    GENERATIONS,
    KEY,
    NOW,
    ORIGIN,
    SCHNELL,
    SDXL,
    Answer,
    Service,
    chat_of,
    data_url,
    posted,
    read,
    stream_of,
)
from tests.fakes import Bytes, Painter, Rewriter, Shelf, data_of, decode, encoded, opened, painted, sent, shows

pytestmark = pytest.mark.usefixtures("clock")

EN = LANGUAGES["en"]
PHOTO = encoded(opened(painted("A photo", 300, 200)), "image/png")
REFUSED = upstream.failure("3030: NSFW")
BUSY = upstream.failure("3040: Capacity temporarily exceeded")


def deltas(answer: Answer) -> list[dict[str, Any]]:
    """The delta of each chunk of a chat stream."""
    return [event["choices"][0]["delta"] for event in answer.events if event.get("choices")]


def content(answer: Answer) -> str:
    """The content of all chunks."""
    return "".join(delta.get("content", "") for delta in deltas(answer))


async def timed(response: Response) -> AsyncIterator[tuple[float, str]]:
    """The texts of a stream, each with the time in seconds at which it arrived."""
    async for text in stream_of(response):
        yield time.time() - NOW, sent(text)


# --- chat -----------------------------------------------------------------------------------------


async def test_a_stream_says_what_the_whole_answer_says() -> None:
    """Line by line, except for the key of its picture."""
    service = Service()
    streamed = await service.chat("A cute cat 3:2", stream=True)
    whole = await service.chat("A cute cat 3:2")
    first, second = service.store.pictures
    assert content(streamed) == whole.content.replace(second, first)
    assert shows((await service.open(f"/image/{first}.jpg")).data, "A cute cat")


def chunk_of(rest: str) -> str:
    """An event in the form in which it is sent."""
    head = (
        f'"id":"chatcmpl-ID","object":"chat.completion.chunk","created":{NOW},"model":"{SCHNELL}",'
        '"service_tier":"default","system_fingerprint":"fp_flux_image_api"'
    )
    return f"data: {{{head},{rest}}}\n\n"


def choice_of(delta: str, finish_reason: str = "null") -> str:
    """A chunk with this delta."""
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish_reason}}}'
    return chunk_of(f'"choices":[{choice}],"usage":null')


async def test_a_stream_is_exactly_this_on_the_wire() -> None:
    service = Service()
    answer = await service.chat("A cute cat 3:2", stream=True, stream_options={"include_usage": True})
    (key,) = service.store.pictures
    usage = (
        '"usage":{"prompt_tokens":4,"completion_tokens":456,"total_tokens":460,'
        '"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},'
        '"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"image_tokens":384,'
        '"reasoning_tokens":0,"rejected_prediction_tokens":0},"cost_neurons":57.6,"cost_dollars":0.000634}'
    )
    lines = (
        '{"role":"assistant","content":""}',
        r'{"content":"🎨 Original prompt: A cute cat 3:2\n"}',
        r'{"content":"💬 Prompt generation model: Original Prompt\n🌐 Optimized prompt: A cute cat\n"}',
        r"""{"content":"📐 Image specifications: 768x512\n🌟 Image generation successful!\nHere's the result:\n\n"}""",
        '{"content":"![Generated Image](https://flux.example/image/KEY)"}',
    )
    golden = "".join(map(choice_of, lines)) + choice_of("{}", '"stop"') + chunk_of(f'"choices":[],{usage}')
    id = answer.headers["x-request-id"]
    assert answer.text.replace(id, "ID").replace(f"{key}.jpg", "KEY") == golden + "data: [DONE]\n\n"


async def test_the_order_is_openais() -> None:
    """The role, then content, then the finish reason, then the end."""
    answer = await Service().chat("A cute cat 3:2", stream=True)
    assert deltas(answer)[0] == {"role": "assistant", "content": ""}
    assert [set(delta) for delta in deltas(answer)[1:-1]] == [{"content"}] * 4
    assert deltas(answer)[-1] == {}
    reasons = [event["choices"][0]["finish_reason"] for event in answer.events]
    assert reasons == [None] * (len(reasons) - 1) + ["stop"]
    assert answer.text.endswith("\n\ndata: [DONE]\n\n")


async def test_a_picture_is_whole_in_one_chunk() -> None:
    """Apps do not join a link that is split."""
    service = Service()
    answer = await service.chat("A cat --n 2", stream=True)
    pictures = [delta["content"].strip() for delta in deltas(answer) if "![" in delta.get("content", "")]
    assert pictures == [f"![Generated Image]({ORIGIN}/image/{key}.jpg)" for key in service.store.pictures]


async def test_there_is_one_id_one_time_and_one_model_throughout() -> None:
    """Even if the fallback drew, and however long it took."""
    service = Service(variables={"FLUX_FALLBACK_MODEL": SDXL}, painter=Painter(BUSY, 30.0))
    answer = await service.chat(stream=True, stream_options={"include_usage": True})
    heads = {(event["id"], event["created"], event["model"], event["object"]) for event in answer.events}
    assert heads == {(f"chatcmpl-{answer.headers['x-request-id']}", NOW + 1, SCHNELL, "chat.completion.chunk")}


@pytest.mark.parametrize("include_usage", [True, False])
async def test_usage_is_told_at_the_end_where_it_is_asked_for(*, include_usage: bool) -> None:
    """In a final chunk without choices; in all others it is null."""
    service = Service()
    answer = await service.chat("A cat", stream=True, stream_options={"include_usage": include_usage})
    *before, last = answer.events
    if include_usage:
        assert [event["usage"] for event in before] == [None] * len(before)
        assert last["choices"] == []
        assert last["usage"] == (await service.chat("A cat")).json["usage"]
    else:
        assert all("usage" not in event for event in answer.events)


async def test_every_chunk_is_one_that_openai_specifies() -> None:
    answer = await Service().chat(stream=True, stream_options={"include_usage": True})
    for event in answer.events:
        ChatCompletionChunk.model_validate(event, strict=True)


@pytest.mark.parametrize("path", [CHAT, GENERATIONS])
async def test_a_streams_headers_keep_it_from_being_collected_or_cached(path: str) -> None:
    answer = await Service().post(path, {**chat_of(stream=True), "prompt": "A cat"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_no_field_is_used_that_confuses_a_client() -> None:
    """openai-python remembers an `id:`, and treats a following comment as an event."""
    answer = await Service(painter=Painter(25.0)).chat(stream=True)
    assert {line.split(":")[0] for line in answer.text.split("\n") if line} == {"data", ""}


async def test_pictures_beside_the_text_come_in_a_chunk_of_their_own() -> None:
    answer = await Service().chat("A cat", stream=True, modalities=["image", "text"])
    ((image,),) = [delta["images"] for delta in deltas(answer) if "images" in delta]
    assert shows(decode(image["image_url"]["url"].split(",")[1]), "A cat")
    assert "![" not in content(answer)


async def test_a_picture_that_cannot_be_stored_is_part_of_the_stream() -> None:
    """In one chunk, without copying any of its bytes."""
    answer = await Service(store=Shelf(NotStored("429"))).chat("A cat", stream=True)
    (picture,) = [delta["content"] for delta in deltas(answer) if "](data:" in delta.get("content", "")]
    assert shows(decode(picture.split(",")[1].removesuffix(")")), "A cat")
    assert EN.not_stored in content(answer)


# --- when -----------------------------------------------------------------------------------------


async def test_each_line_comes_as_soon_as_it_is_known() -> None:
    """The stream opens within a second. The rewriter takes 3 s, the picture another 5 s."""
    service = Service(writer=Rewriter("A fluffy cat", 3.0), painter=Painter(seconds=5))
    response = await service.app(posted(CHAT, chat_of("A cat --optimize", stream=True)))
    assert time.time() == NOW + 1
    came = [(round(second, 1), text) async for second, text in timed(response)]
    seconds = {mark: second for second, text in came for mark in ("🎨", "🌐", "📐", "![", "DONE") if mark in text}
    assert seconds == {"🎨": 1, "🌐": 3, "📐": 8, "![": 8, "DONE": 8}


async def test_something_comes_at_least_every_ten_seconds() -> None:
    """Counted from the previous event, not from the start."""
    service = Service(writer=Rewriter("Hi", 4.0), painter=Painter(seconds=35))
    response = await service.app(posted(CHAT, chat_of("A cat --optimize", stream=True)))
    pings = [round(second, 1) async for second, text in timed(response) if text == ": ping\n\n"]
    assert pings == [14, 24, 34]


async def test_a_quick_picture_needs_no_ping() -> None:
    answer = await Service(painter=Painter(seconds=9.5)).chat(stream=True)
    assert "ping" not in answer.text


async def test_an_image_stream_opens_before_there_is_anything_to_tell() -> None:
    service = Service(painter=Painter(seconds=25))
    response = await service.app(posted(GENERATIONS, {"prompt": "A cat", "stream": True}))
    came = [round(second, 1) async for second, text in timed(response) if text == ": ping\n\n"]
    assert came == [1, 11, 21]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat_of("A cat --n 4 --optimize", stream=True)),
        (GENERATIONS, {"prompt": "A cat", "n": 4, "optimize": True, "stream": True}),
    ],
)
async def test_what_is_known_and_not_told_does_not_put_off_the_next_ping(path: str, body: dict[str, Any]) -> None:
    """A picture that waits for the others, or a prompt without an event of its own, does not reach the client."""
    service = Service(writer=Rewriter("Hi", 9.0), painter=Painter(8.0, 16.0, 24.0, 32.0))
    came = [0.0] + [second async for second, _ in timed(await service.app(posted(path, body)))]
    assert max(later - earlier for earlier, later in itertools.pairwise(came)) < 10.1


# --- failures -------------------------------------------------------------------------------------

FAILURES = {
    400: (REFUSED, "content_policy_violation"),
    429: (upstream.failure("3036: used up"), "insufficient_quota"),
    502: (upstream.failure("500: no idea"), "upstream_error"),
}


class FailingPainter(Painter):
    """Fails after a few seconds."""

    def __init__(self, seconds: float, failure: Exception) -> None:
        super().__init__()
        self._seconds, self._failure = seconds, failure

    async def draw(self, *_asked: Any, **_options: Any) -> Any:
        await asyncio.sleep(self._seconds)
        raise self._failure


@pytest.mark.parametrize("path", [CHAT, GENERATIONS])
@pytest.mark.parametrize("status", FAILURES)
async def test_what_fails_within_the_second_of_grace_has_its_true_status(status: int, path: str) -> None:
    """The error has the usual format, as if no stream had been requested."""
    failure, code = FAILURES[status]
    service = Service(painter=FailingPainter(0.9, failure))
    answer = await service.post(path, {**chat_of(stream=True), "prompt": "A cat"})
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert service.log[0]["status"] == status


@pytest.mark.parametrize("status", FAILURES)
async def test_what_fails_later_comes_in_band(status: int) -> None:
    """A sentence for apps that show only content, the error for the others, and the end."""
    failure, code = FAILURES[status]
    service = Service(painter=FailingPainter(1.1, failure))
    answer = await service.chat(stream=True)
    *chunks, error = answer.events
    assert answer.status == 200
    assert chunks[-1]["choices"][0]["delta"] == {"content": f"\n❌ {error['error']['message']}"}
    assert error["error"].keys() == {"message", "type", "param", "code"}
    assert error["error"]["code"] == code
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * len(chunks)
    assert (service.log[0]["status"], service.log[0]["error"]) == (200, code)


async def test_a_bug_after_the_stream_opened_comes_in_band_too() -> None:
    """With the request id to report. The traceback is only in the log."""
    service = Service(painter=FailingPainter(1.1, KeyError("a secret detail")))
    answer = await service.chat(stream=True)
    *chunks, error = answer.events
    assert error["error"]["code"] == "internal_error"
    assert answer.headers["x-request-id"] in error["error"]["message"]
    assert chunks[-1]["choices"][0]["delta"] == {"content": f"\n❌ {error['error']['message']}"}
    assert "secret" not in answer.text
    assert "KeyError: 'a secret detail'" in service.log[0]["traceback"]


async def test_an_image_streams_failure_is_an_event() -> None:
    answer = await Service(painter=FailingPainter(1.1, REFUSED)).generate(stream=True)
    assert "\n\nevent: error\ndata: {" in answer.text
    assert [event["error"]["code"] for event in answer.events] == ["content_policy_violation"]


async def test_a_refused_rewrite_is_told_after_the_prompt_that_was_announced() -> None:
    service = Service(writer=Rewriter("A wild cat"), painter=Painter(REFUSED, 2.0))
    said = content(await service.chat("A cat --optimize", stream=True))
    assert said.index("🌐 Optimized prompt: A wild cat\n") < said.index(EN.rewrite_refused)


async def test_a_failing_writer_is_told_when_it_failed() -> None:
    service = Service(writer=Rewriter("", RewriteFailed("HTTP 500")), painter=Painter(2.0))
    said = content(await service.chat("A cat --optimize", stream=True))
    assert f"🌐 Optimized prompt: A cat\n{EN.writer_failed}\n📐" in said


@pytest.mark.parametrize("taken", [1, 2])
async def test_a_failure_that_nobody_heard_is_no_unhandled_one(taken: int, caplog: pytest.LogCaptureFixture) -> None:
    """The client left between the failure and the report of it."""
    service = Service(painter=FailingPainter(5, REFUSED))
    stream = stream_of(await service.app(posted(CHAT, chat_of(stream=True))))
    for _ in range(taken):
        await anext(stream)
    await asyncio.sleep(10)
    await stream.aclose()
    del stream
    gc.collect()
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_refusal_before_any_work_is_no_stream() -> None:
    answer = await Service().chat("A cat --steps 9", stream=True)
    assert (answer.status, answer.error["param"]) == (400, "steps")


# --- images ---------------------------------------------------------------------------------------


async def test_each_picture_is_an_event_named_as_its_type_as_soon_as_it_is_there() -> None:
    service = Service(painter=Painter(9.0, 3.0))
    asked = {"prompt": "A cat", "n": 2, "stream": True, "size": "768x512", "quality": "high"}
    response = await service.app(posted(GENERATIONS, asked))
    came = [(round(second, 1), text) async for second, text in timed(response) if "completed" in text]
    assert [second for second, _ in came] == [3, 9]
    assert all(text.startswith("event: image_generation.completed\ndata: {") for _, text in came)


async def test_a_pictures_event_has_every_field_that_openai_specifies() -> None:
    answer = await Service().generate("A cat", stream=True, size="768x512", quality="high", output_format="png")
    (event,) = answer.events
    assert shows(decode(event.pop("b64_json")), "A cat")
    assert event.pop("url").startswith(f"{ORIGIN}/image/")
    usage = event.pop("usage")
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens_details"].keys() == {"text_tokens", "image_tokens"}
    assert event == {
        "type": "image_generation.completed",
        "created_at": NOW,
        "size": "768x512",
        "quality": "high",
        "output_format": "png",
        "background": "opaque",
    }


async def test_an_edits_pictures_are_events_of_an_edit() -> None:
    body = {"prompt": "Make it blue", "images": [{"image_url": data_url(PHOTO)}], "stream": True}
    answer = await Service().post(EDITS, body)
    assert [event["type"] for event in answer.events] == ["image_edit.completed"]


async def test_a_refused_rewrite_leaves_one_event_for_each_picture() -> None:
    """The first attempt is not reported. The prompt that was drawn is the user's."""
    service = Service(writer=Rewriter("A wild cat"))
    service.painter.refuses = lambda drawing: REFUSED if drawing.prompt == "A wild cat" else None
    answer = await service.generate("A cat", n=2, optimize=True, stream=True)
    assert len(answer.events) == 2
    assert all("revised_prompt" not in event for event in answer.events)
    assert [event["warnings"] for event in answer.events] == [[EN.rewrite_refused.removeprefix("⚠️ ")]] * 2


@pytest.mark.parametrize("seconds", [0.0, 5.0])
async def test_of_an_image_stream_with_a_failure_the_pictures_come_and_then_what_failed(seconds: float) -> None:
    """Not as an error event, because OpenAI's clients would then discard the pictures."""
    service = Service(painter=Painter(seconds, upstream.failure("500: no idea"), seconds))
    answer = await service.generate("A cat", n=3, stream=True)
    *pictures, last = answer.events
    assert [event["type"] for event in pictures] == ["image_generation.completed"] * 2
    assert "event: error" not in answer.text
    assert (last["type"], last["created_at"]) == ("image_generation.warnings", NOW + seconds)
    assert last["warnings"] == [f"1 of 3 pictures could not be drawn: {upstream.failure('500: no idea')}"]


async def test_a_picture_of_a_stream_has_the_warnings_that_concern_it() -> None:
    answer = await Service().generate("A cat", seed=7, stream=True)
    assert [event["warnings"] for event in answer.events] == [[EN.seed_ignored.removeprefix("⚠️ ")]]


async def test_a_chat_stream_with_a_failure_has_the_pictures_and_a_line() -> None:
    service = Service(painter=Painter(5.0, upstream.failure("500: no idea"), 5.0))
    answer = await service.chat("A cat --n 3", stream=True)
    said = content(answer)
    assert said.count("![Generated Image](") == 2
    assert EN.some_failed.format(1, 3, upstream.failure("500: no idea")) in said
    assert "❌" not in said
    assert answer.events[-1]["choices"][0]["finish_reason"] == "stop"


# --- clients --------------------------------------------------------------------------------------


def pieces(data: bytes, at: int) -> Iterator[bytes]:
    """The bytes in two parts."""
    yield data[:at]
    yield data[at:]


async def test_a_stream_cut_at_any_byte_is_the_same_events() -> None:
    """As read by another parser, even if cut inside a character."""
    data = (await Service(painter=Painter(12.0)).chat("猫 🐱 3:2", stream=True)).text.encode()

    def events(at: int) -> list[str]:
        response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=pieces(data, at))
        return [event.data for event in httpx_sse.EventSource(response).iter_sse()]

    whole = events(0)
    assert whole[-1] == "[DONE]"
    assert len(whole) == 7
    assert [at for at in range(len(data)) if events(at) != whole] == []


@pytest.fixture
def official(request: pytest.FixtureRequest) -> Any:
    """OpenAI's client, reading a recorded stream byte by byte."""

    def client(answer: Answer) -> openai.OpenAI:
        def respond(_request: httpx2.Request) -> httpx2.Response:
            one_by_one = (bytes([byte]) for byte in answer.text.encode())
            headers = {"content-type": answer.headers["content-type"]}
            return httpx2.Response(answer.status, headers=headers, content=one_by_one)

        transport = httpx2.Client(transport=httpx2.MockTransport(respond))
        request.addfinalizer(transport.close)
        return openai.OpenAI(api_key=KEY, base_url=f"{ORIGIN}/v1", http_client=transport, max_retries=0)

    return client


async def test_openais_client_reads_a_chat_stream_byte_by_byte(official: Any) -> None:
    answer = await Service(painter=Painter(12.0)).chat("猫 🐱 3:2", stream=True)
    chunks = list(official(answer).chat.completions.create(model="x", messages=[], stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == content(answer)
    assert len(chunks) == len(answer.events)


async def test_openais_client_raises_an_error_that_comes_in_band(official: Any) -> None:
    answer = await Service(painter=FailingPainter(2, REFUSED)).chat(stream=True)
    with pytest.raises(openai.APIError) as raised:
        list(official(answer).chat.completions.create(model="x", messages=[], stream=True))
    assert raised.value.code == "content_policy_violation"


async def test_openais_client_reads_an_image_stream_byte_by_byte(official: Any) -> None:
    answer = await Service(painter=Painter(12.0)).generate("A cat", stream=True, size="256x256")
    (event,) = list(official(answer).images.generate(prompt="x", stream=True))
    assert event.type == "image_generation.completed"
    assert shows(decode(event.b64_json), "A cat")


async def test_openais_client_reads_an_image_stream_with_a_failure(official: Any) -> None:
    painter = Painter(12.0, upstream.failure("500: no idea"))
    answer = await Service(painter=painter).generate("A cat", n=2, stream=True)
    events = list(official(answer).images.generate(prompt="x", stream=True))
    assert [event.type for event in events] == ["image_generation.completed", "image_generation.warnings"]


async def test_openais_client_raises_an_image_streams_error(official: Any) -> None:
    answer = await Service(painter=FailingPainter(2, REFUSED)).generate(stream=True)
    with pytest.raises(openai.APIError) as raised:
        list(official(answer).images.generate(prompt="x", stream=True))
    assert raised.value.code == "content_policy_violation"


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat_of()), (GENERATIONS, {"prompt": "A cat"})])
async def test_what_is_over_within_its_grace_is_told_as_a_stream_would_tell_it(path: str, body: dict[str, Any]) -> None:
    """Immediately, in one body, with the same events."""

    async def told(seconds: float) -> tuple[Response, list[str]]:
        response = await Service(painter=Painter(seconds=seconds)).app(posted(path, {**body, "stream": True}))
        answer = await read(response)
        return response, [shape(line) for line in answer.text.split("\n\n") if not line.startswith(":")]

    def shape(event: str) -> str:
        return re.sub(r'chatcmpl-\w+|"created\w*":\d+|/image/[\w.-]+', "", event)

    quick, late = await told(0), await told(5)
    assert quick[1] == late[1]
    assert isinstance(quick[0].body, str | Spliced)
    assert quick[0].headers["content-type"] == late[0].headers["content-type"] == "text/event-stream; charset=utf-8"


@pytest.mark.parametrize("seconds", [0, 5])
async def test_no_byte_of_a_picture_is_copied_to_stream_it(seconds: float) -> None:
    service = Service(painter=Painter(seconds=seconds))
    response = await service.app(posted(GENERATIONS, {"prompt": "A cat", "stream": True}))
    texts = [response.body] if isinstance(response.body, Spliced) else [text async for text in stream_of(response)]
    (blob,) = [
        piece for text in texts if isinstance(text, Spliced) for piece in text.pieces if isinstance(piece, Bytes)
    ]
    assert len(data_of(blob)) > 4096
    assert blob.copied <= 1024
