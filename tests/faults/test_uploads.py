"""Bodies that arrive late, incompletely or too large, sent byte by byte: each is answered, and the answer arrives."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from http.client import HTTPException

import pytest

from bench import runtime
from dev import ROOT
from tests.faults.cases import BINDING, CHAT, GENERATIONS
from tests.soak.fuzz import EDITS, MIB, Answer, read_answer
from tests.workerd import KEY, Workerd

RESPONSES = "/v1/responses"
PATIENCE_SECONDS = 30
IDLE_SECONDS = 2
"""Instead of 30."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """A Worker with this shorter time limit."""
    folder = tmp_path_factory.mktemp("hasty")
    source = shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    module = source / "flux" / "http.py"
    text = module.read_text()
    assert "\nIDLE_SECONDS = 30\n" in text
    module.write_text(text.replace("\nIDLE_SECONDS = 30\n", f"\nIDLE_SECONDS = {IDLE_SECONDS}\n"))
    with Workerd(folder / "bare", {BINDING: {}}, runtime.python("hasty", source)) as running:
        yield running


def head(path: str, length: int | None, *, key: str = KEY, kind: str = "application/json") -> bytes:
    """The head of a request with a body of this length, or in chunks if there is none."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = (f"POST {path} HTTP/1.1", "host: flux.example", f"authorization: Bearer {key}", f"content-type: {kind}")
    return "\r\n".join((*lines, framing, "", "")).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def heard(client: socket.socket) -> Answer:
    """The next answer."""
    client.settimeout(PATIENCE_SECONDS)
    data = b""
    while part := client.recv(2**16):
        data += part
        with suppress(HTTPException, ValueError):
            if answer := read_answer(data, "POST"):
                return answer
    raise AssertionError(f"hung up after {data!r}")


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["error"]["code"]


def connected(bare: Workerd) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE_SECONDS)
    client.connect(str(bare.socket(BINDING)))
    return client


# --- incomplete bodies ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CHAT, GENERATIONS, EDITS, RESPONSES])
@pytest.mark.parametrize("length", [1000, 10 * MIB, None])
def test_a_body_that_does_not_come_is_a_time_out(hasty: Workerd, path: str, length: int | None) -> None:
    """Announced or begun, but never finished. It may be sent once more."""
    with connected(hasty) as client:
        began = time.monotonic()
        client.sendall(head(path, length) + (b'{"prom' if length else chunk(b'{"prom')))
        answer = heard(client)
        assert IDLE_SECONDS - 0.5 < time.monotonic() - began < IDLE_SECONDS + 5
    assert error(answer) == (408, "request_timeout")
    assert answer.header("x-should-retry") == "true"


def test_a_form_that_does_not_come_is_a_time_out(hasty: Workerd) -> None:
    with connected(hasty) as client:
        client.sendall(head(EDITS, 10 * MIB, kind="multipart/form-data; boundary=B") + b"--B\r\n")
        assert error(heard(client)) == (408, "request_timeout")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_slow_upload_that_goes_on_is_not_ended(hasty: Workerd, *, chunked: bool) -> None:
    """However long it takes in total."""
    body = json.dumps({"prompt": "a slow cat"}).encode()
    with connected(hasty) as client:
        client.sendall(head(GENERATIONS, None if chunked else len(body)))
        for byte in (body[at : at + 3] for at in range(0, len(body), 3)):
            client.sendall(chunk(byte) if chunked else byte)
            time.sleep(IDLE_SECONDS / 4)
        client.sendall(b"0\r\n\r\n" if chunked else b"")
        assert heard(client).status == 200


# --- errors during an upload ----------------------------------------------------------------------

SIZES = {"6 MB": 6_000_000, "8 MiB": 8 * MIB - 2 * MIB // 16}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize(
    ("path", "key", "refusal"),
    [
        (CHAT, "wrong", (401, "invalid_api_key")),
        (EDITS, "wrong", (401, "invalid_api_key")),
        ("/nowhere", KEY, (404, "not_found")),
        ("/v1/models", KEY, (405, "method_not_allowed")),
        (CHAT, KEY, (413, "request_too_large")),
        (GENERATIONS, KEY, (413, "request_too_large")),
        (EDITS, KEY, (413, "request_too_large")),
    ],
)
def test_a_refusal_reaches_a_client_that_sends_all_before_it_reads(
    bare: Workerd, path: str, key: str, refusal: tuple[int, str], size: int, *, chunked: bool
) -> None:
    """The connection stays open as well: the next request uses it."""
    with connected(bare) as client:
        for _ in range(2):
            client.sendall(head(path, None if chunked else size, key=key))
            for at in range(0, size, 2**16):
                piece = b"a" * min(2**16, size - at)
                client.sendall(chunk(piece) if chunked else piece)
            client.sendall(b"0\r\n\r\n" if chunked else b"")
            assert error(heard(client)) == refusal


def test_a_refused_body_is_not_read_for_ever(bare: Workerd) -> None:
    """After a few megabytes or seconds the answer is sent, although the client is still sending."""
    for length, pause in ((10**9, 0.0), (10**9, 0.5)):
        with connected(bare) as client:
            began = time.monotonic()
            client.sendall(head(CHAT, length))
            sent = 0
            with suppress(BrokenPipeError):
                while time.monotonic() - began < PATIENCE_SECONDS:
                    client.sendall(b"a" * 2**16)
                    sent += 2**16
                    time.sleep(pause)
            assert error(heard(client)) == (413, "request_too_large")
            assert sent < 10 * MIB
            assert time.monotonic() - began < 8


@pytest.mark.parametrize("length", [1, 10 * MIB, None])
def test_a_refusal_does_not_wait_for_a_body_that_is_not_sent(bare: Workerd, length: int | None) -> None:
    """It is sent after half a second of silence; a client that is sending gets five seconds."""
    with connected(bare) as client:
        began = time.monotonic()
        client.sendall(head(CHAT, length, key="wrong"))
        assert error(heard(client)) == (401, "invalid_api_key")
        assert time.monotonic() - began < 4


def test_a_refusal_waits_some_seconds_for_a_body_that_has_begun(bare: Workerd) -> None:
    with connected(bare) as client:
        began = time.monotonic()
        client.sendall(head(CHAT, 10 * MIB, key="wrong") + b"{")
        assert error(heard(client)) == (401, "invalid_api_key")
        assert 4 < time.monotonic() - began < 8


async def test_who_leaves_while_a_refused_body_is_read_leaves_nothing(bare: Workerd) -> None:
    """It does not count as an error in the service."""

    async def half() -> AsyncIterator[bytes]:
        yield b"a" * MIB
        await asyncio.sleep(PATIENCE_SECONDS)

    async with bare.caller(BINDING, key="wrong") as caller:
        sending = asyncio.create_task(caller.post(CHAT, content=half()))
        await asyncio.sleep(1)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert (await caller.get("/health")).status_code == 200
    for word in ("Traceback", "Uncaught", "never retrieved"):
        assert word not in bare.log()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
async def test_a_body_of_unknown_length_is_read_to_its_end(bare: Workerd, size: int) -> None:
    """Whatever the size of the memory that it is read into."""
    body = b'{"prompt": "a cat", "user": "%s"}' % (b"a" * size)
    async with bare.caller(BINDING) as caller:
        for pieces in ([body], [body[:1], body[1:]], [body[at : at + 1000] for at in range(0, len(body), 1000)]):

            async def sent(pieces: list[bytes] = pieces) -> AsyncIterator[bytes]:
                for piece in pieces:
                    yield piece

            response = await caller.post(GENERATIONS, content=sent())
            assert response.status_code == 200, response.text
