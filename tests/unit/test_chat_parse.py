"""A chat body becomes a validated request, or an error that names the field."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from flux.conversation import Message
from flux.errors import ApiError, InvalidRequest, MissingParameter
from flux.picture import Picture
from flux.sizes import Size
from tests import fakes
from tests.builders import cases, chat_generation, chat_of, chat_request, data_url, generation_of_body, planned
from tests.fakes import data_of, encoded, painted

PNG = encoded(fakes.opened(painted("A photo", 300, 200)), "image/png")


def image_part(url: str) -> dict[str, Any]:
    """A picture as in OpenAI's content arrays."""
    return {"type": "image_url", "image_url": {"url": url}}


def messages(*turns: tuple[str, Any]) -> dict[str, Any]:
    """A body with these turns."""
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


async def pictures_of(content: Any) -> tuple[Picture, ...]:
    """The pictures that a chat's model receives, as the endpoint reads them."""
    return (await planned(chat_generation(content, model="flux"))).images


# --- the prompt -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("A cat", "A cat"),
        ("  A cat\n", "A cat"),
        ([{"type": "text", "text": "A cat"}], "A cat"),
        ([{"type": "text", "text": "A cat"}, {"type": "text", "text": "on a sofa"}], "A cat\non a sofa"),
        ([{"type": "input_text", "text": "A cat"}], "A cat"),
        (["A cat", "on a sofa"], "A cat\non a sofa"),
        ([{"type": "text", "text": ""}, {"type": "text", "text": "A cat"}], "A cat"),
        ([{"type": "input_audio", "input_audio": {}}, {"type": "text", "text": "A cat"}, {"type": "file"}], "A cat"),
        ([{"type": ["text"]}, {"no": "type"}, {"type": "text", "text": "A cat"}], "A cat"),
        ("猫 🐱", "猫 🐱"),
        ("A \ud83d cat", "A \ufffd cat"),
    ],
)
def test_the_prompt_is_all_the_text_of_the_message(content: Any, prompt: str) -> None:
    """A string or an array. Parts that are neither text nor a picture are ignored."""
    assert chat_generation(content).prompt == prompt


def test_the_prompt_is_the_last_user_messages_alone() -> None:
    """Every call is a new picture: other roles and earlier messages do not change it."""
    body = messages(
        ("system", "You paint. 9:16"),
        ("user", "A dog --seed 1"),
        ("assistant", None),
        ("user", "A cat 3:2"),
        ("assistant", "Here it is 16:9"),
        ("tool", [{"type": "text", "text": "42"}]),
    )
    asked = generation_of_body(body)
    assert (asked.asked, asked.prompt, asked.options.size, asked.options.seed) == (
        "A cat 3:2",
        "A cat",
        Size(768, 512),
        None,
    )


def test_what_was_typed_is_kept_beside_the_prompt() -> None:
    asked = chat_generation(" A cat --seed 7, 3:2 ")
    assert (asked.asked, asked.prompt) == ("A cat --seed 7, 3:2", "A cat")


