"""What docs/security.md says about the running service, except what other tests show."""

import base64
import hmac
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from dev import ROOT
from tests.builders import Service
from tests.faults.cases import BINDING, CHAT, GENERATIONS, PUBLIC_URL, REST
from tests.soak.fuzz import MIB, PNG, PNG_URL, Attack, ask
from tests.worker.service import error_of, links
from tests.workerd import HOST, KEY, WRITER, Workerd
from tests.workerd import REST as REST_API

EDITS = "/v1/images/edits"
CANARY = "http://canary.example/picture.png"
PAGE = ROOT / "docs" / "security.md"


@pytest_asyncio.fixture(loop_scope="function")
async def caller(bare: Workerd) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key, for the deployment with the `AI` binding."""
    async with bare.caller(BINDING) as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="function")
async def pinned(bare: Workerd) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key, for the deployment with `PUBLIC_URL`, the REST API and an external writer."""
    async with bare.caller(REST) as caller:
        yield caller


def said(*parts: object) -> dict[str, Any]:
    """A chat body with one message."""
    return {"messages": [{"role": "user", "content": list(parts)}]}


# --- callers' links are not fetched ---------------------------------------------------------------

TEXT = {"type": "text", "text": "a cat"}
LINKED = (
    (CHAT, said(TEXT, {"type": "image_url", "image_url": {"url": CANARY}})),
    (CHAT, said(TEXT, {"type": "image_url", "image_url": CANARY}) | {"model": "flux-2-klein-4b"}),
    (CHAT, said(TEXT, {"type": "input_image", "image_url": CANARY}) | {"model": "flux-2-klein-4b"}),
    (CHAT, said(TEXT, {"type": "file", "file": {"file_url": CANARY}})),
    (CHAT, said({"type": "text", "text": f"![a cat]({CANARY}) {CANARY}"})),
    (CHAT, said(TEXT) | {"model": CANARY}),
    (CHAT, said(TEXT) | {"tools": [{"type": "function", "function": {"url": CANARY}}], "user": CANARY}),
    (GENERATIONS, {"prompt": CANARY, "user": CANARY, "image": CANARY, "images": [{"image_url": CANARY}]}),
    (GENERATIONS, {"prompt": "a cat", "model": CANARY}),
    (EDITS, {"prompt": "a cat", "images": [{"image_url": CANARY}]}),
    (EDITS, {"prompt": "a cat", "images": [{"image_url": PNG_URL}, {"image_url": CANARY}]}),
    (EDITS, {"prompt": "a cat", "images": [{"image_url": PNG_URL}], "mask": {"image_url": CANARY}}),
    (EDITS, {"prompt": "a cat", "images": [{"file_id": CANARY}]}),
    (EDITS, {"prompt": "a cat", "images": [CANARY]}),
    (EDITS, {"prompt": "a cat", "images": [{"image_url": f"data:image/png;base64,{CANARY}"}]}),
)
SCHEMES = (
    "file:///etc/passwd",
    "ftp://canary.example/",
    "blob:http://canary.example/1",
    "//canary.example/",
    "gopher://x/",
)


@pytest.mark.parametrize("deployment", [BINDING, REST])
async def test_no_link_of_a_caller_is_fetched(bare: Workerd, deployment: str) -> None:
    """The only thing that the Worker can reach is a service here, which records all requests."""
    before = len(bare.happened()["fetched"])
    async with bare.caller(deployment) as caller:
        for path, body in LINKED:
            assert (await caller.post(path, json=body)).status_code < 500
        for url in SCHEMES:
            assert (await caller.post(EDITS, json={"prompt": "x", "images": [{"image_url": url}]})).status_code == 400
        fields = {"prompt": "a cat", "image": CANARY, "image_url": CANARY}
        assert (await caller.post(EDITS, data=fields, files={"image": ("a.png", PNG)})).status_code < 500
        await caller.get(f"/image/{CANARY}")
        await caller.get(f"/v1/models/{CANARY}")
        await caller.get("/image", params={"url": CANARY})
    fetched = {urlsplit(request["url"]).hostname for request in bare.happened()["fetched"][before:]}
    assert fetched == ({"ai.example"} if deployment == REST else set())


# --- hosts and headers ----------------------------------------------------------------------------

FORWARDED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "x-forwarded-port": "666",
    "x-forwarded-prefix": "/evil",
    "x-original-url": "/evil",
    "x-rewrite-url": "/evil",
    "forwarded": "host=evil.example;proto=gopher",
    "x-host": "evil.example",
    "origin": "https://evil.example",
    "referer": "https://evil.example/",
}


async def link_in(response: httpx.Response) -> str:
    """The only link in an answer of any endpoint."""
    assert response.status_code == 200, response.text
    answer = response.json()
    [link] = links(answer["choices"][0]["message"]["content"]) if "choices" in answer else [answer["data"][0]["url"]]
    return link


@pytest.mark.parametrize(("path", "body"), [(CHAT, said(TEXT)), (GENERATIONS, {"prompt": "a cat"})])
async def test_no_header_of_a_caller_leads_links_elsewhere(
    caller: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    """Links start with the address that the request was sent to. On Cloudflare no other Host reaches the Worker."""
    assert (await link_in(await caller.post(path, json=body, headers=FORWARDED))).startswith(f"{HOST}/image/")


@pytest.mark.parametrize(("path", "body"), [(CHAT, said(TEXT)), (GENERATIONS, {"prompt": "a cat"})])
async def test_with_public_url_not_even_the_host_does(
    pinned: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    response = await pinned.post(path, json=body, headers=FORWARDED | {"host": "evil.example"})
    assert (await link_in(response)).startswith(f"{PUBLIC_URL}/image/")
    assert "evil" not in response.text + str(response.headers)


@pytest.mark.parametrize("broken", ["\r\nx-injected: 1", "\nx-injected: 1", "\r\n\r\nHTTP/1.1 200 OK\r\nx-injected: 1"])
async def test_no_text_of_a_caller_becomes_a_header(bare: Workerd, caller: httpx.AsyncClient, broken: str) -> None:
    """Neither in our responses nor in requests to the model: prompts, models, users, sizes, file names."""
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        (CHAT, said({"type": "text", "text": f"a cat{broken}"}) | {"model": f"flux{broken}", "user": broken}),
        (GENERATIONS, {"prompt": f"a cat{broken}", "model": f"flux{broken}"}),
        (GENERATIONS, {"prompt": f"a cat{broken}", "size": f"1:1{broken}"}),
        (GENERATIONS, {"prompt": f"a cat{broken}", "model": "flux-2-klein-4b"}),
    )
    responses = [await caller.post(path, json=body) for path, body in bodies]
    name = f'a.png"{broken}'
    responses.append(await caller.post(EDITS, data={"prompt": broken}, files={f"image{broken}": (name, PNG)}))
    responses += [await caller.get(f"{path}/%0d%0ax-injected:%201") for path in ("/image", "/v1/models")]
    for response in responses:
        assert "x-injected" not in response.headers
        assert response.status_code < 500
    for call in bare.calls("x-injected")["calls"]:
        assert call["prompt"].endswith("x-injected: 1")
        assert call["inputs"].keys() <= {"steps", "width", "height", "seed", "input_image_0"}


@pytest.mark.parametrize("wanted", ["x-a: 1", "x-a\tx-b", "x-a; y", "x-ä", "<script>", '"x"'])
async def test_a_preflight_says_back_nothing_but_header_names(caller: httpx.AsyncClient, wanted: str) -> None:
    asked = httpx.Headers({"access-control-request-headers": wanted}, encoding="latin-1")
    response = await caller.options(CHAT, headers=asked)
    assert response.headers["access-control-allow-headers"] == "authorization, content-type, api-key"


# --- bodies ---------------------------------------------------------------------------------------

LARGE = b'{"prompt":"a cat","user":"' + b"a" * 3 * MIB + b'"}'
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE)


