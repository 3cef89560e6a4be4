"""The page at `/`, opened in Chromium and used as a person would, against the Worker in real workerd."""

import base64
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, expect

from dev import BIN, ROOT
from tests.browser.conftest import Open
from tests.browser.playground import FIBO, KEY, KLEIN, LUCID, MAX, QWEN, SCHNELL, SDXL, Playground, png

LANGUAGES = {
    "en-GB": ("en", "Draw"),
    "zh-CN": ("zh-CN", "绘制"),
    "zh-HK": ("zh-TW", "繪製"),
    "ja-JP": ("ja", "描く"),
    "es-MX": ("es", "Dibujar"),
    "fr-CA": ("fr", "Dessiner"),
    "ru-RU": ("ru", "Нарисовать"),
    "de-AT": ("de", "Zeichnen"),
    "pt-BR": ("en", "Draw"),
}
"""A browser's language to the page's, and what its button then says."""


# --- the page as it loads -------------------------------------------------------------------------


def test_it_says_that_the_service_runs_and_how_to_reach_it(open_page: Open, service: str) -> None:
    page = open_page()
    version = httpx.get(f"{service}/health").json()["version"]
    expect(page.at("#state")).to_have_text(f"Running {version}")
    expect(page.at("#base-url")).to_have_text(f"{service}/v1")
    for link in page.at(".links a").all():
        assert httpx.get(f"{service}{link.get_attribute('href')}", follow_redirects=True).status_code == 200


POLICY = {
    **dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'"),
    **dict.fromkeys(("script-src", "style-src", "manifest-src"), "'self'"),
    "img-src": "'self' blob: data:",
    "connect-src": "'self' data:",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def test_its_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(service: str) -> None:
    """What is promised is checked in the header and in the page: no style, script or handler stands in the HTML."""
    for path in ("/", "/page/main.js", "/openapi.json"):
        answer = httpx.get(service + path)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    html = httpx.get(service).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)


