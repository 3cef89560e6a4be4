"""The page as a person meets it."""

import json
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.npm import NODE_MODULES

KEY = "browser-key"
SCHNELL = "@cf/black-forest-labs/flux-1-schnell"
SDXL = "@cf/stabilityai/stable-diffusion-xl-base-1.0"
LUCID = "@cf/leonardo/lucid-origin"
"""A model that takes sizes, steps and seeds; the default takes steps alone."""

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

REFUSED = "Failed to load resource: "
"""What Chromium itself writes into the console for every answer of 400 and above, and for a lost connection."""


class Playground:
    """An open page, and what it did: its errors, the hosts it asked and the drawings it sent."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.host = urlsplit(url).netloc
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.drawings: list[dict[str, Any]] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._see)
        page.goto(url)
        self.at("#health[data-state]").wait_for()  # the last thing that the page does by itself

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.errors.append(message.text)

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https"):
            self.hosts.add(parts.netloc)
        if parts.path.endswith("/chat/completions") and request.post_data:
            self.drawings.append(json.loads(request.post_data))

    # --- what is on it ----------------------------------------------------------------------------

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    @property
    def picture(self) -> Locator:
        """The one that is looked at."""
        return self.at("#frame .chosen img")

    @property
    def problem(self) -> Locator:
        return self.at("#problem")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def detail(self, name: str) -> Locator:
        """What the page tells of the picture under this label."""
        return self.at("#details div").filter(has=self.page.locator(f"dt:text-is('{name}')")).locator("dd")

    # --- what a person does -----------------------------------------------------------------------

    def connect(self, key: str = KEY, *, remember: bool = False) -> None:
        """Type a key into the dialog, which is opened where it is not open, and wait for the answer."""
        if not self.at("#key-dialog").is_visible():
            self.at("#key-button").click()
        self.at("#key").fill(key)
        self.at("#remember").set_checked(remember)
        self.at("#key-connect").click()
        if key == KEY:
            expect(self.at("#key-dialog")).to_be_hidden()  # what lies under it cannot be typed into
        else:
            expect(self.at("#key-problem")).not_to_be_empty()

    def more(self) -> None:
        """Unfold the other options."""
        if self.at("#more").get_attribute("open") is None:
            self.at("#more summary").click()

    def wish(self, prompt: str, *, model: str = "", ratio: str = "", n: int = 0, **fields: str) -> None:
        """Fill in the form; what is left out stays as it is."""
        if fields:
            self.more()
        self.at("#prompt").fill(prompt)
        if model:
            self.at("#model").select_option(model)
        if ratio:
            self.at("#ratios").get_by_text(ratio, exact=True).click()
        if n:
            self.at("#counts").get_by_text(str(n), exact=True).click()
        for name, value in fields.items():
            self.at(f"#{name}").fill(value)

    def draw(self) -> None:
        """Press the button and wait for the picture."""
        before = self.at("#gallery li").count()
        self.at("#draw").click()
        expect(self.at("#gallery li").nth(before)).to_be_attached()
        expect(self.at("#draw-label[data-t=draw]")).to_be_attached()
        expect(self.picture).to_be_visible()

    def natural_size(self) -> tuple[int, int]:
        """Pixels of the picture itself."""
        width, height = self.picture.evaluate("picture => [picture.naturalWidth, picture.naturalHeight]")
        return width, height

    # --- what a test looks at ---------------------------------------------------------------------

    def violations(self) -> list[str]:
        """What axe finds: the rule and where."""
        self.page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text())
        found = self.page.evaluate("tags => axe.run({runOnly: tags})", WCAG)
        return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider
