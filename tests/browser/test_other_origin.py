"""OpenAI's SDK for JavaScript in a page of another origin: its preflights and what its answers expose are real."""

import base64
import functools
import http.server
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser

from dev import BIN, serve
from tests import npm
from tests.browser.playground import KEY, LUCID
from tests.serving import serving

PAGE = '<!doctype html><meta charset="utf-8"><title>Elsewhere</title><script type="module" src="openai.js"></script>'
ENTRY = 'import OpenAI from "openai"; globalThis.OpenAI = OpenAI;'
KLEIN = "@cf/black-forest-labs/flux-2-klein-4b"
"""Takes pictures in."""

Run = Callable[..., Any]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, and no word on the terminal."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a page that has the SDK, unmodified and bundled, on a port and so an origin of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "index.html").write_text(PAGE)
    subprocess.run(
        [BIN / "esbuild", "--bundle", "--format=esm", "--log-level=warning", f"--outfile={folder / 'openai.js'}"],
        input=ENTRY,
        cwd=npm.FOLDER,  # whose node_modules have the SDK
        text=True,
        check=True,
    )
    with serving(functools.partial(Quiet, directory=str(folder))) as url:
        yield url


@pytest.fixture
def run(browser: Browser, elsewhere: str, service: str) -> Iterator[Run]:
    """Runs a function of `client` and one argument in that page."""
    page = browser.new_page()
    page.goto(elsewhere)
    page.wait_for_function("() => Boolean(globalThis.OpenAI)")

    def run_it(function: str, argument: object = None, *, key: str = KEY) -> Any:
        settings = {"baseURL": f"{service}/v1", "apiKey": key, "dangerouslyAllowBrowser": True, "maxRetries": 0}
        return page.evaluate(
            f"([settings, argument]) => ({function})(new OpenAI(settings), argument)", [settings, argument]
        )

    yield run_it
    page.close()


def size_of(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_its_requests_are_preflighted(run: Run, worker: serve.Server, elsewhere: str) -> None:
    """The browser asks for leave first, for headers that no simple request may have; the Worker's log has seen it."""
    sent = run(
        """async (client) => {
            const names = [];
            const watched = client.withOptions({ fetch: (url, init) => {
                names.push(...new Headers(init.headers).keys());
                return fetch(url, init);
            } });
            await watched.models.list();
            return names;
        }"""
    )
    assert {"authorization", "x-stainless-lang", "x-stainless-runtime"} <= set(sent)
    lines = [json.loads(line) for line in worker.log_path.read_text().splitlines() if line.startswith('{"request_id"')]
    assert any(line["method"] == "OPTIONS" for line in lines)
    asked = httpx.options(
        f"{worker.url}/v1/models",
        headers={
            "origin": elsewhere,
            "access-control-request-method": "GET",
            "access-control-request-headers": ",".join(sorted(sent)),
        },
    )
    assert asked.headers["access-control-allow-headers"] == ",".join(sorted(sent))


def test_it_lists_and_retrieves_the_models(run: Run) -> None:
    ids = run("async (client) => (await client.models.list()).data.map((model) => model.id)")
    assert LUCID in ids
    assert run("async (client, id) => (await client.models.retrieve(id)).id", LUCID) == LUCID


def test_a_chat_brings_a_picture(run: Run) -> None:
    content = run(
        """async (client, messages) => {
            const completion = await client.chat.completions.create({ model: "flux", messages });
            return completion.choices[0].message.content;
        }""",
        [{"role": "user", "content": "A quiet harbour 3:2"}],
    )
    link = content.rpartition("](")[2].removesuffix(")")
    assert size_of(httpx.get(link).content) == (768, 512)


def test_a_streamed_chat_brings_the_lines_and_then_the_picture(run: Run) -> None:
    parts, reasons, usage = run(
        """async (client, messages) => {
            const request = { model: "flux", messages, stream: true, stream_options: { include_usage: true } };
            const parts = [];
            const reasons = [];
            let usage;
            for await (const chunk of await client.chat.completions.create(request)) {
                const choice = chunk.choices[0];
                if (choice?.delta.content) parts.push(choice.delta.content);
                if (choice?.finish_reason) reasons.push(choice.finish_reason);
                usage = chunk.usage ?? usage;
            }
            return [parts, reasons, usage];
        }""",
        [{"role": "user", "content": "A quiet harbour 3:2"}],
    )
    assert parts[0] == "🎨 Original prompt: A quiet harbour 3:2\n"
    assert parts[-1].startswith("![Generated Image](")
    assert reasons == ["stop"]
    assert usage["total_tokens"] > 0
    link = parts[-1].rpartition("](")[2].removesuffix(")")
    assert size_of(httpx.get(link).content) == (768, 512)


def test_the_link_can_be_read_from_another_origin(run: Run) -> None:
    """As an app does that keeps pictures itself: fetched by a script, not shown by an <img>."""
    size, kind = run(
        """async (client) => {
            const images = await client.images.generate({ prompt: "A quiet harbour", response_format: "url" });
            const blob = await (await fetch(images.data[0].url)).blob();
            return [blob.size, blob.type];
        }"""
    )
    assert size > 1000
    assert kind == "image/jpeg"


def test_images_are_generated(run: Run) -> None:
    pictures = run(
        """async (client, model) => {
            const request = { model, prompt: "A quiet harbour", n: 2, size: "768x512", response_format: "b64_json" };
            return (await client.images.generate(request)).data.map((image) => image.b64_json);
        }""",
        LUCID,
    )
    assert [size_of(base64.b64decode(one)) for one in pictures] == [(768, 512)] * 2


def test_images_are_generated_in_a_stream(run: Run) -> None:
    events = run(
        """async (client, model) => {
            const events = [];
            const request = { model, prompt: "A quiet harbour", size: "512x512", stream: true };
            for await (const event of await client.images.generate(request)) events.push([event.type, event.b64_json]);
            return events;
        }""",
        LUCID,
    )
    [(kind, data)] = events
    assert kind == "image_generation.completed"
    assert size_of(base64.b64decode(data)) == (512, 512)


def test_a_picture_is_edited(run: Run) -> None:
    """A form with a file in it, as a browser sends one."""
    given = io.BytesIO()
    Image.new("RGB", (256, 256), "teal").save(given, "PNG")
    data = run(
        """async (client, [model, base64]) => {
            const image = new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "in.png");
            const request = { model, image, prompt: "The same at night", response_format: "b64_json" };
            return (await client.images.edit(request)).data[0].b64_json;
        }""",
        [KLEIN, base64.b64encode(given.getvalue()).decode()],
    )
    assert size_of(base64.b64decode(data)) == (1024, 1024)


def test_a_refusal_can_be_read(run: Run) -> None:
    """Without CORS on refusals a browser shows a script nothing but a network error."""
    failure = """async (client, prompt) => {
        try {
            await client.images.generate({ prompt });
        } catch (error) {
            return [error.constructor.name, error.status, error.code, error.headers.get("x-request-id")];
        }
    }"""
    kind, status, code, request_id = run(failure, "A boat", key="wrong")
    assert (status, code) == (401, "invalid_api_key")
    assert kind == "AuthenticationError"
    assert request_id
    _, status, code, _ = run(failure, "A boat [[fault 3030]]")
    assert (status, code) == (400, "content_policy_violation")
    _, status, code, _ = run(failure, "A boat [[fault 3036]]")
    assert (status, code) == (429, "insufficient_quota")
