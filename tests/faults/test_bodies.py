"""Bodies on the real runtime, in bytes as other platforms write them: which parts are pictures, which are text."""

import base64
import io
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from tests import written
from tests.faults.cases import BINDING, CHAT, GENERATIONS
from tests.soak.fuzz import EDITS, MIB
from tests.worker.service import error_of, events
from tests.workerd import Workerd

KLEIN = "flux-2-klein-4b"


@pytest_asyncio.fixture(loop_scope="function")
async def caller(bare: Workerd) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key, for the deployment with the `AI` binding."""
    async with bare.caller(BINDING) as caller:
        yield caller


def noise(width: int, height: int, kind: str = "png") -> bytes:
    """A picture that compresses badly."""
    file = io.BytesIO()
    Image.effect_noise((width, height), 100).convert("RGB").save(file, kind)
    return file.getvalue()


PHOTO = noise(500, 480)
"""The largest input picture that a model accepts, about 700 KB."""
BASE64 = base64.b64encode(PHOTO).decode()
PHOTO_URL = f"data:image/png;base64,{BASE64}"


def unique() -> str:
    """A unique prompt, by which its calls can be found in the ledger."""
    return f"a cat {secrets.token_hex(4)}"


def given(bare: Workerd, prompt: str) -> list[int]:
    """The size in bytes of each picture that the model received with a prompt."""
    [call] = bare.calls(prompt)["calls"]
    return [value["bytes"] for name, value in call["inputs"].items() if name.startswith("input_image_")]


async def sent(caller: httpx.AsyncClient, path: str, body: str) -> httpx.Response:
    return await caller.post(path, content=body.encode(), headers={"content-type": "application/json"})


# --- JSON -----------------------------------------------------------------------------------------


def attached(prompt: str, *urls: str) -> dict[str, Any]:
    """A message with pictures."""
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": "user", "content": [{"type": "text", "text": prompt}, *pictures]}


def in_lines(length: int) -> str:
    """Lines of 76 characters contain whole base64 groups. Other lengths split groups, also between decoded parts."""
    return "\r\n".join(BASE64[at : at + length] for at in range(0, len(BASE64), length))


SPELLINGS = {
    "usual": PHOTO_URL,
    "in capitals": f"Data:image/PNG;BASE64,{BASE64}",
    "after a space": f" data:image/png;base64,{BASE64}",
    "with a space in it": f"data:image/png; base64,{BASE64}",
    "with parameters": f"data:image/png;charset=utf-8;name=a.png;base64,{BASE64}",
    "in lines": f"data:image/png;base64,{in_lines(76)}",
    **{f"in lines of {length}": f"data:image/png;base64,{in_lines(length)}" for length in (5, 75)},
    "without padding": PHOTO_URL.rstrip("="),
}


@pytest.mark.parametrize("write", written.JSON.values(), ids=written.JSON.keys())
@pytest.mark.parametrize("url", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_a_picture_in_json_reaches_the_model_whole(
    bare: Workerd, caller: httpx.AsyncClient, write: Callable[[Any], str], url: str
) -> None:
    """However its data URL and its JSON are written, in edits and in chats."""
    edit, chat = unique(), unique()
    asked = {
        EDITS: {"prompt": edit, "images": [{"image_url": url}, {"image_url": url}], "note": "猫 \\"},
        CHAT: {"model": KLEIN, "messages": [attached(chat, url)]},
    }
    for path, body in asked.items():
        response = await sent(caller, path, write(body))
        assert response.status_code == 200, response.text
    assert given(bare, edit) == [len(PHOTO)] * 2
    assert given(bare, chat) == [len(PHOTO)]


CODE = "function f(a) { return [a[0], {b: `\\`}]; }\n" * 5_000
EARLIER: dict[str, list[dict[str, Any]]] = {
    "pictures in earlier messages": [attached("a dog", PHOTO_URL), attached("a bird", PHOTO_URL, PHOTO_URL)] * 6,
    "pictures in earlier answers": [
        {"role": "assistant", "content": f"Here's the result:\n\n![Generated Image]({PHOTO_URL})\n![2]({PHOTO_URL})"}
    ]
    * 6,
    "images of earlier answers": [
        {"role": "assistant", "content": "", "images": [{"type": "image_url", "image_url": {"url": PHOTO_URL}}] * 20}
    ],
    "results of replayed calls": [{"role": "assistant", "type": "image_generation_call", "result": BASE64}] * 20,
    "a page": [{"role": "user", "content": f'<img src="{PHOTO_URL[:80_000]}"> what is it?'}],
    "a stylesheet": [{"role": "user", "content": f"a {{ background: url('{PHOTO_URL[:80_000]}') }}"}],
    "JSON": [{"role": "user", "content": json.dumps({"url": PHOTO_URL[:80_000]})}],
    "two pictures as one text": [{"role": "user", "content": f"{PHOTO_URL[:80_000]}\n{PHOTO_URL[:80_000]}"}],
    "pasted code": [{"role": "user", "content": CODE}],
    "a recording": [
        {"role": "user", "content": [{"type": "file", "file": {"file_data": f"data:audio/wav;base64,{BASE64 * 3}"}}]}
    ],
}


@pytest.mark.parametrize("write", written.JSON.values(), ids=written.JSON.keys())
@pytest.mark.parametrize("earlier", EARLIER.values(), ids=EARLIER.keys())
async def test_whatever_was_said_before_a_text_is_drawn(
    caller: httpx.AsyncClient, write: Callable[[Any], str], earlier: list[dict[str, Any]]
) -> None:
    """A string that is a picture is skipped, and one that quotes a picture is text."""
    body = {"messages": [*earlier, {"role": "user", "content": "a cat"}]}
    response = await sent(caller, CHAT, write(body))
    assert response.status_code == 200, response.text
    assert "a cat" in response.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("path", [CHAT, GENERATIONS, EDITS])
async def test_a_body_that_is_too_large_is_told_what_is_too_large(caller: httpx.AsyncClient, path: str) -> None:
    text = {"prompt": "a" * 2 * MIB, "messages": [attached("a" * 2 * MIB)], "images": [PHOTO_URL]}
    pictures = {"prompt": "a cat", "messages": [attached("a cat", *[PHOTO_URL] * 30)], "images": [PHOTO_URL]}
    for body, told in ((text, "text in the body is too large: at most 1 MiB"), (pictures, "at most 20 MiB")):
        error = error_of(response := await caller.post(path, json=body))
        assert (response.status_code, error["code"]) == (413, "request_too_large")
        assert told in error["message"]


async def test_base64_that_cannot_be_decoded_is_refused_where_it_is_used(caller: httpx.AsyncClient) -> None:
    broken = f"data:image/png;base64,{BASE64[:100_000]}={BASE64[:100_000]}"
    used = await caller.post(EDITS, json={"prompt": "a cat", "images": [broken]})
    assert (used.status_code, error_of(used)["param"]) == (400, "images[0]")
    skipped = await caller.post(CHAT, json={"messages": [attached("a dog", broken), attached("a cat")]})
    assert skipped.status_code == 200


async def test_a_mark_that_a_caller_writes_is_no_picture(caller: httpx.AsyncClient) -> None:
    """A mark stands only for a picture in the same body."""
    for url in ("data:image/png;base64,#1", "data:image/png;base64,#90"):
        response = await caller.post(EDITS, json={"prompt": "a cat", "images": [url], "note": PHOTO_URL})
        assert (response.status_code, error_of(response)["param"]) == (400, "images[0]")


# --- forms ----------------------------------------------------------------------------------------


async def form_sent(
    caller: httpx.AsyncClient, content_type: str, body: bytes, cuts: Sequence[int] = ()
) -> httpx.Response:
    """Send the form, split at `cuts`."""

    async def pieces() -> AsyncIterator[bytes]:
        for start, end in pairwise((0, *cuts, len(body))):
            yield body[start:end]

    headers = {"content-type": content_type}
    return await caller.post(EDITS, content=pieces() if cuts else body, headers=headers)


DASHES = PHOTO[:-12] + b"-" * 300_000 + b"\r\n--A-\n--" * 30_000 + PHOTO[-12:]
"""A picture with many sequences that look like a boundary. Decoders skip bytes before a picture's end."""


