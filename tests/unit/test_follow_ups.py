"""Pictures that were drawn earlier: links to this service, the newest picture of a conversation, `FOLLOW_UPS`."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from flux import picture
from flux.words import LANGUAGES
from tests.builders import CHAT, EDITS, KLEIN, NOW, ORIGIN, SCHNELL, Answer, Service, data_url
from tests.fakes import Bytes, data_of, encoded, opened, painted

pytestmark = pytest.mark.usefixtures("clock")

EN = LANGUAGES["en"]
OLD = encoded(opened(painted("An old picture", 300, 200)), "image/png")
NEW = encoded(opened(painted("A new picture", 200, 300)), "image/png")
RESPONSES = "/v1/responses"
Json = dict[str, Any]


def service_with(*files: bytes, **variables: str) -> tuple[Service, list[str]]:
    """A service with these pictures in its store, and their identifiers."""
    service = Service(variables=variables)
    ids = []
    for file in files:
        found = picture.look(Bytes(file))
        assert found
        ids.append(picture.new_id(NOW + 600))
        service.store.pictures[ids[-1]] = (found, NOW + 600)
    return service, ids


def given(service: Service) -> list[bytes]:
    """The pictures that the model received in its only call."""
    (drawing,) = service.painter.drawings
    return [data_of(image) for image in drawing.images]


# --- links to this service ------------------------------------------------------------------------

LINKS: list[Callable[[str], str]] = [
    lambda id: f"{ORIGIN}/image/{id}.png",
    lambda id: f"http://localhost:8787/image/{id}.jpg?download#top",
    lambda id: f"HTTPS://pictures.example/behind/a/proxy/image/{id}.webp",
]


@pytest.mark.parametrize("link", LINKS)
async def test_a_link_of_our_own_is_a_picture_wherever_one_may_be_sent(link: Callable[[str], str]) -> None:
    """Host, query and fragment do not matter, only the key."""
    for path, body in (
        (CHAT, lambda url: {"messages": [{"role": "user", "content": ["Blue", part("image_url", {"url": url})]}]}),
        (EDITS, lambda url: {"prompt": "Blue", "images": [{"image_url": url}]}),
        (RESPONSES, lambda url: {"input": [{"role": "user", "content": ["Blue", part("input_image", url)]}]}),
    ):
        service, (id,) = service_with(OLD)
        answer = await service.post(path, body(link(id)))
        assert (answer.status, given(service)) == (200, [OLD]), (path, answer.text)
        assert service.store.reads == 1


def part(kind: str, value: Any) -> Json:
    """A content part with a picture."""
    return {"type": kind, "image_url": value}


@pytest.mark.parametrize(
    "url",
    [
        "https://flux.example/image/cat.png",
        "https://flux.example/pictures/AAAAAAAAAAAAAAAAAAAAAA-0tp4ro0.png",
        "ftp://flux.example/image/AAAAAAAAAAAAAAAAAAAAAA-0tp4ro0.png",
        "https:///image/AAAAAAAAAAAAAAAAAAAAAA-0tp4ro0.png",
        "https://flux.example/?/image/AAAAAAAAAAAAAAAAAAAAAA-0tp4ro0.png",
    ],
)
async def test_no_other_link_is_looked_for(url: str) -> None:
    service, _ = service_with(OLD)
    answer = await service.chat(["Blue", part("image_url", {"url": url})])
    assert EN.links_ignored in answer.content
    assert service.store.reads == 0


async def test_a_link_whose_picture_is_gone_is_refused() -> None:
    service, _ = service_with()
    link = part("image_url", f"{ORIGIN}/image/{picture.new_id(NOW + 9)}.png")
    answer = await service.chat(["Blue", link], model="flux")
    assert (answer.status, answer.error["param"]) == (400, "messages")
    assert "expired, or is not of this service" in answer.error["message"]


async def test_a_picture_that_is_named_twice_is_read_once() -> None:
    service, (id,) = service_with(OLD)
    url = f"{ORIGIN}/image/{id}.png"
    await service.post(EDITS, {"prompt": "Blue", "images": [url, url]})
    assert (given(service), service.store.reads) == ([OLD, OLD], 1)


async def test_stored_pictures_count_against_the_size_of_the_request() -> None:
    """By their stored size, before they are read."""
    service, (id,) = service_with(OLD)
    found, expires = service.store.pictures[id]
    large = Bytes(OLD)
    large.size = 21 * 2**20
    service.store.pictures[id] = (picture.Picture(found.type, 300, 200, large), expires)
    answer = await service.post(EDITS, {"prompt": "Blue", "images": [f"{ORIGIN}/image/{id}.png"]})
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("stored_first", [True, False])
async def test_stored_and_sent_pictures_count_together_in_any_order(*, stored_first: bool) -> None:
    service, (id,) = service_with(OLD)
    found, expires = service.store.pictures[id]
    large = Bytes(OLD)
    large.size = 12 * 2**20
    service.store.pictures[id] = (picture.Picture(found.type, 300, 200, large), expires)
    sent = data_url(NEW + bytes(12 * 2**20))
    images = [f"{ORIGIN}/image/{id}.png", sent] if stored_first else [sent, f"{ORIGIN}/image/{id}.png"]
    answer = await service.post(EDITS, {"prompt": "Blue", "images": images})
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


# --- the newest picture ---------------------------------------------------------------------------


def turn(role: str, content: Any, **more: Any) -> Json:
    """One message."""
    return {"role": role, "content": content, **more}


def attached(id: str) -> Json:
    return turn("user", ["This", part("image_url", {"url": data_url(NEW)})])


def in_markdown(id: str) -> Json:
    return turn(
        "assistant", f"Here:\n\n![a](https://x.example/image/{picture.new_id(NOW)}.png) ![b]({ORIGIN}/image/{id}.png)"
    )


def in_images(id: str) -> Json:
    return turn("assistant", "Here.", images=[{"type": "image_url", "image_url": {"url": data_url(NEW)}}])


def in_markdown_as_data(id: str) -> Json:
    return turn("assistant", f"Here:\n\n![Generated Image]({data_url(NEW)})")


def in_markdown_behind_a_link(id: str) -> Json:
    """The second of two pictures could not be stored."""
    return turn("assistant", f"![a]({ORIGIN}/image/{picture.new_id(NOW)}.png)\n\n![b]({data_url(NEW)})")


def in_markdown_as_large_data(id: str) -> Json:
    """So large that it is left out of the body's text."""
    return turn("assistant", f"Here:\n\n![Generated Image]({data_url(NEW + bytes(9000))})")


