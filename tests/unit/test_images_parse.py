"""An Images API body becomes a validated request, or an error that names the field."""

import base64
from typing import Any

import pytest

from flux import fields
from flux.endpoints.images import parse
from flux.endpoints.images.parse import ImageRequest
from flux.errors import InvalidRequest, MissingParameter
from flux.generation import GenerationRequest, PictureSource
from flux.picture import Picture
from flux.sizes import Size
from tests import fakes
from tests.builders import cases, data_url, planned
from tests.fakes import data_of, encoded, form_of, painted

PNG = encoded(fakes.opened(painted("A photo", 300, 200)), "image/png")
PICTURE = painted()


def parsed(**fields: Any) -> ImageRequest:
    """A generation with these fields."""
    return parse.image({"prompt": "A cat", **fields})


def test_a_prompt_is_all_it_takes() -> None:
    request = parsed()
    assert request.generation == GenerationRequest(asked="A cat", prompt="A cat", model_required=True)
    assert (request.stream, request.edit) == (False, False)
    assert (request.wants_url, request.wants_base64) == (True, True)
    assert (request.generation.options.mime, request.generation.options.compression) == (None, None)


@pytest.mark.parametrize("prompt", ["A cat 3:2 --seed 7", "16:9", " A cat \n"])
def test_the_prompt_is_taken_as_it_is(prompt: str) -> None:
    """Directives are only for chats."""
    assert parsed(prompt=prompt).generation.prompt == prompt.strip()
    assert parsed(prompt=prompt).generation.options.size is None


def test_lone_surrogates_do_not_reach_the_model() -> None:
    asked = parsed(prompt="A \ud83d cat", negative_prompt="\udc00", model="\udc00").generation
    assert (asked.prompt, asked.options.negative_prompt, asked.options.model) == ("A \ufffd cat", "\ufffd", "\ufffd")


@pytest.mark.parametrize("body", [{}, {"prompt": None}, {"prompt": ""}, {"prompt": " \n\u3000"}])
def test_a_prompt_that_says_nothing_is_missing(body: dict[str, Any]) -> None:
    with pytest.raises(MissingParameter) as refusal:
        parse.image(body)
    assert (refusal.value.code, refusal.value.param) == ("missing_required_parameter", "prompt")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("model", "dall-e-3", "dall-e-3"),
        ("size", "1536x1024", Size(1536, 1024)),
        ("size", "auto", None),
        ("size", "", None),
        ("size", "3:2", Size(768, 512)),
        *(("n", n, n) for n in (1, 2, 3, 4)),
        *(("quality", quality, quality) for quality in ("auto", "low", "medium", "high", "standard", "hd")),
        ("seed", 7, 7),
        ("steps", 4, 4),
        ("negative_prompt", "dogs", "dogs"),
        ("optimize", True, True),
    ],
)
def test_a_field_is_part_of_the_wish(name: str, value: Any, read: Any) -> None:
    assert getattr(parsed(**{name: value}).generation.options, name) == read


ALL_FIELDS = (
    "model n size quality response_format output_format output_compression seed steps user style background "
    "moderation stream partial_images negative_prompt optimize input_fidelity"
)


@pytest.mark.parametrize("name", ALL_FIELDS.split())
def test_a_field_that_is_null_is_as_one_that_is_absent(name: str) -> None:
    assert parsed(**{name: None}) == parsed()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *cases("prompt", [5, ["A cat"], {}, True]),
        *cases("model", [5, [], {}]),
        *cases("n", [-1, 11, "two", True, 1.5, [], 10**400]),
        *cases("size", ["63x64", "huge", 1024, [], "4097x64", "1000x"]),
        *cases("quality", ["best", 1, [], {}]),
        *cases("response_format", ["png", 1, []]),
        *cases("output_format", ["gif", "image/png", 1, []]),
        *cases("output_compression", [-1, 101, "high", 1.5, True]),
        *cases("seed", ["seven", 0.5]),
        *cases("steps", [0, 101, "four"]),
        *cases("stream", ["maybe", 2, []]),
        *cases("optimize", ["maybe", 2]),
        ("negative_prompt", 5),
    ],
)
def test_a_field_of_another_type_or_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parsed(**{name: value})
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (400, "invalid_value", name)


