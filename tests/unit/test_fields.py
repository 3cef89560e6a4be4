"""Fields of a JSON body or a form: each becomes a value, or an error that names it."""

from collections.abc import Callable
from typing import Any

import pytest

from flux import fields
from flux.errors import InvalidRequest
from flux.generation import Options, PictureSource
from flux.sizes import Size
from tests.builders import ORIGIN, cases
from tests.fakes import form_of

ID = "AvPOQFMF9bSiRm0zTLi4_g-0tox0o0"
LINK = f"{ORIGIN}/image/{ID}.png"


def count(body: fields.Body, name: str) -> int | None:
    """A number with a range: that of `n`, under the name in the test."""
    return fields.whole_number({"n": body.get(name)}, "n")


READERS: dict[str, Callable[[fields.Body, str], Any]] = {
    "text": fields.text,
    "switch": fields.switch,
    "texts": fields.texts,
    "whole number": count,
    "choice": lambda body, name: fields.choice(body, name, ("low", "high")),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("body", [{}, {"x": None}])
def test_a_field_that_is_absent_or_null_has_no_value(reader: str, body: fields.Body) -> None:
    assert READERS[reader](body, "x") == (() if reader == "texts" else None)


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        ("text", "  A cat\n", "A cat"),
        ("text", "", None),
        ("text", " ", None),
        ("text", "A \ud83d cat", "A \ufffd cat"),
        ("switch", True, True),
        ("switch", False, False),
        ("switch", "TRUE", True),
        ("switch", 0, False),
        ("switch", "", None),
        ("texts", ["image", "text"], ["image", "text"]),
        ("whole number", 4, 4),
        ("whole number", 2.0, 2),
        ("whole number", "4", 4),
        ("whole number", 10, 10),
        ("whole number", "", None),
        ("choice", "high", "high"),
        ("choice", " HIGH ", "high"),
        ("choice", "", None),
    ],
)
def test_a_field_of_the_right_type_is_its_value(reader: str, value: Any, read: Any) -> None:
    found = READERS[reader]({"x": value}, "x")
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        *cases("text", [5, True, ["A cat"], {}]),
        *cases("switch", [2, "maybe", []]),
        *cases("texts", ["image", {}, [5], [None], 1]),
        *cases("whole number", ["four", 1.5, True, [4], 0, 11, float("inf"), float("nan"), 10**400]),
        *cases("choice", ["medium", "lowest", 5, ["low"], {}, True]),
    ],
)
def test_a_field_of_another_type_or_out_of_range_is_refused_by_its_name(reader: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        READERS[reader]({"x": value}, "x")
    name = "n" if reader == "whole number" else "x"
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (400, "invalid_value", name)
    assert refusal.value.message.startswith(f"'{name}' must be ")


@pytest.mark.parametrize("name", fields.RANGES)
def test_the_ends_of_a_range_belong_to_it(name: str) -> None:
    minimum, maximum = fields.RANGES[name]
    assert (fields.in_range(name, minimum), fields.in_range(name, maximum)) == (minimum, maximum)
    for outside in (minimum - 1, maximum + 1):
        with pytest.raises(InvalidRequest, match=f"'{name}' must be a whole number from {minimum} to {maximum}."):
            fields.in_range(name, outside)


# --- options --------------------------------------------------------------------------------------


def test_the_options_of_a_body_are_its_fields() -> None:
    body = {"model": "sdxl", "size": "3:2", "steps": 4, "seed": 7, "n": 2, "quality": "hd", "optimize": False}
    assert fields.options({**body, "negative_prompt": "dogs", "prompt": "A cat", "output_format": "png"}) == Options(
        model="sdxl",
        size=Size(768, 512),
        steps=4,
        seed=7,
        n=2,
        quality="hd",
        negative_prompt="dogs",
        optimize=False,
        mime="image/png",
    )


@pytest.mark.parametrize("body", [{}, {"model": "", "size": "", "negative_prompt": " "}, {"size": "auto"}])
def test_what_is_empty_leaves_the_choice_to_us(body: fields.Body) -> None:
    assert fields.options(body) == Options()


@pytest.mark.parametrize(
    ("body", "mime", "compression"),
    [
        ({}, None, None),
        ({"output_format": "jpg"}, "image/jpeg", None),
        ({"output_format": "jpeg", "output_compression": 100}, "image/jpeg", 100),
        ({"output_format": "png"}, "image/png", None),
        ({"output_format": "webp", "output_compression": 0}, "image/webp", 1),
        ({"output_compression": 7}, None, 7),
    ],
)
def test_the_options_of_the_file(body: fields.Body, mime: str | None, compression: int | None) -> None:
    """OpenAI's compression starts at 0, an encoder's quality at 1."""
    assert fields.options(body) == Options(mime=mime, compression=compression)


def test_a_forms_texts_are_read_as_the_fields_of_a_body() -> None:
    """There, numbers and booleans are strings, and an empty one is absent."""
    form = form_of(
        {"prompt": "A cat", "n": "2", "seed": "-1", "optimize": "false", "size": "3:2", "steps": "", "model": "7",
         "quality": ""}
    )  # fmt: skip
    assert fields.options(fields.form_values(form)) == Options(model="7", n=2, optimize=False, size=Size(768, 512))


@pytest.mark.parametrize(
    "parts",
    [{"image_config[aspect_ratio]": "16:9", "image_config[image_size]": "2K"},
     {"image_config": '{"aspect_ratio": "16:9", "image_size": "2K"}'},
     {"size[width]": "2048", "size[height]": "1152"},
     {"size": ' {"width": 2048, "height": 1152}'}],
    ids=["brackets", "JSON", "a size in brackets", "a size in JSON"],
)  # fmt: skip
def test_an_object_in_a_form_is_read_as_clients_write_it(parts: dict[str, str]) -> None:
    assert fields.options(fields.form_values(form_of(parts))).size == Size(2048, 1152)


def test_an_object_in_a_form_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'image_config' is not valid JSON") as refusal:
        fields.options({"image_config": '{"aspect_ratio": '})
    assert refusal.value.param == "image_config"


@pytest.mark.parametrize(
    ("name", "value"),
    [("n", "two"), ("n", "1.5"), ("n", "²"), ("n", "٣"), ("n", "9" * 5000), ("stream", "maybe"), ("optimize", "2")],
)
def test_a_forms_text_that_is_no_number_and_no_switch_is_refused(name: str, value: str) -> None:
    values = fields.form_values(form_of({name: value}))
    with pytest.raises(InvalidRequest) as refusal:
        fields.whole_number(values, name) if name in fields.RANGES else fields.switch(values, name)
    assert refusal.value.param == name


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        LINK,
        {"url": LINK},
        {"image_url": LINK},
        {"image_url": {"url": LINK}},
        {"type": "image_url", "image_url": {"url": LINK, "detail": "high"}},
    ],
)
def test_a_url_is_found_in_every_shape_that_clients_send(value: Any) -> None:
    assert fields.required_url(value, "image") == LINK


