"""Pictures that stay: after a reload, in other tabs, when storage is full, and not at all where that is wanted."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.conftest import Open
from tests.browser.playground import LUCID, SHARE, Playground

KEPT = """new Promise((resolve) => {
    const opened = indexedDB.open("flux-image-api", 1);
    opened.onsuccess = () => {
        const all = opened.result.transaction("pictures").objectStore("pictures").getAll();
        all.onsuccess = () => { opened.result.close(); resolve(all.result.map(({ wish }) => wish.prompt)); };
    };
})"""
"""The prompts of what the browser's store holds."""


FULL = """() => {
    const { put, delete: remove } = IDBObjectStore.prototype;
    let room = false;
    IDBObjectStore.prototype.delete = function (...given) { room = true; return remove.apply(this, given); };
    IDBObjectStore.prototype.put = function (...given) {
        if (!room) throw new DOMException("full", "QuotaExceededError");
        room = false;
        return put.apply(this, given);
    };
}"""
"""A storage without room, until something is deleted. Chromium promises 10 GB more than is used, whatever DevTools'
`Storage.overrideQuotaForOrigin` says, so that no test can fill it."""


@pytest.fixture
def page(open_page: Open) -> Playground:
    page = open_page(accept_downloads=True)
    page.connect()
    return page


def reload(page: Page) -> None:
    page.reload()
    page.locator("#health[data-state]").wait_for()


def test_pictures_and_the_form_outlive_a_reload(page: Playground, service: str) -> None:
    """Pictures are read once: the page asks the service for none of them again."""
    page.wish("A quiet harbour", model=LUCID, ratio="3:2", seed="41")
    page.draw()
    page.wish("Something else", model="@cf/leonardo/phoenix-1.0", ratio="9:16", negative="boats", width="640")
    page.at("#format").select_option("webp")
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    reload(page.page)
    expect(page.at("#gallery li")).to_have_count(1)
    expect(page.at("#prompt")).to_have_value("Something else")
    expect(page.at("[name=ratio]:checked")).to_have_value("9:16")
    expect(page.at("#more")).to_have_attribute("open", "")
    for name, value in (("negative", "boats"), ("width", "640"), ("format", "webp"), ("seed", "41")):
        expect(page.at(f"#{name}")).to_have_value(value)
    page.at("#gallery button").click()
    assert page.natural_size() == (768, 512)
    expect(page.detail("Seed")).to_have_text("41")
    expect(page.detail("Link expires")).to_have_text("in 30 minutes")
    assert not [url for url in asked if url.startswith(f"{service}/image/")]
    page.connect()
    expect(page.at("#model")).to_have_value("@cf/leonardo/phoenix-1.0")


def test_two_tabs_show_the_same_pictures(page: Playground, service: str) -> None:
    other = Playground(page.page.context.new_page(), service)
    page.wish("A quiet harbour")
    page.draw()
    expect(other.at("#gallery li")).to_have_count(1)
    other.at("#gallery button").click()
    other.button("Delete").click()
    other.at("#question-yes").click()
    expect(page.at("#gallery li")).to_have_count(0)
    assert other.errors == []


def draw_one_of_two(page: Playground) -> None:
    """Draw with two models, of which one never answers, until the other one's picture is there."""
    page.wish("A harbour [[hang on flux-1-schnell]]", model=LUCID)
    page.more()
    page.at("#also").get_by_text("FLUX.1 [schnell]").check()
    page.at("#draw").click()
    expect(page.at("#frame .picture")).to_have_count(1)
    expect(page.at("#frame .busy")).to_have_count(1)


def test_a_reload_in_the_middle_of_a_drawing_keeps_what_has_come(page: Playground) -> None:
    draw_one_of_two(page)
    reload(page.page)
    expect(page.at("#gallery li")).to_have_count(1)
    expect(page.at("#draw-label")).to_have_text("Draw")


def test_favourites_stay_when_the_storage_is_full_and_the_oldest_others_go(page: Playground) -> None:
    for prompt in ("Oldest", "Second", "Third"):
        page.wish(prompt, model=LUCID)
        page.draw()
    page.at("#gallery button").last.click()
    page.button("Favourite").click()
    expect(page.at("#favourite")).to_have_attribute("aria-pressed", "true")
    expect(page.at("#gallery li").last).to_contain_text("★")
    page.page.evaluate(FULL)
    page.wish("Newest", model=LUCID)
    page.at("#draw").click()
    expect(page.at("#gallery-note")).to_have_text("Storage full: the oldest pictures were deleted.")
    kept = [prompt.split()[0] for prompt in page.page.evaluate(KEPT)]
    assert "Oldest" in kept
    assert "Second" not in kept


def test_a_store_that_fails_otherwise_loses_no_picture(page: Playground) -> None:
    page.wish("Oldest", model=LUCID)
    page.draw()
    page.page.evaluate(FULL.replace("QuotaExceededError", "UnknownError"))
    page.wish("Newest", model=LUCID)
    page.draw()
    expect(page.detail("Kept")).to_have_text("only in this tab")
    assert page.page.evaluate(KEPT) == ["Oldest"]
    expect(page.at("#gallery li")).to_have_count(2)


def test_one_picture_or_all_can_be_deleted_and_exported(page: Playground, tmp_path: Path) -> None:
    for prompt in ("One boat", "Two boats"):
        page.wish(prompt, model=LUCID)
        page.draw()
    downloads: list[Download] = []

    def is_last(download: Download) -> bool:
        downloads.append(download)
        return len(downloads) == 3

    with page.page.expect_event("download", is_last):
        page.button("Export all").click()
    files = {download.suggested_filename: download.path().read_bytes() for download in downloads}
    assert set(files) == {"2-Two-boats.jpg", "1-One-boat.jpg", "settings.json"}
    assert files["1-One-boat.jpg"].startswith(b"\xff\xd8")
    assert [one["prompt"] for one in json.loads(files["settings.json"])] == ["Two boats", "One boat"]
    page.button("Delete").click()
    page.at("#question").get_by_text("Cancel").click()
    expect(page.at("#gallery li")).to_have_count(2)
    page.button("Delete all").click()
    page.at("#question-yes").click()
    expect(page.at("#gallery li")).to_have_count(0)
    assert page.page.evaluate(KEPT) == []


def test_nothing_is_kept_where_that_is_switched_off(page: Playground) -> None:
    page.wish("A boat")
    page.draw()
    page.at("#keep").uncheck()
    page.at("#question-yes").click()
    page.wish("A river")
    page.draw()
    expect(page.detail("Kept")).to_have_text("only in this tab")
    assert page.page.evaluate(KEPT) == []
    assert page.page.evaluate("localStorage.getItem('form')") is None
    reload(page.page)
    expect(page.at("#gallery li")).to_have_count(0)
    expect(page.at("#prompt")).to_have_value("")
    expect(page.at("#keep")).not_to_be_checked()


def test_forgetting_the_key_offers_to_delete_the_pictures(page: Playground) -> None:
    page.wish("A boat")
    page.draw()
    page.at("#key-button").click()
    page.button("Forget").click()
    expect(page.at("#question-text")).to_have_text("Delete from this browser? Pictures: 1")
    page.at("#question-yes").click()
    expect(page.at("#gallery li")).to_have_count(0)
    expect(page.at("#need-key")).to_be_visible()


def test_a_stopped_drawing_keeps_what_has_come(page: Playground) -> None:
    """And a failure does not take away the pictures of the same request that were drawn."""
    draw_one_of_two(page)
    page.page.keyboard.press("Escape")
    expect(page.at("#draw-label")).to_have_text("Draw")
    expect(page.picture).to_be_visible()
    expect(page.at("#gallery li")).to_have_count(1)


def test_a_picture_of_several_that_fails_leaves_the_others(page: Playground) -> None:
    """Each model draws for itself, named in its place; what failed can be tried again alone."""
    page.wish("A harbour [[fault 3043 on phoenix]]", model=LUCID)
    page.more()
    page.at("#also").get_by_text("Phoenix 1.0").check()
    page.at("#draw").click()
    expect(page.at(".failed")).to_contain_text("could not be drawn")
    expect(page.at(".failed .caption")).to_have_text("Phoenix 1.0")
    expect(page.at("#frame .picture")).to_have_count(1)
    expect(page.at("#gallery li")).to_have_count(1)
    assert page.violations() == []
    page.at("#retry").click()
    expect(page.at("#frame .slot")).to_have_count(1)
    expect(page.at(".failed")).to_have_count(1)
    models = sorted(drawing["model"].rsplit("/")[-1] for drawing in page.drawings)
    assert models == ["lucid-origin", "phoenix-1.0", "phoenix-1.0"]


ARRIVALS = """() => {
    window.arrivals = [];
    new MutationObserver(() => {
        const seen = document.querySelectorAll("#frame .picture").length;
        while (window.arrivals.length < seen) window.arrivals.push(performance.now());
    }).observe(document.getElementById("frame"), { childList: true, subtree: true });
}"""
"""Notes the milliseconds at which each picture stands in its place."""


def test_pictures_of_one_request_appear_as_they_come_and_stay_when_a_later_one_fails(page: Playground) -> None:
    page.page.evaluate(ARRIVALS)
    page.wish("A harbour [[fault 3040 x3]]", model=LUCID, n=2)  # one of them is asked for a third time, a moment later
    page.at("#draw").click()
    expect(page.at("#frame .picture")).to_have_count(2)
    first, second = page.page.evaluate("window.arrivals")
    assert second - first > 200
    page.wish("A storm [[fault 3030 x1]]", model=LUCID, n=2)
    page.at("#draw").click()
    expect(page.at(".failed")).to_contain_text("The safety filter refused this prompt.")
    expect(page.problem).to_contain_text("The safety filter refused this prompt.")
    expect(page.at("#frame .picture")).to_have_count(1)
    expect(page.picture).to_be_visible()
    expect(page.at("#gallery li")).to_have_count(3)


def test_the_pictures_are_there_without_a_network(page: Playground) -> None:
    page.wish("A quiet harbour", model=LUCID, ratio="3:2")
    page.draw()
    page.wish("Two boats", model=LUCID)
    page.draw()
    page.page.context.set_offline(True)
    page.at("#gallery button").last.click()
    expect(page.picture).to_have_attribute("alt", "A quiet harbour")
    assert page.natural_size() == (768, 512)
    with page.page.expect_download() as downloading:
        page.at("#download").click()
    assert downloading.value.path().read_bytes().startswith(b"\xff\xd8")


def test_a_picture_is_shared_where_the_browser_can(page: Playground) -> None:
    page.wish("A boat")
    page.draw()
    expect(page.at("#share")).to_be_hidden()
    page.page.evaluate(SHARE)
    page.at("#gallery button").click()
    page.button("Share").click()
    name, kind, size = page.page.evaluate("window.shared")
    assert (name, kind) == ("A-boat.jpg", "image/jpeg")
    assert size > 1000
