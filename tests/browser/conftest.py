"""A real browser, and real Workers for it to open."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from dev import ROOT, serve
from tests.browser import chromium
from tests.browser.playground import FIBO, KEY, LUCID, MAX, QWEN, Playground

DRAWING_MS = 20
"""A test in which time is the point asks for its own with `[[delay 2s]]`."""
PATIENCE_MS = 20_000
"""What a busy machine may take until an expectation of a test holds; Playwright's own five seconds are too short."""
SCREENSHOTS = ROOT / ".local" / "screenshots"

Open = Callable[..., Playground]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium.

    For a module and no longer: while Playwright's synchronous interface is open, no asynchronous test can run.
    """
    program = chromium.find()
    if program is None:
        pytest.skip(f"there is no chromium; {chromium.obstacle() or 'install it: python -m tests.browser.chromium'}")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(chromium.FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serve.Server]:
    """The stand-in for Workers AI that all of the Workers below draw with."""
    with serve.stand_in(tmp_path_factory.mktemp("stand-in"), vars={"DELAY_MS": DRAWING_MS}) as server:
        yield server


@pytest.fixture(scope="session")
def worker(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serve.Server]:
    """The Worker as it is deployed, but for the rate limit: no test waits for another's pictures."""
    folder = tmp_path_factory.mktemp("worker")
    variables = {"API_KEY": KEY, "COUNT_USAGE": "true"}
    with serve.start(folder, ai=stand_in, vars=variables, changes={"ratelimits": None}) as server:
        yield server


@pytest.fixture(scope="session")
def service(worker: serve.Server) -> str:
    """Its URL."""
    return worker.url


@pytest.fixture(scope="session")
def bare_service(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Worker that can keep nothing and cut nothing."""
    changes = {"kv_namespaces": None, "images": None}
    with serve.start(tmp_path_factory.mktemp("bare"), ai=stand_in, vars={"API_KEY": KEY}, changes=changes) as server:
        yield server.url


@pytest.fixture(scope="session")
def foreign_service(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Worker that answers in Russian, with links to another host, budgets, a fallback and partners."""
    variables = {
        "API_KEY": KEY,
        "RESPONSE_LANGUAGE": "ru",
        "PUBLIC_URL": "https://pictures.example",
        "DAILY_NEURONS": "95000",
        "DAILY_DOLLARS": "5",
        "FLUX_FALLBACK_MODEL": LUCID,
        "PARTNER_MODELS": f"{QWEN}, {MAX}, {FIBO}",
    }
    with serve.start(tmp_path_factory.mktemp("foreign"), ai=stand_in, vars=variables) as server:
        yield server.url


@pytest.fixture
def open_page(browser: Browser, service: str) -> Iterator[Open]:
    """Opens the page in a browser of its own: `open_page(width=360, color_scheme="dark", locale="ja")`.

    At the end every one of them must have been without errors and without requests to another host.
    """
    opened: list[tuple[BrowserContext, Playground]] = []

    def open_it(url: str = service, *, width: int = 1280, height: int = 900, **options: Any) -> Playground:
        context = browser.new_context(
            viewport={"width": width, "height": height}, **{"locale": "en-GB", "reduced_motion": "reduce", **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        playground = Playground(context.new_page(), url)
        opened.append((context, playground))
        return playground

    yield open_it
    for context, playground in opened:
        context.close()
        assert playground.errors == []
        assert playground.hosts <= {playground.host}


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pictures of the page's states go."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
