"""Makes the README's two pictures of the page, one of them animated: `python -m tests.browser.readme_pictures`.

Run it after the page changed. The font is the machine's own sans-serif: fonts-inter and a line in fontconfig make the
pictures look as on a usual desktop.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, sync_playwright

from dev import ROOT, serve
from tests.browser import chromium
from tests.browser.playground import KEY, LUCID, Playground

DOCS = ROOT / "docs"
WISHES = (("A lighthouse at dusk, oil painting", "9:16"), ("A tiny greenhouse, isometric", "1:1"))
LAST = ("A red fox in the snow", "4:3")
MARGIN = 16
"""Pixels around what is photographed."""
COLORS = 256
"""Enough for flat areas and soft edges, at a third of the bytes."""
REST_MS = 1500
"""Until the picture has faded in and the page has come to rest."""

TYPED = "A red fox in the snow, watercolour"
TYPED_AT_ONCE = 5
"""Letters of a frame."""
TYPING_MS, DRAWING_MS, END_MS = 150, 120, 3000
"""How long a frame is shown: while the prompt is typed, while the picture is drawn, and at the end."""
DRAWING_FRAMES = 25
WIDTH = 640
"""Pixels of the animated picture; the page is twice as wide."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.FLAGS))
        with serve.start(Path(folder), vars={"API_KEY": KEY}) as worker:
            url = worker.url
            desk = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
            film(Playground(desk.new_page(), url), DOCS / "page.webp")
            hand = browser.new_context(
                viewport={"width": 390, "height": 844},
                color_scheme="dark",
                device_scale_factor=2,
                is_mobile=True,
                has_touch=True,
            )
            take(Playground(hand.new_page(), url), DOCS / "page-dark.png", top=".wall")
        browser.close()


def film(page: Playground, path: Path) -> None:
    """Type a prompt, choose a ratio, draw, and write what was seen as an animated WebP."""
    page.connect()
    page.wish("", model=LUCID, ratio="1:1")
    frames: list[tuple[Image.Image, int]] = []

    def shoot(milliseconds: int) -> None:
        shot = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
        frames.append((shot.resize((WIDTH, shot.height * WIDTH // shot.width), Image.Resampling.LANCZOS), milliseconds))

    shoot(4 * TYPING_MS)
    for start in range(0, len(TYPED), TYPED_AT_ONCE):
        page.at("#prompt").press_sequentially(TYPED[start : start + TYPED_AT_ONCE])
        shoot(TYPING_MS)
    page.at("#ratios").get_by_text("4:3", exact=True).click()
    shoot(4 * TYPING_MS)
    page.at("#draw").click()
    for _ in range(DRAWING_FRAMES):
        shoot(DRAWING_MS)
    page.picture.wait_for()
    page.page.wait_for_timeout(REST_MS)
    shoot(END_MS)
    images, durations = zip(*frames, strict=True)
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=70, method=6)


def take(page: Playground, path: Path, *, top: str) -> None:
    """Draw some pictures and photograph the page from the element `top` down to the gallery."""
    page.connect()
    for prompt, ratio in WISHES:
        page.wish(prompt, model=LUCID, ratio=ratio)
        page.draw()
    page.at("#optimize").check()
    page.wish(LAST[0], ratio=LAST[1])
    page.draw()
    page.page.evaluate("document.activeElement.blur()")
    page.page.mouse.move(0, 0)
    page.page.wait_for_timeout(REST_MS)
    first, last, width = page.page.evaluate(
        """top => [
            document.querySelector(top).getBoundingClientRect().top + scrollY,
            document.querySelector("#details").getBoundingClientRect().bottom + scrollY,
            innerWidth,
        ]""",
        top,
    )
    y = max(0, first - MARGIN)
    clip: FloatRect = {"x": 0, "y": y, "width": width, "height": last + MARGIN - y}
    shot = Image.open(io.BytesIO(page.page.screenshot(full_page=True, clip=clip))).convert("RGB")
    shot.quantize(COLORS, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
