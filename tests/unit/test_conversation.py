"""A conversation: its messages, its pictures in the order in which they were sent, and its request."""

from collections.abc import Mapping
from typing import Any

import pytest

from flux import conversation, picture
from flux.conversation import Conversation, Message
from flux.errors import ApiError, InvalidRequest, MissingParameter
from flux.generation import GenerationRequest, Options, PictureSource
from flux.sizes import Size
from tests.builders import NOW, ORIGIN

A, B, C = (picture.new_id(NOW) for _ in range(3))
DATA_URL = "data:image/png;base64,iVBORw0KGgo="


def user(text: str, *pictures: PictureSource, links: int = 0) -> Message:
    """A user's message."""
    return Message("user", text, pictures, links)


def assistant(text: str = "", *pictures: PictureSource) -> Message:
    """An answer."""
    return Message("assistant", text, pictures)


def stored(id: str) -> PictureSource:
    """A picture of the store."""
    return PictureSource("messages", id=id)


def shown(*urls: str) -> str:
    """The text of one of our answers."""
    return "Here's the result:\n\n" + "\n\n".join(f"![Generated Image]({url})" for url in urls)


def link(id: str) -> str:
    """A link to a stored picture."""
    return f"{ORIGIN}/image/{id}.jpg"


def asked(*messages: Message, follow_ups: bool = False, **options: Any) -> GenerationRequest:
    """The request in a conversation, with these fields in its body."""
    return conversation.generation(Conversation(messages), Options(**options), follow_ups=follow_ups)


# --- messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["A cat", ["A cat"], [{"type": "text", "text": "A cat"}],
                                     [{"type": "input_text", "text": "A cat"}],
                                     [{"type": "output_text", "text": "A cat"}],
                                     [{"type": "input_audio"}, "A cat", {"type": ["text"]}, {}, ""]])  # fmt: skip
def test_a_message_is_its_text_in_every_shape(content: Any) -> None:
    """Parts that are neither text nor a picture do not change it."""
    assert conversation.message("user", content, "messages[0]", "messages").text == "A cat"


@pytest.mark.parametrize("content", [None, "", [], [""]])
def test_a_message_may_be_empty(content: Any) -> None:
    assert conversation.message("tool", content, "messages[0]", "messages") == Message("tool", "")


def test_texts_of_a_message_are_lines_and_its_pictures_keep_their_order() -> None:
    parts = [
        "A",
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "input_image", "image_url": link(A)},
        {"type": "image_url", "image_url": "https://example.com/cat.png"},
        {"type": "input_image", "file_id": "file-1"},
        "B \ud83d",
    ]
    assert conversation.message("user", parts, "input[3]", "input", apart=(PictureSource("input", id=B),)) == Message(
        "user",
        "A\nB \ufffd",
        (
            PictureSource("input", data=DATA_URL),
            PictureSource("input", id=A),
            PictureSource("input[3].content", file_id="file-1"),
            PictureSource("input", id=B),
        ),
        links=1,
    )


@pytest.mark.parametrize(
    "content", [5, {}, True, [5], [None], [{"type": "text"}], [{"type": "input_text", "text": 5}],
                [{"type": "input_image"}], [{"type": "image_url", "image_url": {}}]]
)  # fmt: skip
def test_content_of_another_shape_is_refused_by_its_place(content: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        conversation.message("user", content, "messages[7]", "messages")
    assert (refusal.value.code, refusal.value.param) == ("invalid_value", "messages[7].content")


@pytest.mark.parametrize(
    ("message", "has_pictures"), [(user("A"), False), (user("A", stored(A)), True), (user("A", links=1), True)]
)
def test_a_link_of_another_host_is_an_attachment_too(message: Message, *, has_pictures: bool) -> None:
    """A user who attaches one refers to a picture, whether or not it can be read."""
    assert message.has_pictures is has_pictures


def test_what_a_person_said_last_is_the_last_message_of_the_role() -> None:
    said = Conversation((Message("system", "Be kind"), user("A dog"), user("A cat"), assistant("Here")))
    assert said.last_user == user("A cat")
    assert Conversation((Message("system", "Be kind"),)).last_user is None


# --- what an app says about its request -----------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body", "tasks"),
    [
        ({}, {}, ()),
        ({"x-openwebui-task": "tags"}, {}, ("tags",)),
        ({}, {"metadata": {"task": "tags"}}, ("tags",)),
        ({"x-openwebui-task": "tags"}, {"metadata": {"task": "title"}}, ("tags", "title")),
        ({}, {"metadata": {"task": ["tags"]}}, ()),
        ({}, {"metadata": "tags"}, ()),
    ],
)
def test_a_task_is_named_in_a_header_or_in_the_body(
    headers: Mapping[str, str], body: Mapping[str, Any], tasks: tuple[str, ...]
) -> None:
    assert conversation.tasks(headers, body) == tasks