@pytest.mark.parametrize("newest", [attached, in_markdown, in_images, in_markdown_as_data, in_markdown_behind_a_link])
async def test_edit_means_the_newest_picture_of_the_conversation(newest: Callable[[str], Json]) -> None:
    service, (old, new) = service_with(OLD, NEW)
    messages = [
        turn("user", "A cat"),
        turn("assistant", f"![Generated Image]({ORIGIN}/image/{old}.png)"),
        newest(new),
        turn("assistant", "Nice."),
        turn("user", "Make it blue --edit"),
    ]
    answer = await service.post(CHAT, {"messages": messages})
    assert (answer.status, given(service)) == (200, [NEW]), answer.text
    assert service.painter.drawings[0].prompt == "Make it blue"
    assert service.painter.drawings[0].model.id == KLEIN
    assert service.store.reads <= 1


async def test_a_large_picture_inside_an_answer_is_edited() -> None:
    service, _ = service_with()
    messages = [turn("user", "A cat"), in_markdown_as_large_data(""), turn("user", "Make it blue --edit")]
    answer = await service.post(CHAT, {"messages": messages})
    assert (answer.status, given(service)) == (200, [NEW + bytes(9000)]), answer.text


ITEMS: dict[str, Callable[[str], Json]] = {
    "with its bytes": lambda _: {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": base64.b64encode(NEW).decode(),
    },
    "by its id": lambda id: {"type": "image_generation_call", "id": f"ig_{id}", "status": "completed"},
    "by its id, without bytes": lambda id: {"type": "image_generation_call", "id": f"ig_{id}", "result": None},
    "as a reference": lambda id: {"type": "item_reference", "id": f"ig_{id}"},
}