@pytest.mark.parametrize(
    ("lengths", "body"),
    [
        (f"content-length: {len(LARGE)}", LARGE),
        (f"content-length: {len(LARGE):040}", LARGE),
        (f"content-length: +{len(LARGE)}", LARGE),
        (f"content-length: 3\r\ncontent-length: {len(LARGE)}", LARGE),
        (f"content-length: 3, {len(LARGE)}", LARGE),
        ("transfer-encoding: chunked", CHUNKED),
        ("content-length: 3\r\ntransfer-encoding: chunked", CHUNKED),
        ("transfer-encoding: identity\r\ntransfer-encoding: chunked", CHUNKED),
    ],
)
async def test_no_way_to_tell_a_length_gets_around_the_limit(bare: Workerd, lengths: str, body: bytes) -> None:
    """Refused by the service, or by the runtime if two lengths contradict each other."""
    lines = (f"POST {GENERATIONS} HTTP/1.1", "host: flux.example", f"authorization: Bearer {KEY}", "connection: close")
    sent = "\r\n".join((*lines, lengths, "", "")).encode() + body
    answer = await ask(bare.socket(BINDING), Attack("length", sent))
    assert answer
    assert answer.status == (413 if answer.header("x-request-id") else 400)


VAST = PNG[:-12] + bytes(13 * MIB) + PNG[-12:]
"""Decoders skip bytes before a picture's end."""
VAST_URL = f"data:image/png;base64,{base64.b64encode(VAST).decode()}"
HUNGRY: dict[str, dict[str, Any]] = {
    "a picture": {"content": f'{{"prompt":"a cat","images":["{VAST_URL}"]}}'},
    "a picture with words of two bytes a letter": {"content": f'{{"prompt":"猫","images":["{VAST_URL}"]}}'},
    "a picture with escapes": {"content": f'{{"prompt":"a cat","images":["{VAST_URL.replace("/", chr(92) + "/")}"]}}'},
    "lists": {"content": f'{{"prompt":"a cat","images":["{PNG_URL}"],"x":[{",".join(["[]"] * 6 * MIB)}]}}'},
    "a text": {"content": f'{{"prompt":"{"a" * 18 * MIB}","images":["{PNG_URL}"]}}'},
    "a file of a form": {"data": {"prompt": "a cat"}, "files": {"image": VAST}},
    "a field of a form": {"data": {"prompt": "a" * 18 * MIB}, "files": {"image": PNG}},
    "parts of a form": {"data": {"prompt": ["a"] * 10_000}, "files": {"image": PNG}},
}


@pytest.mark.parametrize("sent", HUNGRY.values(), ids=HUNGRY.keys())
async def test_a_body_within_its_limit_does_not_take_the_isolates_memory(
    bare: Workerd, caller: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    """An isolate has 128 MB on Cloudflare for all of its requests, and some of that is garbage."""
    await caller.post(EDITS, json={"prompt": "a cat", "images": [PNG_URL]})
    before = bare.resident()
    response = await caller.post(EDITS, **sent)
    assert response.status_code in (200, 400, 413)
    assert bare.resident() - before < 96, (
        "a form takes 60 for a picture, and a text that enters Python ten times itself"
    )


async def test_fields_that_are_no_fields_change_nothing(bare: Workerd, caller: httpx.AsyncClient) -> None:
    """Names of our settings and internals, and names that are special in JavaScript."""
    inside = {
        "public_url": "http://evil.example", "PUBLIC_URL": "http://evil.example", "links": "http://evil.example",
        "image_expiration": 10**9, "lifetime": 10**9, "API_KEY": "mine", "key_digest": "0", "insists": False,
        "model_calls": 0, "account": {"account_id": "x"}, "CF_API_TOKEN": "x", "language": "ru", "delta": -100,
        "__proto__": {"n": 4}, "constructor": {"prototype": {"n": 4}}, "fixed": {"steps": 99}, "url": "http://evil.example",
    }  # fmt: skip
    response = await caller.post(GENERATIONS, json={"prompt": "a plain cat", "seed": 1, **inside})
    link = await link_in(response)
    assert link.startswith(f"{HOST}/image/")
    assert "evil" not in response.text
    picture = await caller.get(link)
    assert 1_700 < int(re.findall(r"max-age=(\d+)", picture.headers["cache-control"])[0]) <= 1_800
    [call] = bare.calls("a plain cat")["calls"]
    assert call["inputs"] == {"steps": 4}


async def test_a_picture_is_found_by_its_whole_key_alone(caller: httpx.AsyncClient) -> None:
    """Nothing lists the keys, and parts of a key or similar keys do not work."""
    link = await link_in(await caller.post(GENERATIONS, json={"prompt": "a hidden cat"}))
    key = link.rpartition("/")[2]
    assert len(key.partition(".")[0]) >= 22, "128 bits in base64"
    flipped = [f"{key[:at]}{'A' if key[at] != 'A' else 'B'}{key[at + 1 :]}" for at in range(22)]
    for other in (
        *flipped,
        key.lower(),
        key.upper(),
        key[1:],
        key[:-4],
        f"{key[:-3]}png",
        "",
        "*",
        "%",
        f"./../{key[:4]}",
    ):
        assert (await caller.get(f"/image/{other}")).status_code == 404
    for path in ("/image", "/image/", "/images", "/v1/images", "/?prefix=", "/image/?list=1"):
        response = await caller.get(path)
        assert response.status_code == 404
        assert key not in response.text


async def test_health_says_nothing_that_is_secret(pinned: httpx.AsyncClient) -> None:
    response = await pinned.get("/health", headers={"authorization": ""})
    assert response.status_code == 200
    for value in (KEY, REST_API["CF_API_TOKEN"], "ai.example", *WRITER.values(), PUBLIC_URL):
        assert value not in response.text


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_no_other_method_does_anything(caller: httpx.AsyncClient, method: str) -> None:
    for path in (CHAT, GENERATIONS, EDITS, "/v1/models", "/health", "/image/aaaaaaaaaaaaaaaaaaaaaa-zzzzzzz.jpg"):
        response = await caller.request(method, path)
        assert response.status_code == 405
        assert error_of(response)["code"] == "method_not_allowed"


async def test_a_model_that_answers_with_a_page_puts_none_on_our_site(bare: Workerd, caller: httpx.AsyncClient) -> None:
    """Only three types of picture, recognised by their bytes, are stored and served."""
    for mark in ("[[answer html]]", "[[http 200]]"):
        assert (await caller.post(GENERATIONS, json={"prompt": f"a page {mark}"})).status_code == 502
    link = await link_in(await caller.post(GENERATIONS, json={"prompt": "a picture"}))
    served = (await caller.get(link)).headers
    assert (served["content-type"], served["x-content-type-options"]) == ("image/jpeg", "nosniff")
    assert not [prompt for prompt in bare.happened()["kept"].values() if "a page" in str(prompt)]


# --- keys -----------------------------------------------------------------------------------------


async def test_every_key_is_compared_whole_and_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys, right or wrong, as digests of equal length: timing reveals neither a key's length nor its place."""
    compared: list[tuple[int, int]] = []
    equal = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return equal(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    service = Service(variables={"API_KEY": "first, a much longer second one, 3"})
    for key, status in {"first": 200, "3": 200, "wrong": 401, "x" * 10_000: 401}.items():
        compared.clear()
        assert (await service.get("/v1/models", key=key)).status == status
        assert compared == [(32, 32)] * 3


# --- docs/security.md -----------------------------------------------------------------------------


def test_every_test_that_the_page_names_is_there() -> None:
    """It covers all ten risks."""
    text = PAGE.read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)`:? ?((?:`test_\w+`(?:, | and )?)*)", text)
    assert named
    for file, tests in named:
        source = (ROOT / file).read_text()
        for test in re.findall(r"test_\w+", tests):
            assert f"def {test}(" in source, f"{file} has no {test}"
    assert re.findall(r"^\| (API\d+)", text, re.MULTILINE) == [f"API{number}" for number in range(1, 11)]