def test_limits_are_the_numbers_among_the_fields_that_an_api_has_for_them() -> None:
    body = {"max_tokens": 20, "max_completion_tokens": "30", "max_output_tokens": 40}
    assert conversation.limits(body, "max_tokens", "max_completion_tokens") == (20,)
    assert conversation.limits(body, "max_output_tokens") == (40,)
    assert conversation.limits({}, "max_tokens") == ()


# --- the newest picture ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "newest"),
    [
        ([user("A cat")], None),
        ([user("A", stored(A)), assistant(shown(link(B))), user("C")], stored(B)),
        ([assistant(shown(link(A))), user("B", stored(B)), assistant("No picture"), user("C")], stored(B)),
        ([user("A", stored(A), stored(B))], stored(B)),
        ([assistant(shown(link(A), link(B)))], stored(B)),
        ([assistant(shown(link(A)), stored(B))], stored(B)),
        ([assistant(shown(DATA_URL))], PictureSource("messages", data=DATA_URL)),
        ([user("A", stored(A)), user(shown(link(B)))], stored(A)),
        ([user("A", stored(A)), Message("system", shown(link(B)))], stored(A)),
        ([user("A", stored(A)), user("B", PictureSource("messages", file_id="file-1"))], stored(A)),
        ([user("A", stored(A)), user("B", links=1)], stored(A)),
        ([assistant("![x](https://example.com/cat.png)")], None),
    ],
)  # fmt: skip
def test_the_newest_picture_is_the_one_that_was_attached_or_drawn_last(
    messages: list[Message], newest: PictureSource | None
) -> None:
    """A link quoted in text is not an attachment."""
    assert Conversation(tuple(messages)).newest_picture() == newest


# --- the request ----------------------------------------------------------------------------------


def test_the_last_user_message_is_what_is_drawn() -> None:
    found = asked(Message("system", "Be kind"), user("A dog"), assistant("Here"), user(" A cat 3:2 --n 2 "), n=3)
    assert found == GenerationRequest("A cat 3:2 --n 2", "A cat", Options(size=Size(768, 512), n=3))


@pytest.mark.parametrize(
    ("messages", "param", "kind"),
    [
        ((), "input", MissingParameter),
        ((assistant("A cat"),), "input", MissingParameter),
        ((user(""),), "input", MissingParameter),
        ((user("3:2 --n 2"),), "input", MissingParameter),
        ((user("A", PictureSource("input[0].content", file_id="file-1")),), "input[0].content", InvalidRequest),
        ((user("A cat --edit"),), "input", InvalidRequest),
        ((user("A cat --n 11"),), "n", InvalidRequest),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_the_apis_own_field(
    messages: tuple[Message, ...], param: str, kind: type[ApiError]
) -> None:
    with pytest.raises(ApiError) as refusal:
        conversation.generation(Conversation(messages, param="input"), Options(), follow_ups=False)
    assert (type(refusal.value), refusal.value.param) == (kind, param)


def test_a_model_that_is_named_in_the_prompt_is_required_and_one_of_the_body_is_not() -> None:
    assert asked(user("A cat --model sdxl"), model="gpt-4o").options.model == "sdxl"
    assert asked(user("A cat --model sdxl"), model="gpt-4o").model_required
    assert asked(user("A cat"), model="gpt-4o").options.model == "gpt-4o"
    assert not asked(user("A cat"), model="gpt-4o").model_required


def test_links_of_other_hosts_are_told_of_in_the_message_that_is_drawn_alone() -> None:
    assert asked(user("A cat", links=2)).notices == ("links_ignored",)
    assert asked(user("A dog", links=2), user("A cat")).notices == ()


@pytest.mark.parametrize("follow_ups", [False, True])
@pytest.mark.parametrize(
    ("said", "options", "edits", "edits_by_setting"),
    [
        ("Blue", {}, False, True),
        ("Blue --new", {}, False, False),
        ("Blue", {"action": "generate"}, False, False),
        ("Blue --edit", {}, True, False),
        ("Blue", {"action": "edit"}, True, False),
        ("Blue --new", {"action": "edit"}, True, False),
    ],
)
def test_an_earlier_picture_is_edited_where_that_is_said_or_set(
    said: str, options: dict[str, Any], *, edits: bool, edits_by_setting: bool, follow_ups: bool
) -> None:
    """The body's field overrides the directive, and both override the setting."""
    found = asked(user("A cat"), assistant(shown(link(A))), user(said), follow_ups=follow_ups, **options)
    follows = follow_ups and edits_by_setting
    assert found.sources == ((stored(A),) if edits or follows else ())
    assert found.follow_up is follows


@pytest.mark.parametrize("follow_ups", [False, True])
def test_what_is_attached_is_what_the_message_is_about(*, follow_ups: bool) -> None:
    found = asked(assistant(shown(link(A))), user("Blue", stored(B), stored(C)), follow_ups=follow_ups)
    assert (found.sources, found.follow_up) == ((stored(B), stored(C)), False)


def test_the_setting_alone_asks_for_no_picture_where_there_is_none() -> None:
    found = asked(user("A cat"), follow_ups=True)
    assert (found.sources, found.follow_up) == ((), False)
