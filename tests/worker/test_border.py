"""Pictures must not be copied into Python: its whole memory is searched for their bytes."""

import base64
import io
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from bench import WORKERS, runtime
from bench.rows import REASONS
from dev import ROOT
from tests import written
from tests.worker.service import chat_body, content, links
from tests.workerd import IMAGES, REST, Workerd

FILLER = b"A byte of a picture.    "
"""The filler in the stand-in's pictures and in ours."""
KILOBYTES = 250
"""Small enough that a tool without a preview shows the picture itself."""
DRAWN = f"A cat [[bytes {KILOBYTES}kb]]"
MAX_PART = 0.1
"""The part of a picture that may be copied into Python: its header and what surrounds it."""

BINDING, WITH_IMAGES, REST_API = "binding", f"binding{IMAGES}", "rest"
OTHERS = {"PARTNER_MODELS": "*"}
DEPLOYMENTS = {BINDING: OTHERS, WITH_IMAGES: OTHERS, REST_API: REST | OTHERS}


def probed(source: Path) -> runtime.Worker:
    """The Worker in a folder, extended to give access to its memory."""
    return runtime.python("probed", source, WORKERS / "probe", main="probe.py")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """The unmodified Worker."""
    with Workerd(tmp_path_factory.mktemp("border") / "bare", DEPLOYMENTS, probed(ROOT / "src")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="function")
async def caller(bare: Workerd) -> Any:
    """A client with the key, for the deployment with the `AI` binding."""
    async with bare.caller(BINDING) as caller:
        yield caller


async def part_in_python(caller: httpx.AsyncClient) -> float:
    """The part of a picture that is in Python's memory, as bytes or as base64, in strings of any width."""
    heap = (await caller.get("/heap")).content
    assert b"MutableMapping" in heap, "this is no memory of a Python"
    forms = [FILLER, *(base64.b64encode((FILLER * 3)[start : start + len(FILLER)]) for start in range(3))]
    wide = [form.decode().encode(width) for form in forms for width in ("utf-16-le", "utf-32-le")]
    return sum(map(heap.count, forms + wide)) * len(FILLER) / (KILOBYTES * 1000)


def picture(first: bytes = b"") -> bytes:
    """A caller's PNG, filled up with a private chunk (PNG specification, 5.3)."""
    file = io.BytesIO()
    Image.new("RGB", (300, 200)).save(file, "PNG")
    head, body = file.getvalue()[:33], file.getvalue()[33:]
    data = (first + FILLER * (KILOBYTES * 1000 // len(FILLER) + 1))[: KILOBYTES * 1000]
    chunk = b"fiLl" + data
    return head + len(data).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + body


PNG = picture()
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
CHAT, GENERATIONS, EDITS = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
RESPONSES = "/v1/responses"
MCP = "/mcp"
REPLAYED = {"type": "image_generation_call", "id": "ig_1", "result": base64.b64encode(PNG).decode()}
ATTACHED = [{"type": "text", "text": "Draw 一只猫"}, {"type": "image_url", "image_url": {"url": PNG_URL}}]

ANSWERED = {"role": "assistant", "content": f"Here's the result:\n\n![Generated Image]({PNG_URL})"}


def form(write: written.FormWriter, *fields: written.Field) -> tuple[str, dict[str, Any]]:
    """An edit in a form written by this platform."""
    content_type, body = write([("prompt", None, None, DRAWN.encode()), *fields])
    return EDITS, {"content": body, "headers": {"content-type": content_type}}


def tool(name: str, *, streamed: bool = False, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """A tool call from a host with or without progress notifications."""
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": 1}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    accept = "text/event-stream" if streamed else "application/json"
    return MCP, {"json": body, "headers": {"accept": accept}}


REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a chat": (CHAT, {"json": chat_body(DRAWN)}),
    "a chat, streamed at once": (CHAT, {"json": chat_body(DRAWN, stream=True)}),
    "a chat, streamed as it comes": (CHAT, {"json": chat_body(f"{DRAWN} [[delay 1500ms]]", stream=True)}),
    "a chat that could not be stored": (CHAT, {"json": chat_body(f"{DRAWN} 🐈 [[put 500]]")}),
    "a chat with the picture beside it": (CHAT, {"json": chat_body(DRAWN, modalities=["image", "text"])}),
    "a chat with a picture in it": (CHAT, {"json": {"messages": [{"role": "user", "content": ATTACHED}]}}),
    "a picture in base64": (GENERATIONS, {"json": {"prompt": DRAWN, "response_format": "b64_json"}}),
    "a picture in base64, streamed": (GENERATIONS, {"json": {"prompt": f"{DRAWN} [[delay 1500ms]]", "stream": True}}),
    "a response": (RESPONSES, {"json": {"input": DRAWN}}),
    "a response, streamed as it comes": (RESPONSES, {"json": {"input": f"{DRAWN} [[delay 1500ms]]", "stream": True}}),
    "a response after another": (RESPONSES, {"json": {"input": [REPLAYED, {"role": "user", "content": DRAWN}]}}),
    "an edit of a response's picture": (
        RESPONSES,
        {"json": {"input": [REPLAYED, {"role": "user", "content": f"{DRAWN} --edit"}]}},
    ),
    "a chat after an answer": (CHAT, {"json": {"messages": [ANSWERED, {"role": "user", "content": DRAWN}]}}),
    "an edit, as a form": (EDITS, {"data": {"prompt": DRAWN}, "files": {"image": PNG}}),
    "an edit, as a form of .NET": form(written.FORMS[".NET"], ("image", "s.png", "image/png", PNG)),
    "an edit whose boundary is hard to find": form(
        written.FORMS["a script"], ("image", None, None, picture(b"-" * 3000))
    ),
    "an edit with a text that is a picture": form(
        written.FORMS["curl"], ("image", "s.png", "image/png", PNG), ("note", None, None, PNG_URL.encode())
    ),
    "a tool": tool("draw", prompt=DRAWN),
    "a tool with a preview": tool("draw", prompt=f"{DRAWN} [[cut less]]"),
    "a tool, streamed as it comes": tool("draw", prompt=f"{DRAWN} [[delay 1500ms]]", streamed=True),
    "a tool whose picture could not be stored": tool("draw", prompt=f"{DRAWN} [[put 500]]"),
    "a tool with a picture": tool("edit", prompt=DRAWN, images=[PNG_URL]),
    **{
        f"a picture of another maker's, as {form}": (
            GENERATIONS,
            {"json": {"prompt": f"{DRAWN} [[{mark}]]", "model": "google/nano-banana"}},
        )
        for form, mark in {
            "a data URL": "form data",
            "base64": "form base64",
            "a link": "link ok",
            "a link without a size": "link chunked",
        }.items()
    },
    **{
        f"an edit with {model}": (EDITS, {"json": {"prompt": DRAWN, "model": model, "image": PNG_URL}})
        for model in ("flux-1-kontext-pro", "flux-2-max")
    },
    "an edit, as JSON": (EDITS, {"json": {"prompt": DRAWN, "images": [{"image_url": PNG_URL}]}}),
}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_no_picture_passes_through_python(
    bare: Workerd, deployment: str, request_: tuple[str, dict[str, Any]]
) -> None:
    """Whether drawn, sent, cropped or returned: its bytes stay in JavaScript."""
    path, options = request_
    async with bare.caller(deployment) as caller:
        response = await caller.post(path, **options)
        assert response.status_code == 200, response.text[:300]
        assert await part_in_python(caller) < MAX_PART


async def test_the_preview_of_a_tool_is_made_and_answered_with(bare: Workerd) -> None:
    """Otherwise the cases above would prove nothing. The preview contains the filler."""
    path, options = REQUESTS["a tool with a preview"]
    sizes = []
    for deployment in (WITH_IMAGES, BINDING):
        async with bare.caller(deployment) as caller:
            image, *_ = (await caller.post(path, **options)).json()["result"]["content"]
            data = base64.b64decode(image["data"])
            sizes.append(len(data))
            assert data.count(FILLER) * len(FILLER) > MAX_PART * KILOBYTES * 1000
    assert sizes[0] < 100_000 < sizes[1] == KILOBYTES * 1000


async def test_no_stored_picture_passes_through_python(caller: httpx.AsyncClient) -> None:
    """Not even when it is fetched again."""
    [link] = links(content(await caller.post(CHAT, json=chat_body(DRAWN))))
    assert len((await caller.get(link)).content) == KILOBYTES * 1000
    assert await part_in_python(caller) < MAX_PART


async def test_no_stored_picture_passes_through_python_to_be_edited(caller: httpx.AsyncClient) -> None:
    """It is passed directly from KV to the model."""
    small = {"prompt": DRAWN, "model": "klein", "size": "256x256"}
    url = (await caller.post(GENERATIONS, json={**small, "response_format": "url"})).json()["data"][0]["url"]
    response = await caller.post(EDITS, json={**small, "images": [url]})
    assert response.status_code == 200, response.text[:300]
    assert await part_in_python(caller) < MAX_PART


async def modules(caller: httpx.AsyncClient) -> set[str]:
    """All modules that Python has imported."""
    return set((await caller.get("/modules")).json())


async def test_no_module_is_imported_without_a_reason(bare: Workerd, caller: httpx.AsyncClient, tmp_path: Path) -> None:
    """Compared with a hello-world Worker, at start-up and after any request."""
    strange: list[tuple[str, dict[str, Any]]] = [
        (CHAT, {"json": chat_body("🐈 猫 " * 900)}),
        (CHAT, {"json": chat_body("A cat [[fault 3040]]")}),
        (CHAT, {"content": b"{"}),
        (EDITS, {"content": b'{"prompt": "\\udc00"}'}),
        (MCP, {"content": b"{"}),
        (MCP, {"json": {}, "headers": {"mcp-name": "=?base64?ZHJhdw==?="}}),
    ]
    for path, options in (*REQUESTS.values(), *strange):
        await caller.post(path, **options)
    for path in ("/v1/models", "/v1/models/flux", "/image/x", "/health", "/nothing"):
        await caller.get(path)
    ours = {name for name in await modules(caller) if name.split(".")[0] != "flux"}
    with Workerd(tmp_path / "hello", {BINDING: {}}, probed(WORKERS / "hello")) as greeter:
        async with greeter.caller(BINDING) as other:
            hello = await modules(other)
    assert ours - hello == REASONS.keys()


async def test_what_passes_through_python_is_found(caller: httpx.AsyncClient, tmp_path: Path) -> None:
    """A prompt is found, and a picture would be after one careless line of code."""
    assert (await caller.post(GENERATIONS, json={"prompt": (FILLER * 900).decode() + DRAWN})).status_code == 200
    assert await part_in_python(caller) > 0
    source = shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    module = source / "flux" / "edge" / "js_bytes.py"
    module.write_text(module.read_text().replace("self.array = array\n", "self.array, _ = array, array.to_bytes()\n"))
    with Workerd(tmp_path / "bare", {BINDING: {}}, probed(source)) as careless:
        async with careless.caller(BINDING) as victim:
            await victim.post(CHAT, json=chat_body(DRAWN))
            assert await part_in_python(victim) > MAX_PART