@pytest.mark.parametrize(
    ("field", "ignored"),
    [
        ({"style": "vivid"}, True),
        ({"style": 5}, True),
        ({"background": "transparent"}, True),
        ({"background": "auto"}, False),
        ({"background": "Opaque"}, False),
        ({"moderation": "low"}, True),
        ({"moderation": "auto"}, False),
        ({"input_fidelity": "high"}, True),
        ({"partial_images": 0}, False),
        ({"partial_images": 3}, True),
        ({"partial_images": "many"}, True),
        ({"guidance_scale": 7.5}, True),
        ({"style": ""}, False),
        ({"num_outputs": 3}, True),
        ({"batch_size": 1}, False),
        ({"extra_body": {"aspect_ratio": "16:9"}}, True),
        ({"generationConfig": {"imageConfig": {"aspectRatio": "16:9"}}}, True),
        ({"watermark": True}, True),
        ({"watermark": False}, False),
        ({"user": 123}, False),
        ({"x": [{}]}, False),
    ],
)
def test_what_cannot_be_followed_is_accepted_and_named(field: dict[str, Any], *, ignored: bool) -> None:
    """A value that describes the default behaviour is not reported."""
    asked = parsed(**field)
    assert asked.generation.ignored == (tuple(field) if ignored else ())
    assert asked.generation.options == parsed().generation.options


@pytest.mark.parametrize(
    ("wanted", "url", "base64"), [(None, True, True), ("url", True, False), ("b64_json", False, True)]
)
def test_how_pictures_are_handed_over(wanted: str | None, *, url: bool, base64: bool) -> None:
    """Both if nothing is specified, since clients read one or the other."""
    request = parsed(response_format=wanted)
    assert (request.wants_url, request.wants_base64) == (url, base64)


@pytest.mark.parametrize(
    ("name", "mime"),
    [("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"), (None, None)],
)
def test_the_type_that_is_delivered(name: str | None, mime: str | None) -> None:
    assert parsed(output_format=name).generation.options.mime == mime


@pytest.mark.parametrize(("sent", "quality"), [(0, 1), (1, 1), (80, 80), (100, 100), (50.0, 50), (None, None)])
def test_compression_is_an_encoders_quality(sent: float | None, quality: int | None) -> None:
    """OpenAI's range starts at 0, that of encoders at 1."""
    assert parsed(output_compression=sent).generation.options.compression == quality


# --- pictures to edit -----------------------------------------------------------------------------


async def read(sources: list[PictureSource]) -> tuple[Picture, ...]:
    """The pictures of an edit, as the endpoint reads them."""
    return (await planned(parse.image({"prompt": "Make it blue"}, sources, edit=True).generation)).images


@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"], ["image[0]", "image[1]"], ["image"] * 4])
async def test_a_forms_pictures_are_its_files_called_image(names: list[str]) -> None:
    pictures = await read(parse.form_sources(form_of(files=[(name, PNG) for name in names])))
    assert [(one.type, one.size, data_of(one.blob)) for one in pictures] == [("image/png", "300x200", PNG)] * len(names)


def test_other_files_of_a_form_are_left_alone() -> None:
    assert len(parse.form_sources(form_of(files=[("document", b"x"), ("image", PNG), ("attachment", b"y")]))) == 1


async def test_a_part_is_a_picture_by_its_bytes_whatever_it_is_called() -> None:
    pictures = await read(parse.form_sources(form_of(files=[("photo", PNG), ("file", PNG)])))
    assert [data_of(one.blob) for one in pictures] == [PNG, PNG]


@pytest.mark.parametrize("name", ["image", "image[]", "images", "image_url"])
async def test_a_text_of_a_form_can_be_a_picture(name: str) -> None:
    pictures = await read(parse.form_sources(form_of({name: data_url(PNG)})))
    assert [data_of(one.blob) for one in pictures] == [PNG]


@pytest.mark.parametrize(
    ("data", "said"), [(b"GIF89a" + bytes(100), "a GIF"), (b"\0\0\0\x18ftypheic" + bytes(100), "a HEIC")]
)
async def test_a_format_that_no_model_takes_is_named(data: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"The picture is {said}: send PNG, JPEG or WebP."):
        await read(parse.form_sources(form_of(files=[("image", data)])))


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(100), b"<svg/>", PNG[:20]])
async def test_a_file_that_is_no_picture_is_refused(data: bytes) -> None:
    """By its bytes, whatever type it claims to be."""
    with pytest.raises(InvalidRequest) as refusal:
        await read(parse.form_sources(form_of(files=[("image", data)])))
    assert refusal.value.param == "image"


@pytest.mark.parametrize("name", ["mask", "markup"])
def test_masks_are_refused_and_not_ignored(name: str) -> None:
    """The parts that they protect would be redrawn."""
    with pytest.raises(InvalidRequest) as refusal:
        parsed(**{name: {"image_url": "x"}})
    assert refusal.value.param == name


def test_a_mask_in_a_form_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse.form_sources(form_of(files=[("mask", PNG), ("image", PNG)]))
    assert refusal.value.param == "mask"


@pytest.mark.parametrize("item", [{"image_url": data_url(PNG)}, {"image_url": {"url": data_url(PNG)}}, data_url(PNG)])
async def test_pictures_in_json_are_data_urls(item: Any) -> None:
    pictures = await read(parse.json_sources({"images": [item] * 4}))
    assert [data_of(one.blob) for one in pictures] == [PNG] * 4


@pytest.mark.parametrize(
    ("images", "param"),
    [
        ("x", "images"),
        ("https://example.com/x.png", "images"),
        ([5], "images[0]"),
        ([{"file_id": "file-1"}], "images[0]"),
        ([{"image_url": data_url(PNG)}, {"image_url": "https://example.com/x.png"}], "images[1]"),
        ([{"image_url": "file:///etc/passwd"}], "images[0]"),
        ([{"image_url": "data:image/png;base64,????"}], "images[0]"),
        ([{"image_url": data_url(b"no picture")}], "images[0]"),
        ([{"image_url": data_url(PNG)}] * 5, "images"),
    ],
)
async def test_pictures_in_json_of_any_other_kind_are_refused_by_their_place(images: Any, param: str) -> None:
    """Especially links to other hosts: no address from a caller is ever fetched."""
    with pytest.raises(InvalidRequest) as refusal:
        await read(parse.json_sources({"images": images}))
    assert refusal.value.param == param


@pytest.mark.parametrize("name", fields.PICTURE_FIELDS)
@pytest.mark.parametrize("value", [data_url(PNG), [data_url(PNG)], {"url": data_url(PNG)}])
async def test_a_picture_makes_a_call_an_edit_by_whichever_name_it_comes(name: str, value: Any) -> None:
    """Otherwise an unrelated picture would be drawn and paid for."""
    body = {"prompt": "A cat", name: value}
    request = parse.image(body, parse.json_sources(body))
    assert request.edit
    assert [data_of(one.blob) for one in (await planned(request.generation)).images] == [PNG]


@pytest.mark.parametrize("name", ["image", "image[]", "images[0]", "image_url", "input_image_2", "init_image"])
async def test_a_forms_text_is_a_picture_by_whichever_name_it_comes(name: str) -> None:
    pictures = await read(parse.form_sources(form_of({name: data_url(PNG)})))
    assert [data_of(one.blob) for one in pictures] == [PNG]


@pytest.mark.parametrize(
    "value",
    [
        {"image": data_url(PNG)},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()},
        },
        {"b64_json": base64.b64encode(PNG).decode()},
        {"data": base64.b64encode(PNG).decode(), "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": data_url(PNG), "detail": "high"}},
    ],
)
async def test_a_picture_is_found_in_every_object_that_clients_put_it_into(value: Any) -> None:
    pictures = await read(parse.json_sources({"image": [value]}))
    assert [data_of(one.blob) for one in pictures] == [PNG]


async def test_an_edit_is_about_one_to_four_pictures() -> None:
    sources = [PictureSource("image", blob=PICTURE.blob)]
    assert [one.blob for one in await read(sources * 4)] == [PICTURE.blob] * 4
    with pytest.raises(MissingParameter) as none:
        await read(parse.json_sources({}))
    with pytest.raises(InvalidRequest, match="at most 4") as many:
        await read(sources * 5)
    assert none.value.param == many.value.param == "image"
