"""Pictures to work from, settings that travel, and what the page says before it draws."""

import base64
import io
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from flux import catalog
from tests.browser.conftest import Open
from tests.browser.playground import LUCID, SHARE, Playground, png

SCHNELL = catalog.DEFAULT_MODEL
KLEIN = catalog.DEFAULT_EDIT_MODEL

PASTED = """async (base64) => {
    const blob = await (await fetch(`data:image/png;base64,${base64}`)).blob();
    const data = new DataTransfer();
    data.items.add(new File([blob], "pasted.png", { type: "image/png" }));
    const made = KIND === "paste"
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.getElementById("prompt").dispatchEvent(made);
}"""


@pytest.fixture
def page(open_page: Open) -> Playground:
    page = open_page()
    page.connect()
    return page


@pytest.mark.parametrize("way", ["choose", "paste", "drop"])
def test_a_picture_is_added_and_changed(page: Playground, way: str) -> None:
    """The model changes to one that can, and the page says so."""
    if way == "choose":
        page.add(png())
    else:
        page.page.evaluate(PASTED.replace("KIND", repr(way)), base64.b64encode(png()).decode())
    expect(page.at("#sources li")).to_have_count(1)
    expect(page.at("#model")).to_have_value(KLEIN)
    expect(page.at("#model-note")).to_have_text("Changed to FLUX.2 [klein] 4B: FLUX.1 [schnell] takes no pictures.")
    page.wish("Make it night")
    page.draw()
    [drawing] = page.drawings
    text, image = drawing["messages"][0]["content"]
    assert text == {"type": "text", "text": "Make it night"}
    assert base64.b64decode(image["image_url"]["url"].partition(",")[2]) == png()
    assert drawing["model"] == KLEIN
    expect(page.at("#details")).not_to_contain_text("not used")
    assert page.violations() == []


def test_as_many_pictures_as_the_model_takes_and_each_can_go(page: Playground) -> None:
    page.add(*(png(color) for color in ("red", "green", "blue", "gold", "pink")))
    expect(page.at("#sources li")).to_have_count(4)
    expect(page.at("#source-note")).to_have_text("Model: 4 pictures at most.")
    page.button("Remove picture 2").click()
    expect(page.at("#sources li")).to_have_count(3)
    page.at("#model").select_option(SCHNELL)
    page.wish("Make it night")
    page.at("#draw").click()
    expect(page.problem).to_have_text("FLUX.1 [schnell]: 0 pictures at most.")
    expect(page.at("#model")).to_be_focused()
    assert page.drawings == []


def test_what_is_no_picture_is_refused_and_what_the_service_cannot_read_is_converted(page: Playground) -> None:
    page.add(b"no picture at all")
    expect(page.at("#source-note")).to_have_text("0.png: not a picture that can be read.")
    gif = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(gif, "gif")
    page.add(gif.getvalue(), mime="image/gif")
    expect(page.at("#sources li")).to_have_count(1)
    page.wish("Make it night")
    page.draw()
    url = page.drawings[0]["messages"][0]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (40, 30)


def test_a_drawn_picture_is_edited(page: Playground) -> None:
    page.wish("A quiet harbour", ratio="3:2")
    page.draw()
    page.button("Edit this one").click()
    expect(page.at("#prompt")).to_be_focused()
    page.wish("Make it night")
    page.draw()
    expect(page.at("#gallery li")).to_have_count(2)
    assert len(page.drawings[1]["messages"][0]["content"]) == 2
    page.at("#sources button").click()
    page.button("Use these settings").click()
    expect(page.at("#sources li")).to_have_count(1)


def test_other_options_reach_the_service(page: Playground) -> None:
    page.wish("A harbour", model="@cf/leonardo/phoenix-1.0", negative="boats", width="640", height="360", steps="5")
    page.at("#format").select_option("webp")
    with page.page.expect_response("**/image/*") as answered:
        page.draw()
    assert answered.value.headers["content-type"] == "image/webp"
    [drawing] = page.drawings
    told = {name: drawing[name] for name in ("negative_prompt", "size", "steps", "output_format")}
    assert told == {"negative_prompt": "boats", "size": "640x360", "steps": 5, "output_format": "webp"}
    assert page.natural_size() == (640, 360)
    expect(page.detail("Negative prompt")).to_have_text("boats")


def test_what_was_drawn_is_shown_and_not_what_the_form_said(page: Playground) -> None:
    """Directives of the prompt count, and so do their seeds, their model and their number."""
    page.wish("A harbour --model sdxl --n 2 --seed 7 9:16", model=LUCID)
    page.at("#draw").click()
    expect(page.at("#frame .picture")).to_have_count(2)
    expect(page.at("#draw-label")).to_have_text("Draw")
    page.at("#gallery button").last.click()
    expect(page.detail("Prompt")).to_have_text("A harbour")
    expect(page.detail("Model")).to_have_text("Stable Diffusion XL")
    expect(page.detail("Seed")).to_have_text("8")
    page.button("Use these settings").click()
    expect(page.at("#width")).to_have_value("576")
    expect(page.at("#model")).to_have_value("@cf/stabilityai/stable-diffusion-xl-base-1.0")


def test_a_writer_that_failed_is_not_named(page: Playground) -> None:
    page.wish("A harbour [[writer 500]]")
    page.at("#optimize").check()
    page.draw()
    expect(page.detail("⚠️")).to_have_text("The prompt could not be improved.")
    expect(page.detail("Improved by")).to_have_count(0)


def test_a_prompt_with_the_marks_of_an_answer_is_one_prompt(page: Playground) -> None:
    page.wish("🎨 palette\n📐 ruler")
    page.draw()
    expect(page.detail("Prompt")).to_have_text("🎨 palette 📐 ruler")
    expect(page.detail("Size")).to_have_count(1)
    expect(page.at("#prompt")).to_have_attribute("dir", "auto")


def test_a_long_prompt_says_that_its_end_is_cut_off(page: Playground) -> None:
    page.wish("word " * 300)
    expect(page.at("#counter")).to_have_text("1499 of 2048 characters")
    page.wish("word " * 500)
    expect(page.at("#counter")).to_have_text("2499 of 2048 characters: the end is cut off")
    page.at("#model").select_option(LUCID)
    expect(page.at("#counter")).to_be_hidden()


def test_a_link_holds_the_settings_and_never_the_key_and_draws_nothing(open_page: Open, service: str) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.connect()
    page.wish("A “small” boat & more", model=LUCID, ratio="3:2", seed="7", steps="3")
    page.button("Copy a link with these settings").click()
    expect(page.at("#settings-link")).to_have_text("Copied")
    link = page.page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).fragment)["prompt"] == ["A “small” boat & more"]
    assert "browser-key" not in link
    other = open_page(link)
    expect(other.at("#prompt")).to_have_value("A “small” boat & more")
    assert other.page.url == f"{service}/"
    other.connect()
    expect(other.at("#model")).to_have_value(LUCID)
    expect(other.at("#seed")).to_have_value("7")
    expect(other.at("#source-note")).to_contain_text("from a link")
    assert other.drawings == []


def test_a_link_is_read_as_what_was_typed(open_page: Open, service: str) -> None:
    page = open_page(f"{service}/#prompt=<img src=x onerror=alert(1)>&ratio=7:7&steps=many&seed=9&model=@cf/none&n=99")
    expect(page.at("#prompt")).to_have_value("<img src=x onerror=alert(1)>")
    expect(page.at("[name=ratio]:checked")).to_have_value("1:1")
    expect(page.at("[name=n]:checked")).to_have_value("1")
    expect(page.at("#steps")).to_have_value("")
    page.connect()
    expect(page.at("#model-note")).to_have_text("This service has no model @cf/none.")
    expect(page.at("#model")).to_have_value(SCHNELL)