@pytest.mark.parametrize("form", ITEMS)
@pytest.mark.parametrize("meant", ["the tool", "the prompt", "the setting"])
async def test_an_item_of_the_input_is_the_picture_that_is_edited(form: str, meant: str) -> None:
    service, (_, new) = service_with(OLD, NEW, FOLLOW_UPS="edit" if meant == "the setting" else "new")
    tool = {"type": "image_generation", "action": "edit" if meant == "the tool" else "auto"}
    prompt = "Make it blue --edit" if meant == "the prompt" else "Make it blue"
    items = [turn("user", "A cat"), ITEMS[form](new), {"type": "item_reference", "id": "msg_1"}, turn("user", prompt)]
    answer = await service.post(RESPONSES, {"input": items, "tools": [tool]})
    assert (answer.status, given(service)) == (200, [NEW]), answer.text


async def test_a_previous_response_means_its_last_picture() -> None:
    service, (_, new) = service_with(OLD, NEW)
    body = {"input": "Make it blue --edit", "previous_response_id": f"resp_{new}"}
    answer = await service.post(RESPONSES, body)
    assert given(service) == [NEW]
    assert answer.json["previous_response_id"] == f"resp_{new}"


async def test_a_previous_response_that_is_needed_and_gone_is_named() -> None:
    service, _ = service_with()
    body = {"input": "Make it blue --edit", "previous_response_id": f"resp_{picture.new_id(NOW + 5)}"}
    answer = await service.post(RESPONSES, body)
    assert (answer.status, answer.error["code"]) == (400, "previous_response_not_found")
    assert answer.error["param"] == "previous_response_id"
    service, _ = service_with()
    assert (await service.post(RESPONSES, {**body, "input": "A dog"})).status == 200
    assert service.store.reads == 0


async def test_a_response_can_be_followed_by_its_own_id_and_by_its_items() -> None:
    """Two turns; the second has what the first one returned."""
    service, _ = service_with()
    first = (await service.post(RESPONSES, {"input": "A cat"})).json
    by_id = {"input": "Make it blue --edit", "previous_response_id": first["id"]}
    by_items = {"input": [turn("user", "A cat"), *first["output"], turn("user", "Make it blue --edit")]}
    for body in (by_id, by_items):
        assert (await service.post(RESPONSES, body)).status == 200
    (drawn,) = [found for key, (found, _) in service.store.pictures.items() if first["id"] == f"resp_{key}"]
    assert [len(drawing.images) for drawing in service.painter.drawings] == [0, 1, 1]
    assert drawn.width == 1024


NOTHING = [turn("user", "A cat"), turn("assistant", "No."), turn("user", "Make it blue --edit")]


async def test_where_there_is_no_picture_nothing_can_be_edited() -> None:
    service, _ = service_with()
    answer = await service.post(CHAT, {"messages": NOTHING})
    assert (answer.status, answer.error["param"]) == (400, "messages")
    assert service.painter.drawings == []


async def test_a_model_that_takes_no_pictures_cannot_edit_what_is_asked_outright() -> None:
    service, (old,) = service_with(OLD)
    answer = await service.post(CHAT, {"model": SCHNELL, "messages": conversation(old, "Make it blue --edit")})
    assert (answer.status, answer.error["code"]) == (400, "unsupported_model")


async def test_an_expired_picture_that_is_asked_for_outright_is_refused() -> None:
    service, _ = service_with()
    answer = await service.post(CHAT, {"messages": conversation(picture.new_id(NOW + 1), "Make it blue --edit")})
    assert answer.status == 400
    assert "expired" in answer.error["message"]


# --- FOLLOW_UPS -----------------------------------------------------------------------------------