@pytest.mark.parametrize("value", [None, 5, [], {}, [LINK], {"url": None}, {"url": 5}, {"image_url": {"href": LINK}}])
def test_what_holds_no_url_is_refused_by_its_place(value: Any) -> None:
    assert fields.url_of(value) is None
    with pytest.raises(InvalidRequest) as refusal:
        fields.required_url(value, "images[2]")
    assert refusal.value.param == "images[2]"


@pytest.mark.parametrize("url", ["data:image/png;base64,AAAA", " DATA:;base64,AAAA", "data:nonsense"])
def test_a_data_url_is_a_picture_yet_to_be_read(url: str) -> None:
    assert fields.picture_source(url, "image") == PictureSource("image", data=url)


def test_a_link_of_our_own_is_the_picture_in_the_store() -> None:
    assert fields.picture_source(LINK, "image") == PictureSource("image", id=ID)


@pytest.mark.parametrize("url", ["", "https://example.com/cat.png", f"{LINK}/more", f"ftp://h/image/{ID}.png", ID])
def test_any_other_link_is_no_picture(url: str) -> None:
    assert fields.picture_source(url, "image") is None


@pytest.mark.parametrize(
    ("data", "base64"), [("data:image/png;base64,AAAA", "AAAA"), (" DATA:;base64,AAAA", "AAAA"), ("AAAA", "AAAA")]
)
def test_the_base64_of_a_source_is_what_follows_its_head(data: str, base64: str) -> None:
    assert fields.base64_of(PictureSource("image", data=data)) == base64


@pytest.mark.parametrize("data", ["data:", "data:image/png,abc", "Data:image/png;base64"])
def test_a_data_url_without_base64_is_refused(data: str) -> None:
    with pytest.raises(InvalidRequest, match="as data URLs in base64") as refusal:
        fields.base64_of(PictureSource("images[1]", data=data))
    assert refusal.value.param == "images[1]"