@pytest.mark.parametrize("content", [None, "", "  \n", [], [{"type": "text", "text": " "}], "3:2", "--raw --seed 3"])
def test_a_message_that_says_nothing_to_draw_is_refused(content: Any) -> None:
    with pytest.raises(MissingParameter) as refusal:
        chat_generation(content)
    assert (refusal.value.code, refusal.value.param) == ("missing_required_parameter", "messages")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "messages", "missing_required_parameter"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": {}}, "messages", "invalid_value"),
        ({"messages": "A cat"}, "messages", "invalid_value"),
        ({"messages": ["A cat"]}, "messages[0]", "invalid_value"),
        ({"messages": [{"content": "A cat"}]}, "messages[0]", "invalid_value"),
        ({"messages": [{"role": 1, "content": "A cat"}]}, "messages[0]", "invalid_value"),
        (messages(("user", "A cat"), ("user", 5)), "messages[1].content", "invalid_value"),
        (messages(("user", {"text": "A cat"})), "messages[0].content", "invalid_value"),
        (messages(("user", [5])), "messages[0].content", "invalid_value"),
        (messages(("user", [{"type": "text", "text": 5}])), "messages[0].content", "invalid_value"),
        (messages(("user", [{"type": "text"}])), "messages[0].content", "invalid_value"),
        (messages(("user", [{"type": "image_url"}])), "messages[0].content", "invalid_value"),
        (messages(("user", [{"type": "image_url", "image_url": {"url": 5}}])), "messages[0].content", "invalid_value"),
        (messages(("assistant", "A cat")), "messages", "missing_required_parameter"),
    ],
)
def test_messages_of_another_shape_are_refused_by_their_place(body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(ApiError) as refusal:
        generation_of_body(body)
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (400, code, param)


# --- fields and directives ------------------------------------------------------------------------

GOOD = [
    ("size", "768x512", Size(768, 512)),
    ("size", "1366x768", Size(1366, 768)),
    ("size", "64x4096", Size(64, 4096)),
    ("size", "16:9", Size(1024, 576)),
    ("steps", 1, 1),
    ("steps", 100, 100),
    ("steps", 8.0, 8),
    ("steps", "4", 4),
    ("seed", 0, 0),
    ("seed", -1, None),
    ("seed", "7", 7),
    ("seed", 2**63 - 1, 2**63 - 1),
    ("n", 10, 10),
    ("n", "2", 2),
    ("n", 0, None),
    ("quality", "hd", "hd"),
    ("quality", "HD", "hd"),
    ("quality", "xhigh", "xhigh"),
    ("quality", "", None),
    ("negative_prompt", " dogs ", "dogs"),
    ("optimize", True, True),
    ("optimize", "false", False),
    ("model", " gpt-4o ", "gpt-4o"),
]
BAD = [
    *cases("size", ["big", "63x512", "512x4097", 512, ["512x512"], True]),
    *cases("aspect_ratio", ["wide", "5:1", 1.5, ["1:1"]]),
    *cases("width", [512, "wide"]),
    *cases("image_config", ["16:9", ["16:9"]]),
    *cases("steps", [0, 101, -1, 1.5, "four", True, [4], 1e300]),
    *cases("seed", [0.5, "seven", False, {}]),
    *cases("n", [-1, 11, 1.5, "two", True, 10**400]),
    *cases("quality", ["best", 5, ["hd"]]),
    *cases("negative_prompt", [5, ["dogs"], {}]),
    *cases("optimize", ["maybe", 2, []]),
    *cases("model", [5, ["m"], {}]),
    *cases("stream", ["maybe", 2, []]),
    *cases("stream_options", ["usage", True, [], 1]),
    *cases("modalities", ["image", True, {}, 1, [5], [None]]),
]


@pytest.mark.parametrize(("name", "value", "read"), GOOD)
def test_a_field_of_the_body_is_part_of_the_wish(name: str, value: Any, read: Any) -> None:
    """JSON does not distinguish 2 from 2.0."""
    assert getattr(chat_generation(**{name: value}).options, name) == read


@pytest.mark.parametrize("name", sorted({name for name, *_ in GOOD} - {"model"}))
@pytest.mark.parametrize("value", [None, "absent"])
def test_a_field_that_is_null_is_as_one_that_is_absent(name: str, value: Any) -> None:
    assert getattr(chat_generation(**({} if value else {name: None})).options, name) is None
    assert chat_generation(**({} if value else {name: None})).n == 1


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_field_of_another_type_or_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        chat_generation(**{name: value})
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_value")
    assert refusal.value.param in ({"width", "height"} if name == "width" else {name})


@pytest.mark.parametrize("name", ["temperature", "top_p", "max_tokens", "tools", "user", "presence_penalty", "x"])
def test_fields_that_we_have_no_use_for_are_left_alone(name: str) -> None:
    """Chat apps send them all, with any type."""
    assert chat_generation(**{name: {"any": ["thing"]}}) == chat_generation()


@pytest.mark.parametrize(
    ("field", "directive"),
    [({"size": "512x512"}, "3:2"), ({"steps": 2}, "--steps 3"), ({"seed": 2}, "--seed 3"), ({"n": 2}, "--n 3"),
     ({"optimize": True}, "--raw")],
)  # fmt: skip
def test_the_field_wins_over_the_directive(field: dict[str, Any], directive: str) -> None:
    asked = f"A cat {directive}"
    assert chat_generation(asked, **field) == replace(chat_generation("A cat", **field), asked=asked)


def test_the_model_that_a_person_names_wins_over_the_apps_setting() -> None:
    """It is deliberate, so an unknown one is an error, unlike an app's setting."""
    by_person, by_app = chat_generation("A cat --model sdxl", model="flux-2-dev"), chat_generation(model="gpt-4o")
    assert (by_person.options.model, by_person.model_required) == ("sdxl", True)
    assert (by_app.options.model, by_app.model_required) == ("gpt-4o", False)


@pytest.mark.parametrize(
    ("directive", "param"),
    [("--n 11", "n"), ("--n 0", "n"), ("--steps 0", "steps"), ("--steps 101", "steps")],
)
def test_directives_have_the_ranges_of_the_fields(directive: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        chat_generation(f"A cat {directive}")
    assert refusal.value.param == param


# --- streams and modalities -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "stream", "include_usage", "images_apart"),
    [
        ({}, False, False, False),
        ({"stream": None, "stream_options": None, "modalities": None}, False, False, False),
        ({"stream": True}, True, False, False),
        ({"stream": False, "stream_options": {}}, False, False, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True, False),
        ({"stream_options": {"include_usage": None}}, False, False, False),
        ({"modalities": ["text"]}, False, False, False),
        ({"modalities": ["image", "text"]}, False, False, True),
        ({"modalities": []}, False, False, False),
    ],
)
def test_how_the_answer_is_wanted(
    fields: dict[str, Any], *, stream: bool, include_usage: bool, images_apart: bool
) -> None:
    request = chat_request(chat_of(**fields))
    assert (request.stream, request.include_usage, request.images_apart) == (stream, include_usage, images_apart)


def test_messages_are_kept_for_whoever_looks_at_the_whole_conversation() -> None:
    body = messages(("system", "Be kind"), ("user", ["A", image_part("https://x/y.png")]))
    conversation = chat_request(body).conversation
    assert conversation.messages == (Message("system", "Be kind"), Message("user", "A", links=1))
    assert conversation.last_user == conversation.messages[1]


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        image_part(data_url(PNG)),
        image_part(data_url(PNG, "image/jpeg")),  # the type in the data URL is ignored
        image_part(data_url(PNG).replace("data:image/png;", "DATA:;")),
        image_part(data_url(PNG).rstrip("=")),
        {"type": "image_url", "image_url": data_url(PNG)},
        {"type": "input_image", "image_url": data_url(PNG)},
        {"image_url": {"url": data_url(PNG)}},
        image_part(base64.b64encode(PNG).decode()),
        {"type": "image", "image": data_url(PNG)},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()},
        },
        {"type": "file", "file": {"filename": "a.png", "file_data": data_url(PNG)}},
        {"type": "input_file", "filename": "a.png", "file_data": data_url(PNG)},
        {"type": "file", "mediaType": "image/png", "url": data_url(PNG)},
    ],
)
async def test_a_picture_inside_the_message_is_part_of_the_request(part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "Make it blue"}, part]
    assert [(one.type, one.size, data_of(one.blob)) for one in await pictures_of(content)] == [
        ("image/png", "300x200", PNG)
    ]
    assert chat_generation(content).notices == ()