def conversation(id: str, prompt: str) -> list[Json]:
    """A conversation in which a picture was drawn, with its next message."""
    return [
        turn("user", "A cat"),
        turn("assistant", f"![Generated Image]({ORIGIN}/image/{id}.png)"),
        turn("user", prompt),
    ]


async def follow_up(prompt: str, setting: str, **fields: Any) -> tuple[Service, Answer]:
    service, (id,) = service_with(OLD, FOLLOW_UPS=setting)
    return service, await service.post(CHAT, {"messages": conversation(id, prompt), **fields})


@pytest.mark.parametrize(
    ("prompt", "setting", "edited"),
    [
        ("Blue", "new", False),
        ("Blue", "edit", True),
        ("Blue --new", "edit", False),
        ("Blue --edit", "new", True),
    ],
)
async def test_a_conversation_with_a_picture_edits_it_where_that_is_meant(
    prompt: str, setting: str, *, edited: bool
) -> None:
    service, answer = await follow_up(prompt, setting)
    assert given(service) == ([OLD] if edited else [])
    assert service.store.reads == int(edited)
    assert "⚠️" not in answer.content


async def test_the_first_message_of_a_conversation_is_drawn_anew() -> None:
    service, _ = service_with(FOLLOW_UPS="edit")
    answer = await service.chat("A cat")
    assert "⚠️" not in answer.content


async def test_the_model_that_is_named_edits_if_it_takes_pictures() -> None:
    service, _ = await follow_up("Blue", "edit", model="flux-2-dev")
    assert service.painter.drawings[0].model.id.endswith("flux-2-dev")
    assert given(service) == [OLD]


async def test_a_named_model_that_takes_none_draws_anew_and_says_so() -> None:
    service, answer = await follow_up("Blue", "edit", model=SCHNELL)
    assert (given(service), service.store.reads) == ([], 0)
    assert EN.follow_up_unsupported in answer.content


async def test_an_expired_picture_is_drawn_anew_where_only_the_setting_means_it() -> None:
    """With the model for new pictures."""
    service, _ = service_with(FOLLOW_UPS="edit")
    answer = await service.post(CHAT, {"messages": conversation(picture.new_id(NOW + 1), "Blue")})
    assert EN.follow_up_expired in answer.content
    assert service.painter.drawings[0].model.id == SCHNELL


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hangs", [False, True])
async def test_a_store_that_is_out_keeps_nobody_from_drawing_where_only_the_setting_means_an_edit(
    *, stream: bool, hangs: bool
) -> None:
    """A new picture is drawn, the answer says so, and the log says why."""
    service, (id,) = service_with(OLD, FOLLOW_UPS="edit")
    service.store.out_of_order, service.store.read_seconds = not hangs, 1e6 if hangs else 0
    answer = await service.post(CHAT, {"messages": conversation(id, "Blue"), "stream": stream})
    assert (answer.status, given(service)) == (200, [])
    assert EN.follow_up_expired in json.dumps(answer.text, ensure_ascii=False)
    assert service.painter.drawings[0].model.id == SCHNELL
    assert service.log[0]["read_error"] == ("time-out" if hangs else "KV GET failed: 503")


async def test_a_store_that_is_out_is_told_to_who_asks_for_the_edit_outright() -> None:
    """The caller is told to try again. Otherwise a picture that was not requested would be paid for."""
    service, (id,) = service_with(OLD, FOLLOW_UPS="edit")
    service.store.out_of_order = True
    answer = await service.post(CHAT, {"messages": conversation(id, "Blue --edit")})
    assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
    assert answer.headers["x-should-retry"] == "true"
    assert service.painter.drawings == []


async def test_an_attached_picture_wins_over_an_earlier_one() -> None:
    service, (id,) = service_with(OLD, FOLLOW_UPS="edit")
    messages = [*conversation(id, "x")[:2], turn("user", ["Blue", part("image_url", {"url": data_url(NEW)})])]
    await service.post(CHAT, {"messages": messages})
    assert given(service) == [NEW]
