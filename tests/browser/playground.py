"""The page as a person meets it."""

import io
import json
import re
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import ConsoleMessage, FilePayload, Locator, Page, Request, expect

from tests.npm import NODE_MODULES

KEY = "browser-key"
SCHNELL = "@cf/black-forest-labs/flux-1-schnell"
KLEIN = "@cf/black-forest-labs/flux-2-klein-4b"
SDXL = "@cf/stabilityai/stable-diffusion-xl-base-1.0"
LUCID = "@cf/leonardo/lucid-origin"
"""A model that takes sizes, steps and seeds; the default takes steps alone."""
QWEN = "alibaba/qwen-image-3.0-pro"
"""Costs more above a megapixel."""
MAX = "black-forest-labs/flux-2-max"
"""Costs by the megapixel, also for pictures that go in."""
FIBO = "bria/fibo-edit-1.5"
"""Can only edit."""

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

REFUSED = "Failed to load resource: "
"""What Chromium itself writes into the console for every answer of 400 and above, and for a lost connection."""


SHARE = """() => {
    navigator.canShare = ({ files }) => files.length === 1;
    navigator.share = async ({ files: [file] }) => { window.shared = [file.name, file.type, file.size]; };
}"""
"""Web Share, which Chromium on Linux does not have."""


def png(color: str = "teal", size: tuple[int, int] = (64, 64)) -> bytes:
    """A picture to work from."""
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "png")
    return out.getvalue()


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

    def add(self, *pictures: bytes, mime: str = "image/png") -> None:
        """Choose pictures to work from."""
        files = [FilePayload(name=f"{index}.png", mimeType=mime, buffer=data) for index, data in enumerate(pictures)]
        self.at("#source-files").set_input_files(files)

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
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text())
        # It looks for a selector for every element that it reports: not for what is in order.
        found = self.page.evaluate("tags => axe.run({runOnly: tags, resultTypes: ['violations']})", WCAG)
        return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider

    def contrast(self, selector: str) -> float:
        """Of an element's text with its background, as WCAG counts it."""
        style = "one => { const style = getComputedStyle(one); return [style.color, style.backgroundColor]; }"
        low, high = sorted(map(luminance, self.at(selector).evaluate(style)))
        return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    """Of a color as the browser writes it: `rgb(1, 2, 3)`."""
    shares = [int(one) / 255 for one in re.findall(r"\d+", color)[:3]]
    red, green, blue = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