def test_a_link_is_never_fetched_and_the_caller_is_told() -> None:
    asked = chat_generation(["A cat", image_part("https://example.com/cat.png"), image_part(data_url(PNG))])
    assert len(asked.sources) == 1
    assert asked.notices == ("links_ignored",)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "video_url", "video_url": {"url": "https://example.com/cat.mp4"}},
    ],
)
def test_what_is_attached_and_cannot_be_used_is_named(part: dict[str, Any]) -> None:
    """In the message that is drawn. Earlier messages are not reported."""
    asked = chat_generation(["A cat", part])
    assert (asked.sources, asked.ignored) == ((), (part["type"],))
    assert generation_of_body(messages(("user", ["A dog", part]), ("user", "A cat"))).ignored == ()


@pytest.mark.parametrize("kind", ["![x](http://e.example/x.png)", "*a*", "a\nb", "", 5, None, "x" * 500])
def test_a_part_of_no_known_type_is_named_without_markup(kind: Any) -> None:
    assert chat_generation(["A cat", {"type": kind}]).ignored == ("content",)


@pytest.mark.parametrize("role", ["USER", " User "])
def test_the_letter_case_of_a_role_does_not_matter(role: str) -> None:
    assert generation_of_body(messages((role, "A cat"))).prompt == "A cat"


def test_pictures_of_earlier_messages_are_not_taken() -> None:
    body = messages(("user", ["A dog", image_part("data:broken")]), ("user", "A cat"))
    assert generation_of_body(body).sources == ()


@pytest.mark.parametrize(
    "url",
    ["data:", "data:image/png;base64", "data:image/png,abc", "data:image/png;base64,!!!!", "data:image/png;base64,",
     data_url(b"<svg/>"), data_url(b"GIF89a" + bytes(100)), data_url(PNG[:20]), data_url(PNG) + "\udc00"],
)  # fmt: skip
async def test_a_picture_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await pictures_of(["A cat", image_part(url)])
    assert refusal.value.param == "messages"


async def test_at_most_four_pictures_are_taken() -> None:
    part = image_part(data_url(PNG))
    assert len(await pictures_of(["A cat", *[part] * 4])) == 4
    with pytest.raises(InvalidRequest, match="at most 4") as refusal:
        await pictures_of(["A cat", *[part] * 5])
    assert refusal.value.param == "messages"