@pytest.mark.parametrize("picture", [PHOTO, DASHES], ids=["a photo", "a picture of dashes"])
@pytest.mark.parametrize("write", written.FORMS.values(), ids=written.FORMS.keys())
async def test_a_picture_in_a_form_reaches_the_model_whole(
    bare: Workerd, caller: httpx.AsyncClient, write: written.FormWriter, picture: bytes
) -> None:
    prompt = unique()
    fields: list[written.Field] = [
        ("image", "s.png", "image/png", picture),
        ("prompt", None, None, f"{prompt} 猫".encode()),
        ("image[]", "", None, PHOTO),
        ("image", None, None, PHOTO),
        ("output_format", None, None, b""),
    ]
    response = await form_sent(caller, *write(fields))
    assert response.status_code == 200, response.text
    assert given(bare, f"{prompt} 猫") == [len(picture), len(PHOTO), len(PHOTO)]


async def test_a_form_is_the_same_wherever_it_is_cut(bare: Workerd, caller: httpx.AsyncClient) -> None:
    """Sent in pieces that split its boundaries and headers at every position."""
    prompt, small = unique(), noise(20, 20)
    fields: list[written.Field] = [("image", "s.png", "image/png", small), ("prompt", None, None, prompt.encode())]
    content_type, body = written.FORMS[".NET"](fields)
    places = [at for at in range(1, len(body)) if not 150 < at < len(small)]
    for cuts in (places, places[::2], places[1::3], *([at] for at in places[::10])):
        response = await form_sent(caller, content_type, body, cuts)
        assert response.status_code == 200, response.text
    calls = bare.calls(prompt)["calls"]
    assert {call["inputs"]["input_image_0"]["bytes"] for call in calls} == {len(small)}


@pytest.mark.parametrize("write", written.FORMS.values(), ids=written.FORMS.keys())
async def test_a_form_that_is_too_large_is_told_what_is_too_large(
    caller: httpx.AsyncClient, write: written.FormWriter
) -> None:
    image: written.Field = ("image", "s.png", "image/png", PHOTO)
    for fields, told in (
        ([image, ("prompt", None, None, b"a" * 2 * MIB)], "text in the body is too large: at most 1 MiB"),
        ([image] * (20 * MIB // len(PHOTO) + 1), "at most 20 MiB"),
    ):
        response = await form_sent(caller, *write(fields))
        assert (response.status_code, error_of(response)["code"]) == (413, "request_too_large")
        assert told in error_of(response)["message"]


HOSTILE = {
    "boundaries": b"\r\n--B\r\n",
    "nearly boundaries": b"\r\n--Bx",
    "parts of boundaries": b"\n--",
    "dashes": b"-",
    "line breaks": b"\r\n",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("boundary", ["B", "B" * 70])
async def test_a_hostile_form_takes_no_time(
    bare: Workerd, caller: httpx.AsyncClient, unit: bytes, boundary: str
) -> None:
    """At the largest size. It is either a complete picture or refused."""
    unit = unit.replace(b"B", boundary.encode())
    content = PHOTO[:-12] + unit * (19 * MIB // len(unit)) + PHOTO[-12:]
    fields: list[written.Field] = [("prompt", None, None, b"a cat"), ("image", "s.png", None, content)]
    content_type, body = written.form_by_hand(fields, boundary)
    before = bare.worker.isolate_cpu
    response = await form_sent(caller, content_type, body)
    assert response.status_code in (200, 400), response.text
    assert bare.worker.isolate_cpu - before < MAX_CPU_SECONDS


MAX_CPU_SECONDS = 3
"""For a form of 20 MiB on a busy machine. Most take 0.4."""


# --- answers --------------------------------------------------------------------------------------

LARGEST = "[[size 4096x4096]] [[answer png]] [[bytes 10mb]]"
"""A picture of the largest size, with as many bytes as a photo enlarged to it has as PNG."""
MOST_ADDED = 96
"""In MiB. An isolate on Cloudflare has 128, and an idle one here takes about thirty."""


def largest(prompt: str) -> dict[str, Any]:
    """As many pixels as one request may ask for, all inside the answer."""
    shape = {"model": "sdxl", "size": "4096x4096", "n": 2, "output_format": "png", "response_format": "b64_json"}
    return {"prompt": f"{prompt} {LARGEST}", **shape}


@pytest.mark.parametrize("stream", [False, True])
async def test_the_largest_answer_is_whole_and_leaves_room_in_the_isolate(
    bare: Workerd, caller: httpx.AsyncClient, *, stream: bool
) -> None:
    """An answer of 27 MiB, which is never assembled in memory."""
    await caller.post(GENERATIONS, json={"prompt": "a cat"})
    before = bare.resident()
    bare.worker.forget_most_resident()
    response = await caller.post(GENERATIONS, json={**largest("a cat"), "stream": stream})
    added = bare.worker.most_resident / MIB - before
    assert response.status_code == 200
    if stream:
        items = [json.loads(data) for data in events(response.text) if data != "[DONE]"]
    else:
        assert int(response.headers["content-length"]) == len(response.content)
        items = response.json()["data"]
    for item in items:
        data = base64.b64decode(item["b64_json"], validate=True)
        assert len(data) == 10_000_000
        assert Image.open(io.BytesIO(data)).size == (4096, 4096)
    assert len({item["b64_json"] for item in items}) == 2
    assert added < MOST_ADDED


async def test_a_conversation_of_many_large_pictures_leaves_room_in_the_isolate(
    bare: Workerd, caller: httpx.AsyncClient
) -> None:
    """A body of 20 MiB, of which the model receives four pictures."""
    prompt = unique()
    earlier = [attached("a dog", PHOTO_URL)] * (20 * MIB // len(PHOTO_URL) - 5)
    await caller.post(CHAT, json={"messages": [attached("a cat", PHOTO_URL)]})
    before = bare.resident()
    bare.worker.forget_most_resident()
    messages = [*earlier, attached(prompt, *[PHOTO_URL] * 4)]
    response = await caller.post(CHAT, json={"model": KLEIN, "messages": messages})
    assert response.status_code == 200, response.text
    assert len(given(bare, prompt)) == 4
    assert bare.worker.most_resident / MIB - before < MOST_ADDED


async def test_who_leaves_while_a_large_answer_is_sent_ends_it(bare: Workerd, caller: httpx.AsyncClient) -> None:
    async with caller.stream("POST", GENERATIONS, json=largest("a left cat")) as response:
        async for _ in response.aiter_raw():
            break
    assert (await caller.post(GENERATIONS, json={"prompt": "a cat"})).status_code == 200
    for word in ("Traceback", "Uncaught", "never retrieved"):
        assert word not in bare.log()