def test_a_theme_is_chosen_and_kept(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.page.evaluate(paper)
    page.at("#theme").click()
    assert page.page.evaluate(paper) == light
    page.at("#theme").click()
    dark = page.page.evaluate(paper)
    assert dark != light
    page.page.reload()
    assert page.page.evaluate(paper) == dark
    page.at("#theme").click()
    assert page.page.evaluate(paper) == light


def test_the_viewer_shows_each_picture_in_full_size(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.connect()
    for prompt in ("One", "Two"):
        page.wish(prompt)
        page.draw()
    keys = page.page.keyboard
    page.at("#frame .picture").click()
    viewed = page.at("#viewer-picture")
    expect(viewed).to_have_attribute("alt", "Two")
    assert page.violations() == []
    keys.press("ArrowRight")
    expect(viewed).to_have_attribute("alt", "One")
    expect(page.at("#viewer-place")).to_have_text("2 / 2")
    area, width = page.at("#viewer-area").bounding_box(), viewed.evaluate("picture => picture.clientWidth")
    assert viewed.bounding_box() == area  # the whole picture is seen
    keys.press("+")
    assert viewed.evaluate("picture => picture.clientWidth") > width
    keys.press("0")
    assert viewed.evaluate("picture => picture.clientWidth") == width
    page.page.evaluate(SHARE)
    keys.press("ArrowLeft")
    page.at("#viewer-share").click()
    assert page.page.evaluate("window.shared[0]") == "Two.jpg"
    page.at("#viewer-copy").click()
    expect(page.at("#viewer-copy")).to_have_text("Copied")
    keys.press("ArrowRight")
    with page.page.expect_download() as downloading:
        page.at("#viewer-download").click()
    assert downloading.value.suggested_filename == "One.jpg"
    keys.press("Escape")
    expect(page.at("#viewer")).to_be_hidden()
    expect(page.picture).to_have_attribute("alt", "One")


def test_the_picture_itself_is_copied(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.connect()
    page.wish("A boat")
    page.draw()
    page.button("Copy picture").click()
    expect(page.at("#copy-picture")).to_have_text("Copied")
    types = page.page.evaluate("navigator.clipboard.read().then(([one]) => one.types)")
    assert types == ["image/png"]


def test_the_first_visit_says_that_a_key_is_needed(open_page: Open) -> None:
    page = open_page()
    expect(page.at("#need-key")).to_have_text("Drawing needs an API key")
    page.at("#need-key").click()
    expect(page.at("#key-tab")).to_be_visible()
    expect(page.at("#key-state")).to_be_hidden()
    page.at("#remember").check()
    expect(page.at("#key-tab")).to_be_hidden()
    page.connect(remember=True)
    expect(page.at("#need-key")).to_be_hidden()
    page.at("#key-button").click()
    expect(page.at("#key-state")).to_have_text("A key is stored in this browser.")


def test_the_shortcuts_are_listed(open_page: Open) -> None:
    page = open_page()
    page.page.keyboard.press("Control+/")
    expect(page.at("#shortcuts")).to_contain_text("Ctrl ⏎")
    assert page.violations() == []
    page.page.keyboard.press("Escape")
    expect(page.at("#shortcuts")).to_be_hidden()


def test_a_finished_picture_is_told_in_the_title_of_a_hidden_tab(page: Playground) -> None:
    page.page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.wish("A boat")
    page.draw()
    expect(page.page).to_have_title("✓ FLUX image API")


def test_a_new_user_gets_to_an_edited_kept_picture_in_a_few_taps(open_page: Open) -> None:
    """First visit, without a key, on a phone: taps are counted, typing is not."""
    page = open_page(width=360, height=780, has_touch=True, is_mobile=True)
    taps = 0

    def tap(selector: str) -> None:
        nonlocal taps
        taps += 1
        page.at(selector).first.tap()

    tap("#ideas button")
    for part in ("#prompt", "#ratios", "#draw"):
        expect(page.at(part)).to_be_in_viewport(ratio=1)
    tap("#draw")
    page.at("#key").fill("browser-key")
    tap("#key-connect")
    expect(page.picture).to_be_visible()
    tap("#edit")
    page.at("#prompt").fill("Make it night")
    tap("#draw")
    expect(page.at("#gallery li")).to_have_count(2)
    expect(page.at("#draw-label")).to_have_text("Draw")
    tap("#favourite")
    expect(page.at("#favourite")).to_have_attribute("aria-pressed", "true")  # the page says so when it is stored
    page.page.reload()
    expect(page.at("#gallery li").first).to_contain_text("★")
    assert taps < 12
