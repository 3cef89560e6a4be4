"""Any input gives a value or an `ApiError`, never another exception."""

import asyncio
import base64
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx_sse
from hypothesis import given, settings
from hypothesis import strategies as st

from flux import conversation, fields, picture, pipeline, prompt, sizes, sse, text, upstream
from flux import settings as variables
from flux.catalog import MODELS
from flux.endpoints import images, responses
from flux.errors import ApiError, InvalidConfiguration
from flux.generation import GenerationRequest
from flux.http import Form, json_object
from flux.text import clean_json
from tests import fakes
from tests.builders import (
    CHAT,
    EDITS,
    GENERATIONS,
    Service,
    data_url,
    generation_of_body,
    planned,
    posted,
    request,
)
from tests.fakes import Bytes, Posted, encoded, opened, painted, sent

SURROGATES = st.characters(categories=["Cs"])
ANY_TEXT = st.text(st.characters() | SURROGATES, max_size=60)
MARKS = "A cat , ， 猫 3:2 16：9 10:30 --ar --size 768x512 --steps --seed --n --model --raw ---ntl ---tl --optimize = 4"
WORDS = st.sampled_from(
    [*MARKS.split(" "), "--edit", "--new", "—raw", "99", "flux-2-dev", "auto", "🐱", "\u3000", "\n"]
)
PROMPTS = st.lists(WORDS | ANY_TEXT, max_size=12).flatmap(
    lambda words: st.sampled_from(["", " "]).map(lambda space: space.join(words))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | PROMPTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
FILES = [encoded(opened(painted()), mime) for mime in picture.EXTENSIONS]


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """A file with some bytes changed, and cut off at some point."""

    def change(at: list[tuple[int, int]], length: int) -> bytes:
        file = bytearray(data)
        for place, byte in at:
            file[place % min(len(file), 200)] = byte
        return bytes(file[: max(length, 0) or None])

    place = st.tuples(st.integers(0, 199), st.integers(0, 255))
    return st.builds(change, st.lists(place, max_size=6), st.integers(0, len(data)))


DATA = st.binary(max_size=200) | st.sampled_from(FILES).flatmap(damaged)
GOOD_URLS = st.sampled_from([data_url(file) for file in FILES])
BAD_URLS = DATA.map(data_url) | ANY_TEXT | st.sampled_from(["https://x/y.png", "data:", "data:image/png;base64,A"])
URLS = st.booleans().flatmap(lambda good: GOOD_URLS if good else BAD_URLS)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual values, and occasionally any value.

    This does not use `|`, which would give each branch of `JSON` the same weight as the usual values.
    """
    return st.integers(0, 29).flatmap(lambda chance: JSON if chance == 29 else usual)


PARTS = mostly(
    st.fixed_dictionaries({"type": mostly(st.just("text")), "text": mostly(PROMPTS)})
    | st.fixed_dictionaries(
        {
            "type": mostly(st.sampled_from(["image_url", "input_image"])),
            "image_url": mostly(st.fixed_dictionaries({"url": mostly(URLS)}) | URLS),
        }
    )
)
TALK = st.builds("{}{}".format, st.sampled_from(["A cat ", ""]), PROMPTS)
CONTENTS = mostly(TALK | st.lists(PARTS, max_size=4))
MESSAGES = mostly(
    st.fixed_dictionaries({"role": mostly(st.sampled_from(["user", "assistant", "system"])), "content": CONTENTS})
)
NO_VALUE = st.sampled_from([None, "", " ", "auto"])
RATIOS = st.sampled_from([*sizes.RATIOS, "2.35:1", "4:1", "5:1", "9:19.5", "0:1", "16/9"]) | NO_VALUE
RESOLUTIONS = st.sampled_from(["1K", "1k", "512", "0.5K", "8K"]) | NO_VALUE
PIXELS = st.sampled_from([63, 64, 65, 640, 701, "640", 640.0, 0, -1, 4097, None])
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "size": mostly(RATIOS | st.sampled_from(["512x512", "1001x701", "64x4096", "9x9"])),
    "width": mostly(PIXELS),
    "height": mostly(PIXELS),
    "aspect_ratio": mostly(RATIOS),
    "ratio": mostly(RATIOS),
    "image_size": mostly(RESOLUTIONS),
    "resolution": mostly(RESOLUTIONS),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **SHAPES,
    "image_config": mostly(st.fixed_dictionaries({}, optional=SHAPES)),
    "model": mostly(st.sampled_from([*MODELS, "dall-e-3", "gpt-4o", "openai/gpt-image-1", "FLUX.1 [schnell]", ":"])),
    "n": mostly(st.integers(0, 3) | st.sampled_from(["2", "", 10, 11])),
    "steps": mostly(st.integers(1, 9) | st.sampled_from(["4", ""])),
    "seed": mostly(st.integers(-1, 2**64) | st.sampled_from(["-1", "9223372036854775807", 7.0])),
    "quality": mostly(st.sampled_from([*fields.QUALITIES, "HD", ""])),
    "negative_prompt": mostly(PROMPTS),
    "optimize": mostly(st.booleans() | st.sampled_from(["true", "0", ""])),
    **{name: st.sampled_from(["", "auto", "vivid", 0, 2, None]) for name in fields.WITHOUT_EFFECT},
    "tool_choice": mostly(st.sampled_from(["auto", "none", None, {"type": "auto"}])),
    "safety_identifier": mostly(ANY_TEXT),
    "markup": mostly(st.none()),
    "stream": mostly(st.booleans()),
    "stream_options": mostly(st.fixed_dictionaries({"include_usage": mostly(st.booleans())})),
    "modalities": mostly(st.lists(st.sampled_from(["text", "image"]))),
    "response_format": mostly(st.sampled_from(["url", "b64_json"])),
    "output_format": mostly(st.sampled_from([*fields.FORMATS])),
    "output_compression": mostly(st.integers(0, 100)),
    "user": mostly(ANY_TEXT),
    "mask": mostly(st.none()),
}
ASKED = st.fixed_dictionaries({"role": st.just("user"), "content": CONTENTS})
CHATS = st.fixed_dictionaries(
    {"messages": mostly(st.builds(lambda before, last: [*before, last], st.lists(MESSAGES, max_size=2), ASKED))},
    optional=FIELDS,
)
PICTURES = st.lists(mostly(st.fixed_dictionaries({"image_url": mostly(URLS)})), min_size=1, max_size=4)
IMAGES = st.fixed_dictionaries({"prompt": mostly(TALK)}, optional={**FIELDS, "images": mostly(PICTURES)})
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["image_generation_call", "item_reference", "reasoning"])},
    optional={"id": st.sampled_from(["ig_1", "ig_abcdefghijklmnopqrst_--1vuhmo0"]) | JSON, "result": URLS | JSON},
)
TOOLS = st.fixed_dictionaries(
    {"type": st.just("image_generation")}, optional={**FIELDS, "action": st.sampled_from(["edit", "generate", "auto"])}
)
RESPONSES = st.fixed_dictionaries(
    {
        "input": mostly(
            TALK | st.builds(lambda before, last: [*before, last], st.lists(MESSAGES | ITEMS, max_size=3), ASKED)
        )
    },
    optional={**FIELDS, "tools": mostly(st.lists(mostly(TOOLS), max_size=2)), "tool_choice": JSON, "text": JSON},
)
FORMS = st.builds(
    fakes.form_of,
    st.dictionaries(st.sampled_from(["prompt", *FIELDS]) | ANY_TEXT, (ANY_TEXT | TALK).map(text.clean), max_size=6),
    st.lists(st.tuples(st.sampled_from(["image", "image[]", "mask", "x"]) | ANY_TEXT, DATA), max_size=5),
)
NAMES = st.sampled_from(variables.NAMES)
VALUES = ANY_TEXT | st.sampled_from(["", "1", "true", "https://x", *MODELS, "en", "60"])


@contextmanager
def refusals() -> Iterator[None]:
    """Accepts an `ApiError` that blames the caller and has an answer."""
    try:
        yield
    except ApiError as refusal:
        error = refusal
    else:
        return
    assert 400 <= error.status < 500
    sent(text.write_json(error.body())).encode()
    assert all(value.isascii() and value.isprintable() for value in error.headers().values())


# --- steps ----------------------------------------------------------------------------------------


@given(PROMPTS)
def test_any_prompt_is_split_into_its_beginning_and_its_directives(typed: str) -> None:
    with refusals():
        rest, said = prompt.split(typed)
        assert rest in typed
        assert said.size is None or sizes.parse(str(said.size)) == said.size
        assert all(number is None or number >= 0 for number in (said.steps, said.seed, said.n))


@given(PROMPTS.map(text.clean), st.integers(1, 100))
def test_any_prompt_is_cut_to_what_is_allowed(typed: str, most: int) -> None:
    short = prompt.shorten(typed, most)
    assert len(short.encode("utf-16-le")) <= 2 * most
    assert typed.startswith(short)
    assert short == typed or len(typed.encode("utf-16-le")) > 2 * most


@given(ANY_TEXT | WORDS | st.from_regex(r"\A[0-9]{1,5}[x:*][0-9]{1,5}\Z"))
def test_any_text_is_a_possible_size_or_refused(typed: str) -> None:
    with refusals():
        size = sizes.parse(typed)
        assert size is None or sizes.parse(str(size)) == size


@given(st.integers(1, 2**31), st.integers(1, 2**31))
def test_a_picture_of_any_shape_has_a_size_to_edit_it_in(width: int, height: int) -> None:
    size = sizes.like(width, height)
    assert sizes.parse(str(size)) == size
    for model in MODELS.values():
        if model.sides:
            asked = sizes.within(size, model.sides.min, model.sides.max)
            assert model.sides.min <= min(asked.width, asked.height)
            assert max(asked.width, asked.height) <= model.sides.max


@given(ANY_TEXT | JSON.map(json.dumps) | st.text('[]{}",:\\\\ a1', max_size=200))
def test_any_text_is_a_json_object_or_refused(body: str) -> None:
    """What UTF-8 cannot encode is replaced."""
    with refusals():
        found = json_object(body)
        assert found == clean_json(json.loads(body))
        assert json.dumps(found, ensure_ascii=False).encode()


@given(body=CHATS | st.dictionaries(ANY_TEXT, JSON, max_size=3), follow_ups=st.booleans())
def test_any_chat_body_becomes_a_plan_or_is_refused(body: dict[str, Any], *, follow_ups: bool) -> None:
    """The plan's inputs can be sent, and its answer can be written."""
    with refusals():
        assert_sound(generation_of_body(body, follow_ups=follow_ups))


@given(body=RESPONSES | st.dictionaries(ANY_TEXT, JSON, max_size=3), follow_ups=st.booleans())
def test_any_responses_body_becomes_a_plan_or_is_refused(body: dict[str, Any], *, follow_ups: bool) -> None:
    with refusals():
        request = responses.parse.responses(body, {})
        responses.parse.refuse(body, request)
        assert_sound(conversation.generation(request.conversation, request.options, follow_ups=follow_ups))


@given(body=IMAGES | st.dictionaries(ANY_TEXT, JSON, max_size=3), edit=st.booleans())
def test_any_image_body_becomes_a_plan_or_is_refused(body: dict[str, Any], *, edit: bool) -> None:
    with refusals():
        assert_sound(images.parse.image(body, images.parse.json_sources(body), edit=edit).generation)


@given(FORMS)
def test_any_form_becomes_a_plan_or_is_refused(form: Form) -> None:
    with refusals():
        assert_sound(images.parse.image(fields.form_values(form), images.parse.form_sources(form)).generation)


def assert_sound(request: GenerationRequest) -> None:
    """Check that all inputs match the published schema, and that nothing in the request breaks an answer."""
    made = asyncio.run(planned(request))
    assert request.prompt
    assert 1 <= request.n <= fields.MAX_PICTURES
    request.asked.encode()
    for index in range(request.n):
        inputs = made.calls[0].inputs(request.prompt, index)
        json.dumps(inputs).encode()
        assert fakes.schema_refusal(made.model, inputs) is None


@given(DATA)
def test_any_bytes_are_a_picture_with_a_size_or_none(data: bytes) -> None:
    blob = Bytes(data)
    found = picture.look(blob)
    assert found is None or (found.type in picture.EXTENSIONS and found.width > 0 < found.height)
    assert blob.copied <= len(data) + picture.FIRST_READ * (len(data) // 4 + 1)


@given(ANY_TEXT)
def test_any_text_is_decoded_or_refused_by_name(data: str) -> None:
    with refusals():
        body = {"prompt": "A cat", "images": [f"data:image/png;base64,{data}"]}
        asyncio.run(planned(images.parse.image(body, images.parse.json_sources(body)).generation))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_variables_are_settings_or_name_the_wrong_one(given_variables: dict[str, str]) -> None:
    wrong = ""
    try:
        variables.read(given_variables)
    except InvalidConfiguration as error:
        wrong = error.variable
    assert wrong in ("", *variables.NAMES)
    assert all(one.key and one.entry for one in variables.read_api_keys(given_variables))


SENTENCES = {sentence for _, sentence in (*upstream.BY_CODE.values(), *dict(upstream.BY_TEXT).values())}
"""All messages about Workers AI's failures that callers see."""


@given(
    ANY_TEXT | st.from_regex(r"\A(\w+: )?[0-9]{3,6}: .*", fullmatch=False), st.integers(0, 10**6), st.integers(0, 999)
)
def test_any_failure_of_upstream_has_its_answer(said: str, code: int, status: int) -> None:
    failure = upstream.failure(said, code=code, status=status)
    assert failure.status in (400, 429, 502, 503)
    assert failure.message in SENTENCES


@given(ANY_TEXT | PROMPTS)
def test_any_answer_of_a_writer_is_a_line_or_nothing(answer: str) -> None:
    line = pipeline.usable(answer)
    line.encode()
    assert line == " ".join(line.split())


# --- what is written ------------------------------------------------------------------------------

CLEAN = st.text(st.characters(exclude_categories=["Cs"]))
WRITTEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CLEAN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(CLEAN, inner, max_size=4),
    max_leaves=10,
)


@given(WRITTEN, st.lists(st.binary(max_size=20)), CLEAN)
def test_any_json_is_written_with_its_pictures_in_place(value: Any, blobs: list[bytes], between: str) -> None:
    """Another parser reads the same value from it."""
    pieces = [piece for data in blobs for piece in (between, Bytes(data))]
    whole = text.write_json({"value": value, "pictures": text.Spliced(tuple(pieces))})
    told = "".join(between + base64.b64encode(data).decode() for data in blobs)
    assert json.loads(sent(whole)) == {"value": value, "pictures": told}


@given(st.lists(st.tuples(st.none() | st.sampled_from(["error", "image_generation.completed"]), WRITTEN)), st.data())
def test_any_events_are_the_same_wherever_the_stream_is_cut(
    events: list[tuple[str | None, Any]], data: st.DataObject
) -> None:
    """With pings between them, as read by another parser."""
    stream = "".join(sent(sse.event(value, name)) + sse.PING for name, value in events) + sse.DONE
    encoded_stream = stream.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded_stream)), max_size=20)))
    parts = [encoded_stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(encoded_stream)])]
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter(parts))
    *read, done = httpx_sse.EventSource(response).iter_sse()
    assert done.data == "[DONE]"
    assert [(one.event, json.loads(one.data)) for one in read] == [(name or "message", value) for name, value in events]


# --- the whole service ----------------------------------------------------------------------------

PATHS = st.sampled_from([CHAT, GENERATIONS, EDITS, "/v1/models", "/health", "/image/x", "/", "//"]) | ANY_TEXT.map(
    "/{}".format
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT"]) | ANY_TEXT
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "api-key", "content-type", "accept", "if-none-match", "x-stainless-retry-count",
                     "access-control-request-headers"]) | ANY_TEXT,
    ANY_TEXT | st.sampled_from(["Bearer the-key", "the-key", "multipart/form-data; boundary=x", "image/*", "1"]),
)  # fmt: skip
BODIES = st.binary(max_size=100) | st.one_of(CHATS, IMAGES, JSON).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)


def answered(asked: Any) -> tuple[Service, Any]:
    """The service and its answer, read completely."""
    service = Service()
    with asyncio.Runner(loop_factory=fakes.skipping_loop) as runner:
        return service, runner.run(service.ask(asked))


DOCUMENTED = {200, 204, 304, 400, 401, 404, 405, 413}


def assert_in_order(service: Service, answer: Any) -> None:
    """Check that an answer is documented, and has its format, its headers and its only log line."""
    assert answer.status in DOCUMENTED, service.lines
    assert all(value.isascii() and value.isprintable() for value in answer.headers.values())
    assert answer.headers["access-control-allow-origin"] == "*"
    (line,) = service.log
    assert (line["status"], line["request_id"]) == (answer.status, answer.headers["x-request-id"])
    assert "traceback" not in line
    answer.text.encode()
    if answer.status >= 400 and answer.text and not answer.text.startswith("<svg"):
        assert answer.error["message"]


@given(METHODS, PATHS, ANY_TEXT, HEADERS, BODIES)
def test_any_request_is_answered_in_order(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    posted_body = Posted(body, headers.get("content-type", ""))
    assert_in_order(*answered(request(path, method, query=query, headers=headers, body=posted_body)))


@given(st.one_of(st.tuples(st.just(CHAT), CHATS), st.tuples(st.sampled_from([GENERATIONS, EDITS]), IMAGES)))
@settings(max_examples=60)
def test_any_body_is_answered_in_order_and_its_pictures_open(asked: tuple[str, Any]) -> None:
    """Streamed or not. An input picture may only look like one; then the model refuses it."""
    service, answer = answered(posted(*asked))
    if answer.status == 502 and any(drawing.images for drawing in service.painter.drawings):
        return
    assert_in_order(service, answer)
    for kept, _ in service.store.pictures.values():
        assert opened(kept).size == (kept.width, kept.height)