def test_the_policy_is_enforced(open_page: Open) -> None:
    """A script and a picture that somebody smuggled in do nothing: the browser refuses both."""
    page = open_page()
    page.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            try { script.text = "window.smuggled = true"; document.body.append(script); } catch {}
            const image = new Image();
            const failed = new Promise((resolve) => { image.onerror = resolve; });
            image.src = "http://elsewhere.invalid/x.png";
            document.body.append(image);
            await failed;
        }"""
    )
    assert page.page.evaluate("window.smuggled") is None
    refusals = [error for error in page.errors if "Content Security Policy" in error or "TrustedScript" in error]
    assert len(refusals) >= 2
    page.errors.clear()
    page.hosts.discard("elsewhere.invalid")


def test_it_can_be_installed_and_has_no_service_worker(open_page: Open) -> None:
    """Chromium's own judgement; without a worker of its own it is never older than the service."""
    page = open_page()
    devtools = page.page.context.new_cdp_session(page.page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest.json")
    errors = [one["errorId"] for one in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert set(errors) <= {"in-incognito"}  # as every context of a test is
    registered = "navigator.serviceWorker.getRegistrations().then((found) => found.length)"
    assert page.page.evaluate(registered) == 0


def test_only_the_files_of_the_page_are_served_as_files(service: str) -> None:
    """Everything else is the Worker's, with the API's own 404."""
    for path in ("/page/", "/page/nothing.js", "/_headers", "/index.htm", "/.git/config"):
        answer = httpx.get(service + path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("locale", "language", "draw"), [(locale, *rest) for locale, rest in LANGUAGES.items()])
def test_it_speaks_the_language_of_the_browser(open_page: Open, locale: str, language: str, draw: str) -> None:
    page = open_page(locale=locale)
    expect(page.at("html")).to_have_attribute("lang", language)
    expect(page.at("#draw-label")).to_have_text(draw)
    expect(page.at("#language")).to_have_value(language)


def test_a_chosen_language_is_kept_and_reaches_everything(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A quiet harbour", model=LUCID)
    page.draw()
    page.at("#language").select_option("de")
    expect(page.at("#tools")).to_contain_text("Diese Einstellungen verwenden")
    expect(page.at("#details")).to_contain_text("in 30 Minuten")
    expect(page.at("#abilities")).to_contain_text("1–40 Schritte")
    expect(page.at("#seed")).to_have_attribute("placeholder", "automatisch")
    page.page.reload()
    expect(page.at("#draw-label")).to_have_text("Zeichnen")
    page.at("#language").select_option("en")
    expect(page.at("#draw-label")).to_have_text("Draw")


# --- the key --------------------------------------------------------------------------------------


def test_a_wrong_key_is_explained(open_page: Open) -> None:
    """Where it was typed, in words, with the field marked and ready to be typed into."""
    page = open_page()
    page.connect("wrong")
    expect(page.at("#key-problem")).to_have_text("This key is not accepted.")
    expect(page.at("#key")).to_have_attribute("aria-invalid", "true")
    expect(page.at("#key")).to_be_focused()
    page.connect()
    expect(page.at("#key")).not_to_have_attribute("aria-invalid", "true")


def test_the_key_is_asked_for_when_it_is_needed_and_once(open_page: Open) -> None:
    page = open_page()
    page.wish("A quiet harbour")
    page.at("#draw").click()
    page.connect()
    expect(page.picture).to_be_visible()  # the drawing goes on where it was asked for
    page.draw()
    expect(page.at("#key-dialog")).to_be_hidden()


def test_the_key_is_not_stored_unless_the_person_says_so(open_page: Open) -> None:
    page = open_page()
    page.connect()
    expect(page.at("#model")).to_be_enabled()
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert KEY not in page.page.evaluate(stored)
    page.page.reload()
    expect(page.at("#model")).to_be_disabled()


def test_a_remembered_key_that_stopped_working_is_asked_for_again(open_page: Open) -> None:
    page = open_page()
    page.page.evaluate("localStorage.setItem('api-key', 'of yesterday')")
    page.page.reload()
    expect(page.at("#key-problem")).to_contain_text("This key is not accepted.")
    page.connect()
    expect(page.at("#model")).to_be_enabled()


def test_a_remembered_key_is_warned_of_kept_and_forgotten(open_page: Open) -> None:
    page = open_page()
    page.at("#key-button").click()
    expect(page.at("#key-warning")).to_be_hidden()
    page.at("#remember").check()
    expect(page.at("#key-warning")).to_be_visible()
    page.connect(remember=True)
    page.page.reload()
    expect(page.at("#model")).to_be_enabled()
    page.at("#key-button").click()
    page.button("Forget").click()
    page.page.reload()
    expect(page.at("#health")).to_have_attribute("data-state", "ok")
    expect(page.at("#model")).to_be_disabled()
    assert page.page.evaluate("localStorage.getItem('api-key')") is None


# --- drawing --------------------------------------------------------------------------------------


def test_a_picture_is_drawn_at_the_size_that_was_chosen(open_page: Open, service: str) -> None:
    page = open_page()
    page.connect()
    page.wish("A lighthouse at dusk", ratio="16:9")
    page.draw()
    assert page.natural_size() == (1024, 576)
    expect(page.detail("Size")).to_have_text("1024x576")
    expect(page.picture).to_have_attribute("alt", "A lighthouse at dusk")
    [drawing] = page.drawings
    assert drawing["size"] == "16:9"


def test_each_model_shows_what_it_can_do(open_page: Open, service: str) -> None:
    """The models and their abilities are those of the API; what a model cannot do cannot be asked of it."""
    page = open_page()
    page.connect()
    expect(page.at("#model")).to_be_enabled()
    models = httpx.get(f"{service}/v1/models", headers={"authorization": f"Bearer {KEY}"}).json()["data"]
    assert page.at("#model option").all_inner_texts() == [model["name"] for model in models]
    for model in models:
        able = model["capabilities"]
        page.at("#model").select_option(model["id"])
        shown = page.at("#abilities").inner_text()
        assert page.at("#negative").is_enabled() == able["negative_prompt"]
        assert ("any size" in shown.lower()) == able["size"]
        assert ("Seed" in shown) == able["seed"] == page.at("#seed").is_enabled()
        assert ("negative prompt" in shown.lower()) == able["negative_prompt"]
        assert ("pictures" in shown) == bool(able["images"])
        if able["steps"]:
            assert "{}–{} steps".format(*able["steps"]) in shown
        assert page.at("#steps").is_enabled() == bool(able["steps"])


def test_progress_is_seen_before_the_picture(open_page: Open, screenshots: Path) -> None:
    """The lines of the stream appear while the model still draws, with a clock; then the picture takes the frame."""
    page = open_page()
    page.connect()
    page.wish("A red fox in the snow [[delay 3s]]", model=LUCID, ratio="3:2")
    page.at("#optimize").check()
    page.at("#draw").click()
    expect(page.detail("Improved prompt")).to_contain_text("A red fox in the snow")
    expect(page.at(".slot")).to_have_class("slot busy")
    expect(page.at(".note b")).to_have_text("2 sec")
    page.page.screenshot(path=screenshots / "drawing.png")
    expect(page.picture).to_be_visible()
    expect(page.at(".busy")).to_have_count(0)
    expect(page.detail("Improved by")).not_to_be_empty()


def test_the_picture_fades_in_unless_less_motion_is_wanted(open_page: Open) -> None:
    for wanted, animation in (("no-preference", "develop"), ("reduce", "none")):
        page = open_page(reduced_motion=wanted)
        page.connect()
        page.wish("A quiet harbour")
        page.draw()
        assert page.picture.evaluate("picture => getComputedStyle(picture).animationName") == animation


def test_a_drawing_can_be_stopped(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A slow river [[delay 20s]]")
    page.at("#draw").click()
    expect(page.at("#draw-label")).to_have_text("Stop")
    expect(page.detail("Prompt")).to_be_visible()
    page.at("#prompt").press("Control+Enter")
    page.more()
    page.at("#steps").press("Enter")
    expect(page.at("#draw-label")).to_have_text("Stop")
    page.at("#draw").click()
    expect(page.at("#draw-label")).to_have_text("Draw")
    expect(page.problem).to_be_empty()
    expect(page.at("#details")).to_be_empty()
    expect(page.at(".note")).to_have_text("1:1Your picture appears here")


def test_words_at_the_end_of_the_prompt_count_where_the_form_was_left_alone(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A quiet harbour 9:16 --n 2")
    page.draw()
    assert page.natural_size() == (576, 1024)
    expect(page.at("#gallery li")).to_have_count(2)


def test_everything_can_be_done_with_the_keyboard(open_page: Open) -> None:
    page = open_page()
    keys = page.page.keyboard
    page.at("#key-button").focus()
    keys.press("Enter")
    expect(page.at("#key")).to_be_focused()
    keys.type(KEY)
    keys.press("Enter")
    expect(page.at("#model")).to_be_enabled()
    page.at("#prompt").focus()
    keys.type("A quiet harbour")
    for _ in range(4):  # past the two ideas and the button for pictures
        keys.press("Tab")
    expect(page.at("[name=ratio]:focus")).to_have_value("1:1")
    keys.press("ArrowRight")
    expect(page.at("[name=ratio]:checked")).to_have_value("5:4")
    page.at("#prompt").focus()
    keys.press("Control+Enter")
    expect(page.picture).to_be_visible()
    assert page.natural_size() == (1120, 896)


def test_the_owners_language_host_and_fallback_are_not_the_pages(open_page: Open, foreign_service: str) -> None:
    """All is told in the page's language, and the picture comes from where the page does; links stay as told.

    The model that is named is the one that drew.
    """
    page = open_page(foreign_service, permissions=["clipboard-read", "clipboard-write"])
    page.connect()
    page.wish("A quiet harbour: at night", ratio="4:3")
    page.at("#optimize").check()
    page.draw()
    expect(page.detail("Prompt")).to_have_text("A quiet harbour: at night")
    expect(page.detail("Improved by")).to_contain_text("@cf/meta/")
    expect(page.detail("Size")).to_have_text("1152x864")
    assert page.natural_size() == (1152, 864)
    page.button("Copy link").click()
    expect(page.at("#copy-link")).to_have_text("Copied")
    assert page.page.evaluate("navigator.clipboard.readText()").startswith("https://pictures.example/image/")
    expect(page.at("#today")).to_have_text(
        re.compile(r"Today: \d+ pictures, [\d,]+ / 95,000 neurons, \$0\.\d+ / \$5\.00")
    )
    assert SDXL not in page.at("#model option").evaluate_all("options => options.map(one => one.value)")
    page.wish("A harbour [[fault 3040 on schnell]]")
    page.draw()
    expect(page.detail("Model")).to_have_text("Lucid Origin")
    expect(page.detail("⚠️")).to_have_text("FLUX.1 [schnell] was out of capacity: this model drew instead.")


def test_it_tells_what_the_picture_will_cost_and_what_was_spent(open_page: Open) -> None:
    """By the model, its steps, the shape and the number; rounded down to whole pictures of a free day."""
    page = open_page()
    expect(page.at("#cost")).to_be_empty()
    page.connect()
    cost, today = page.at("#cost"), page.at("#today")
    expect(cost).to_have_text("57.6 neurons each; a free day is enough for 173")
    page.wish("A quiet harbour", steps="8")
    expect(cost).to_have_text("96 neurons each; a free day is enough for 104")
    page.wish("A quiet harbour", ratio="3:2", steps="")
    expect(cost).to_have_text("57.6 neurons each; a free day is enough for 173")
    page.wish("A quiet harbour", model=LUCID)
    expect(cost).to_have_text("1,512 neurons each; a free day is enough for 6")
    page.wish("A quiet harbour", model=SDXL)
    expect(cost).to_have_text("Stable Diffusion XL: price not published")
    page.wish("A quiet harbour", model=SCHNELL, n=2)
    expect(cost).to_have_text("57.6 neurons each; 115.2 neurons together; a free day is enough for 173")
    page.at("#also").get_by_text("Lucid Origin").check()
    page.at("#also").get_by_text("Stable Diffusion XL", exact=True).check()
    expect(cost).to_have_text("3,139.2 neurons together; Stable Diffusion XL: price not published")
    page.at("#also").get_by_text("Lucid Origin").uncheck()
    page.at("#also").get_by_text("Stable Diffusion XL", exact=True).uncheck()
    page.wish("A quiet harbour", n=1)
    before = today.inner_text()
    page.draw()
    expect(today).not_to_have_text(before)
    page.at("#language").select_option("de")
    expect(cost).to_have_text("Je 57,6 Neuronen; ein freier Tag reicht für 173")
    expect(today).to_contain_text("Heute: ")


PRICED = [
    (SCHNELL, "3:2", "", False),
    (LUCID, "16:9", "7", False),
    (KLEIN, "1:1", "", True),
    ("@cf/black-forest-labs/flux-2-klein-9b", "21:9", "", True),
    ("@cf/black-forest-labs/flux-2-dev", "4:5", "2", True),
    (QWEN, "1:1", "", False),
    (QWEN, "21:9", "", False),
    (MAX, "21:9", "", True),
    (FIBO, "4:3", "", True),
]
"""Each kind of price: model, shape, steps, and whether a picture goes in."""


def test_what_it_tells_is_what_the_service_counts(open_page: Open, foreign_service: str) -> None:
    page = open_page(foreign_service)
    page.connect()
    picture = png(size=(1200, 900))
    page.more()
    for model, ratio, steps, edits in PRICED:
        body: dict[str, Any] = {"prompt": "A harbour", "model": model, "size": ratio, "response_format": "b64_json"}
        if edits:
            body["image"] = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        if steps:
            body["steps"] = int(steps)
        url, headers = f"{foreign_service}/v1/images/generations", {"authorization": f"Bearer {KEY}"}
        usage = httpx.post(url, json=body, headers=headers, timeout=60).raise_for_status().json()["usage"]
        if edits != bool(page.at("#sources li").count()):
            page.add(picture) if edits else page.at("#sources button").click()
        expect(page.at("#sources li")).to_have_count(int(edits))
        page.wish("A harbour", model=model, ratio=ratio)
        if page.at("#steps").is_enabled():
            page.at("#steps").fill(steps)
        said = re.escape(
            f"{usage['cost_neurons']:,g} neurons" if usage["cost_neurons"] else f"{usage['cost_dollars']:g}"
        )
        expect(page.at("#cost")).to_have_text(re.compile(rf"^\$?{said}0* each"))


def test_dollars_and_neurons_are_told_side_by_side(open_page: Open, foreign_service: str) -> None:
    page = open_page(foreign_service)
    page.connect()
    page.wish("A quiet harbour", model=QWEN, n=2)
    expect(page.at("#cost")).to_have_text("$0.04 each; $0.08 together")
    page.more()
    page.at("#also").get_by_text("FLUX.1 [schnell]").check()
    expect(page.at("#cost")).to_have_text("115.2 neurons + $0.08 together")
    page.at("#language").select_option("de")
    expect(page.at("#cost")).to_have_text("zusammen 115,2 Neuronen + 0,08\N{NO-BREAK SPACE}$")


def test_a_model_that_can_only_edit_is_offered_for_edits_alone(open_page: Open, foreign_service: str) -> None:
    page = open_page(foreign_service)
    page.connect()
    page.more()
    offered, also = page.at(f"#model option[value='{FIBO}']"), page.at(f"#also [value='{FIBO}']")
    expect(offered).to_be_disabled()
    expect(also).to_be_disabled()
    page.add(png())
    expect(offered).to_be_enabled()
    expect(also).to_be_enabled()
    expect(page.at(f"#also [value='{SCHNELL}']")).to_be_disabled()
    page.at("#model").select_option(FIBO)
    page.wish("Make it night")
    page.draw()
    expect(page.detail("Model")).to_have_text("FIBO Edit 1.5")
    page.at("#sources button").click()
    expect(page.at("#model-note")).to_contain_text("FIBO Edit 1.5 can only edit pictures.")
    expect(page.at("#model")).not_to_have_value(FIBO)
    page.button("Use these settings").click()  # with its picture
    expect(page.at("#model")).to_have_value(FIBO)


# --- the gallery ----------------------------------------------------------------------------------


def test_the_gallery_keeps_copies_and_redraws_pictures(open_page: Open, service: str, screenshots: Path) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    clipboard = "navigator.clipboard.readText()"
    page.connect()
    page.wish("A [small] boat", model=LUCID, ratio="3:2")
    page.draw()
    page.wish("A tiny greenhouse, isometric", ratio="9:16")
    page.draw()
    expect(page.at("#gallery li")).to_have_count(2)
    expect(page.at("#gallery li").first).to_contain_text("30 min")

    page.at("#gallery button").last.click()
    assert page.natural_size() == (768, 512)
    expect(page.at("#gallery button").last).to_have_attribute("aria-pressed", "true")
    expect(page.detail("Link expires")).to_have_text("in 30 minutes")
    expect(page.detail("Kept")).to_have_text("in this browser")

    page.button("Copy link").click()
    expect(page.at("#copy-link")).to_have_text("Copied")
    expect(page.at("#announcer p").last).to_have_text("Copied")
    link = page.page.evaluate(clipboard)
    assert link.startswith(f"{service}/image/")
    page.button("Copy Markdown").click()
    expect(page.at("#copy-markdown")).to_have_text("Copied")
    assert page.page.evaluate(clipboard) == rf"![A \[small\] boat]({link})"

    with page.page.expect_download() as downloading:
        page.at("#download").click()
    download = downloading.value
    assert download.path().read_bytes() == httpx.get(link).content
    assert download.suggested_filename == "A-small-boat.jpg"

    page.page.screenshot(path=screenshots / "gallery.png", full_page=True)


def test_settings_are_taken_back_without_drawing_and_a_variation_leaves_the_form_alone(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A quiet harbour", model=LUCID, ratio="3:2", seed="41", steps="3")
    page.draw()
    page.wish("What is being typed", ratio="1:1", seed="", steps="")
    page.button("Variation").click()
    expect(page.at("#gallery li")).to_have_count(2)
    first, variation = page.drawings
    assert variation["seed"] != first.pop("seed")
    variation.pop("seed")
    assert variation == first
    expect(page.at("#prompt")).to_have_value("What is being typed")
    page.at("#gallery button").last.click()
    page.button("Use these settings").click()
    for field, value in (("prompt", "A quiet harbour"), ("seed", "41"), ("steps", "3"), ("model", LUCID)):
        expect(page.at(f"#{field}")).to_have_value(value)
    expect(page.at("[name=ratio]:checked")).to_have_value("3:2")
    assert len(page.drawings) == 2


def test_several_pictures_are_several_seeds(open_page: Open) -> None:
    """Each can be drawn again by itself, with the seed that the service counted up to."""
    page = open_page()
    page.connect()
    page.wish("A quiet harbour", model=LUCID, n=3, seed="41")
    page.draw()
    seeds = []
    for thumbnail in page.at("#gallery button").all():
        thumbnail.click()
        seeds.append(page.detail("Seed").inner_text())
    assert seeds == ["41", "42", "43"]
    page.button("Use these settings").click()
    page.draw()
    assert (page.drawings[-1]["seed"], page.drawings[-1].get("n", 1)) == (43, 1)


def test_a_model_without_seeds_varies_without_one(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A quiet harbour")
    page.draw()
    page.button("Variation").click()
    expect(page.at("#gallery li")).to_have_count(2)
    assert all("seed" not in drawing for drawing in page.drawings)


def test_a_link_expires_and_the_picture_stays(open_page: Open) -> None:
    page = open_page()
    page.page.clock.install()
    page.page.reload()
    page.connect()
    page.wish("A quiet harbour")
    page.draw()
    page.page.clock.fast_forward("20:00")
    expect(page.detail("Link expires")).to_have_text("in 10 minutes")
    page.page.clock.fast_forward("11:00")
    expect(page.detail("Link expires")).to_have_text("has expired")
    expect(page.at("#copy-link")).to_be_hidden()
    expect(page.picture).to_be_visible()
    expect(page.at("#download")).to_be_visible()


# --- what goes wrong ------------------------------------------------------------------------------

FAILURES = {
    "refused at once": ("[[fault 3030]]", "The safety filter refused this prompt.", False),
    "refused in the stream": ("[[delay 2s]] [[fault 3030]]", "The safety filter refused this prompt.", False),
    "used up": ("[[fault 3036]]", "The allowance of today is used up. It resets in", False),
    "failed": ("[[fault text Bad luck]]", "The picture could not be drawn. (Request ", True),
}


@pytest.mark.parametrize(("mark", "advice", "again"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_said_beside_the_button_and_in_the_pictures_place(
    open_page: Open, mark: str, advice: str, *, again: bool
) -> None:
    """Both are on the screen, and the picture from before does not stand there as if it were the answer."""
    page = open_page()
    page.connect()
    page.wish("A quiet harbour")
    page.draw()
    for width in (1280, 360):
        page.page.set_viewport_size({"width": width, "height": 780})
        page.at("#gallery button").click()
        expect(page.picture).to_be_visible()
        page.wish(f"A storm {mark}")
        page.at("#draw").click()
        expect(page.at(".failed")).to_contain_text(advice)
        expect(page.at(".failed p")).to_be_in_viewport()
        expect(page.problem).to_contain_text(advice)
        expect(page.problem).to_be_in_viewport()
        expect(page.at("#draw-label")).to_have_text("Draw")
        expect(page.picture).to_have_count(0)
        expect(page.at("#gallery li")).to_have_count(1)
    expect(page.at("#retry")).to_be_visible(visible=again)
    page.at("#language").select_option("de")
    expect(page.problem).not_to_contain_text(advice)


def test_another_try_is_offered_when_it_helps(open_page: Open) -> None:
    """Counted down where the service says how long to wait; in both places."""
    page = open_page()
    page.connect()
    refusal = {
        "error": {"message": "Slow down.", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
    }
    page.page.route(
        "**/chat/completions",
        lambda route: route.fulfill(status=429, json=refusal, headers={"retry-after": "2"}),
        times=1,
    )
    page.wish("A quiet harbour")
    page.at("#draw").click()
    expect(page.problem).to_have_text("Too many pictures in a minute.")
    expect(page.at("#retry")).to_have_text("Try again (2 sec)")
    expect(page.at("#retry")).to_be_disabled()
    expect(page.at(".retry")).to_have_text("Try again (1 sec)")
    expect(page.at(".retry")).to_be_enabled()
    page.at(".retry").click()
    expect(page.picture).to_be_visible()
    expect(page.problem).to_be_empty()
    expect(page.at("#retry")).to_be_hidden()


def test_a_wrong_form_says_so_at_its_field(open_page: Open) -> None:
    page = open_page()
    page.at("#draw").click()
    expect(page.problem).to_have_text("Write what to draw first.")
    expect(page.at("#prompt")).to_be_focused()
    page.connect()
    page.wish("A quiet harbour", steps="99")
    page.at("#draw").click()
    expect(page.problem).to_have_text("Use a whole number from 1 to 8.")
    expect(page.at("#steps")).to_be_focused()
    page.wish("A quiet harbour", steps="", width="512")
    page.at("#draw").click()
    expect(page.at("#height")).to_be_focused()
    assert page.drawings == []
    page.wish("A quiet harbour", width="")
    page.wish("A quiet harbour 3:2", steps="")
    page.draw()
    expect(page.problem).to_be_empty()


def test_a_key_that_stopped_working_is_asked_for_again(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.page.route("**/chat/completions", lambda route: route.continue_(headers={"content-type": "application/json"}))
    page.wish("A quiet harbour")
    page.at("#draw").click()
    expect(page.at("#key-problem")).to_contain_text("This key is not accepted.")
    expect(page.at("#key-button")).to_have_attribute("data-state", "unreachable")


def test_a_lost_network_is_explained_and_found_again(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.wish("A quiet harbour")
    page.page.context.set_offline(True)
    page.at("#draw").click()
    expect(page.problem).to_contain_text("The service cannot be reached.")
    expect(page.at("#health")).to_have_attribute("data-state", "unreachable")
    page.page.context.set_offline(False)
    expect(page.at("#health")).to_have_attribute("data-state", "ok")
    page.draw()


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n', "The connection broke"),
        ('data: {"choices":[{"delta":{"content":"A title"}}]}\n\ndata: [DONE]\n\n', "unexpected answer: A title"),
    ],
    ids=["cut off", "no picture"],
)
def test_a_stream_without_a_picture_is_explained(open_page: Open, body: str, advice: str) -> None:
    """What no Worker of ours sends: a stream that ends too early, or with something else in it."""
    page = open_page()
    page.connect()
    page.page.route("**/chat/completions", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    page.wish("A quiet harbour")
    page.at("#draw").click()
    expect(page.problem).to_contain_text(advice)
    expect(page.at("#draw-label")).to_have_text("Draw")


def test_an_error_page_of_cloudflares_own_is_explained(open_page: Open) -> None:
    page = open_page()
    page.connect()
    page.page.route(
        "**/chat/completions",
        lambda route: route.fulfill(status=530, body="<h1>error code: 1101</h1>", content_type="text/html"),
    )
    page.wish("A quiet harbour")
    page.at("#draw").click()
    expect(page.problem).to_contain_text("unexpected answer: HTTP 530")


def test_a_degraded_service_says_what_is_missing_and_still_draws(open_page: Open, bare_service: str) -> None:
    """Without KV the picture comes inside the answer: it is shown and can be downloaded, and no link is offered."""
    page = open_page(bare_service)
    expect(page.at("#state")).to_have_text("Needs attention")
    expect(page.at("#checks")).to_contain_text("Storage of pictures")
    expect(page.at("#checks .missing").first).to_be_visible()
    page.connect()
    page.wish("A quiet harbour")
    page.draw()
    assert page.natural_size() == (1024, 1024)
    expect(page.detail("Link expires")).to_have_text("only in this tab")
    expect(page.at("#copy-link")).to_be_hidden()
    with page.page.expect_download() as downloading:
        page.at("#download").click()
    assert downloading.value.path().read_bytes().startswith(b"\xff\xd8")
    assert page.violations() == []


# --- how it looks ---------------------------------------------------------------------------------


def watcher(page: Playground, screenshots: Path, width: int) -> Callable[..., None]:
    """Looks at a state of the page in both themes: nothing to scroll sideways for, and nothing that axe finds."""
    strict = "dark" if width in (360, 1280) else "light"  # axe is slow: each width and each theme once

    def look(state: str, *, full: bool = True) -> None:
        for scheme in ("light", "dark"):
            page.page.emulate_media(color_scheme=scheme)
            paper = page.at("html").evaluate("html => getComputedStyle(html).backgroundColor")
            brightness = sum(int(part) for part in re.findall(r"\d+", paper)[:3]) / 3
            assert brightness < 64 if scheme == "dark" else brightness > 192
            page.page.screenshot(path=screenshots / f"{state}-{width}-{scheme}.png", full_page=full)
            assert page.overflow() == 0
            if scheme == strict:
                assert page.violations() == []

    return look


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_every_state_fits_and_can_be_read(open_page: Open, screenshots: Path, width: int) -> None:
    page = open_page(width=width, height=780 if width == 360 else 900)
    look = watcher(page, screenshots, width)
    look("empty")
    page.at("#health summary").click()
    expect(page.at("#checks dt[data-t]")).to_have_count(page.at("#checks dt").count())  # no raw names
    sheet = page.at("#checks").bounding_box()
    assert sheet
    assert sheet["x"] >= 0
    assert sheet["x"] + sheet["width"] <= width
    look("health", full=False)
    page.connect("wrong", remember=True)
    look("key", full=False)
    page.connect()
    page.wish("A lighthouse at dusk, oil painting", model=LUCID, ratio="21:9")
    page.draw()
    page.wish("A tiny greenhouse, isometric [[delay 3s]]", ratio="9:16", n=4)
    page.at("#draw").click()
    expect(page.detail("Prompt")).to_be_visible()
    expect(page.at(".busy")).to_have_count(4)
    page.at("#draw").hover()
    assert page.contrast("#draw") > 4.5
    look("drawing")
    expect(page.at("#gallery li")).to_have_count(5)
    expect(page.at("#frame .picture")).to_have_count(4)
    page.wish("A tiny greenhouse, isometric")
    look("drawn")
    page.wish("A storm [[fault 3030]]", n=1)
    page.at("#draw").click()
    expect(page.problem).not_to_be_empty()
    look("refused")
    page.add(png())
    page.more()
    expect(page.at("#sources li")).to_have_count(1)
    look("more")
    page.at("#gallery button").first.click()
    page.at("#frame .picture").click()
    look("viewer", full=False)
    page.at("#viewer-close").click()
    page.at("#delete").click()
    look("question", full=False)
    page.at("#question button").first.click()
    page.page.context.set_offline(True)
    page.at("#draw").click()
    expect(page.problem).to_contain_text("The service cannot be reached.")
    look("offline", full=False)


@pytest.mark.parametrize(("width", "beside"), [(360, False), (768, False), (820, False), (1280, True)])
def test_the_picture_stands_beside_the_form_where_there_is_room(open_page: Open, width: int, *, beside: bool) -> None:
    page = open_page(width=width)
    form, wall = page.at("#form").bounding_box(), page.at(".wall").bounding_box()
    assert form
    assert wall
    assert (wall["x"] >= form["x"] + form["width"]) == beside
    assert (wall["y"] >= form["y"] + form["height"]) != beside
    assert wall["width"] > 300


def test_every_language_fits_a_small_screen(open_page: Open, screenshots: Path) -> None:
    """Every sentence that stands in the page, in the key dialog and under "More", and those of a picture."""
    page = open_page(width=360)
    page.connect()
    page.more()
    page.at("#model").select_option(LUCID)
    page.at("#ideas button").first.click()
    page.draw()
    for language, draw in sorted(set(LANGUAGES.values())):
        page.at("#language").select_option(language)
        expect(page.at("#draw-label")).to_have_text(draw)
        assert page.overflow() == 0
        page.page.screenshot(path=screenshots / f"language-{language}.png", full_page=True)
        page.at("#key-button").click()
        page.at("#remember").check()
        assert page.overflow() == 0
        dialog = page.at("#key-dialog").evaluate("one => one.scrollWidth - one.clientWidth")
        assert dialog == 0
        page.at("#key-cancel").click()


def test_text_can_be_enlarged_to_twice_its_size(open_page: Open) -> None:
    """WCAG 2.2, 1.4.4 and 1.4.10: a 1280 pixels wide window at 400 % is one of 320."""
    page = open_page(width=320, height=256)
    assert page.overflow() == 0
    page.connect()
    page.wish("A quiet harbour")
    page.draw()
    assert page.overflow() == 0


# --- what can be copied from it -------------------------------------------------------------------


def snippet(page: Playground, kind: str) -> str:
    """The text on the page, with the key filled in as its reader would."""
    page.at("#kinds").get_by_text(kind).click()
    return page.at("#snippet").inner_text().replace("YOUR_API_KEY", KEY)


@pytest.fixture
def wished(open_page: Open) -> Playground:
    """The page with a form whose values have to survive three kinds of quoting."""
    page = open_page()
    page.connect()
    page.wish("""It's a "small" boat \\ 雪""", model=LUCID, ratio="3:2", seed="7", steps="3")
    page.at("#optimize").check()
    return page


def test_the_curl_line_works(wished: Playground) -> None:
    """Split as a shell splits it, and sent."""
    program, url, *rest = shlex.split(snippet(wished, "curl").replace("\\\n", ""))
    assert program == "curl"
    options: list[tuple[str, str]] = list(zip(rest[::2], rest[1::2], strict=True))
    headers = dict(value.split(": ") for name, value in options if name == "-H")
    [data] = [value for name, value in options if name == "-d"]
    answer = httpx.post(url, headers=headers, content=data.encode()).raise_for_status()
    content = answer.json()["choices"][0]["message"]["content"]
    assert content.startswith("""🎨 Original prompt: It's a "small" boat \\ 雪\n""")
    assert "768x512" in content


@pytest.mark.parametrize(("kind", "program", "name"), [("Python", sys.executable, "s.py"), ("JavaScript", "", "s.mjs")])
def test_the_sdk_snippets_work(wished: Playground, service: str, kind: str, program: str, name: str) -> None:
    """Saved and run as they stand, with the SDKs as installed."""
    folder = (
        ROOT / "tests" / "node_modules" / ".snippets"
    )  # below the project: node finds its packages from where the file is
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(snippet(wished, kind))
    done = subprocess.run(
        [program or BIN / "node", folder / name], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    [link] = done.stdout.split()
    assert link.startswith(f"{service}/image/")
    assert httpx.get(link).status_code == 200


def _of_claude(text: str) -> tuple[str, str]:
    *command, name, url, option, header = shlex.split(text)
    assert (command, name, option) == (["claude", "mcp", "add", "--transport", "http"], "flux", "--header")
    return url, header.removeprefix("Authorization: ")


def _of_codex(text: str) -> tuple[str, str]:
    server = tomllib.loads(text)["mcp_servers"]["flux"]
    return server["url"], server["http_headers"]["Authorization"]


def _of_vs_code(text: str) -> tuple[str, str]:
    server = json.loads(text)["servers"]["flux"]
    assert server["type"] == "http"
    return server["url"], server["headers"]["Authorization"]


def _of_libre_chat(text: str) -> tuple[str, str]:
    server = yaml.safe_load(text)["mcpServers"]["flux"]
    assert server["type"] == "streamable-http"
    return server["url"], server["headers"]["Authorization"]


HOSTS = {"Claude Code": _of_claude, "Codex": _of_codex, "VS Code": _of_vs_code, "LibreChat": _of_libre_chat}


def test_the_lines_for_hosts_of_mcp_reach_the_service(open_page: Open) -> None:
    """Read as each host reads them, and called."""
    page = open_page()
    assert page.at("#hosts label").all_inner_texts() == list(HOSTS)
    for host, read in HOSTS.items():
        page.at("#hosts").get_by_text(host).click()
        url, authorization = read(page.at("#host").inner_text().replace("YOUR_API_KEY", KEY))
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = httpx.post(url, headers={"authorization": authorization}, json=call).raise_for_status()
        assert answer.json()["result"]["tools"][0]["name"] == "draw"


def test_what_is_shown_can_be_copied(open_page: Open, service: str) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    for button in page.at("[data-copy]").all():
        button.click()
        expect(button).to_have_text("Copied")
        source = page.at(f"#{button.get_attribute('data-copy')}").text_content()
        assert page.page.evaluate("navigator.clipboard.readText()") == source
        assert service in str(source)
    assert "YOUR_API_KEY" in page.at("#snippet").inner_text()


# --- on another origin ----------------------------------------------------------------------------


def test_the_page_cannot_be_framed(browser: Browser, open_page: Open, service: str) -> None:
    """Nobody lays something over the button that spends the owner's allowance."""
    page = open_page()
    page.page.evaluate(
        """url => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = resolve;
            frame.src = url;
            document.body.append(frame);
        })""",
        service,
    )
    assert [frame.url for frame in page.page.frames[1:]] != [f"{service}/"]
    assert any("frame" in error for error in page.errors)
    page.errors.clear()
