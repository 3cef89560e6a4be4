"""The reference at /docs, opened in Chromium."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_it_fits_and_can_be_read(open_page: Open, service: str, screenshots: Path, width: int, scheme: str) -> None:
    """With nothing that axe finds, and nothing to scroll sideways for but in tables and listings."""
    page = open_page(width=width, color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"])
    page.page.goto(f"{service}/docs")
    listing = page.at("#createImage .listing").first
    listing.get_by_role("button").click()
    expect(listing.get_by_role("button")).to_have_text("Copied")
    copied = page.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {service}/v1/images/generations ")
    assert "YOUR_API_KEY" in copied
    assert "https://HOST" not in page.at("body").inner_text()
    assert page.overflow() == 0
    if scheme == "dark":  # half a minute for so long a page, and the light theme is the page's own
        assert page.violations() == []
    page.page.screenshot(path=screenshots / f"docs-{width}-{scheme}.png")
    page.page.goto(f"{service}/docs#createImage")
    expect(page.at("#createImage h3")).to_be_in_viewport()
    page.page.screenshot(path=screenshots / f"docs-operation-{width}-{scheme}.png")


def test_every_404_below_v1_leads_to_it(service: str) -> None:
    headers = {"authorization": "Bearer browser-key"}
    for path in ("/v1/nothing", "/v1/audio/speech"):
        message = httpx.get(service + path, headers=headers).json()["error"]["message"]
        assert f"{service}/docs" in message
