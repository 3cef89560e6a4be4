"""The shape of a picture: the same names, the same precedence and exact pixels in every API."""

from collections.abc import Mapping
from typing import Any

import pytest

from flux import catalog, sizes
from flux.sizes import Size
from tests.builders import SCHNELL, SDXL, Answer, Service, plan_of
from tests.fakes import decode, opened

RESPONSES = "/v1/responses"
TOOL = {"type": "image_generation"}


async def by_chat(service: Service, fields: Mapping[str, Any]) -> Answer:
    return await service.chat("A cat", **fields)


async def by_images(service: Service, fields: Mapping[str, Any]) -> Answer:
    return await service.generate("A cat", **fields)


async def by_responses(service: Service, fields: Mapping[str, Any]) -> Answer:
    return await service.post(RESPONSES, {"input": "A cat", **fields})


async def by_tool(service: Service, fields: Mapping[str, Any]) -> Answer:
    return await service.post(RESPONSES, {"input": "A cat", "tools": [{**TOOL, **fields}]})


APIS = {"chat": by_chat, "images": by_images, "responses": by_responses, "the tool of responses": by_tool}
EACH_API = pytest.mark.parametrize("api", APIS)


def delivered(service: Service) -> list[str]:
    """The sizes of the stored pictures, read from their bytes."""
    return ["{}x{}".format(*opened(one).size) for one, _ in service.store.pictures.values()]


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"size": "768x512"}, "768x512"),
    ({"size": "1000X701"}, "1000x701"),
    ({"size": "16:9"}, "1024x576"),
    ({"size": "2.35:1"}, "1568x672"),
    ({"width": 640, "height": 360}, "640x360"),
    ({"width": "641", "height": " 361 "}, "641x361"),
    ({"width": 640.0, "height": 360}, "640x360"),
    ({"aspect_ratio": "16:9"}, "1024x576"),
    ({"aspect_ratio": "9:19.5"}, str(sizes.of_ratio("9:19.5"))),
    ({"aspect_ratio": "32:18"}, "1024x576"),
    ({"ratio": "3:4"}, "768x1024"),
    ({"image_config": {"aspect_ratio": "16:9"}}, "1024x576"),
    ({"image_config": {"aspect_ratio": "1:1", "image_size": "2K"}}, "2048x2048"),
    ({"image_config": {"image_size": "2k"}}, "2048x2048"),
    ({"resolution": "2K"}, "2048x2048"),
    ({"aspect_ratio": "16:9", "resolution": "2K"}, "2048x1152"),
    ({"aspect_ratio": "16:9", "image_size": "1K"}, "1024x576"),
    ({"image_config": {}}, "1024x1024"),
    ({"aspect_ratio": "16x9"}, "1024x576"),
    ({"aspectRatio": "16:9", "imageSize": "2K"}, "2048x1152"),
    ({"imageConfig": {"aspectRatio": "3:2"}}, "768x512"),
    ({"image_config": {"width": 640, "height": 360}}, "640x360"),
    ({"image_config": {"size": "640x360", "aspect_ratio": "1:1"}}, "640x360"),
]


@EACH_API
@pytest.mark.parametrize(("fields", "size"), NAMES)
async def test_a_shape_is_delivered_by_whichever_name_it_comes(api: str, fields: dict[str, Any], size: str) -> None:
    service = Service()
    answer = await APIS[api](service, fields)
    assert answer.status == 200, answer.text
    assert delivered(service) == [size]
    assert size in answer.text


ORDER: list[tuple[dict[str, Any], str]] = [
    ({"size": "768x512", "width": 640, "height": 360, "aspect_ratio": "1:2"}, "768x512"),
    ({"width": 640, "height": 360, "aspect_ratio": "1:2", "resolution": "2K"}, "640x360"),
    ({"aspect_ratio": "1:2", "ratio": "3:2", "image_config": {"aspect_ratio": "16:9"}}, "512x1024"),
    ({"ratio": "3:2", "image_config": {"aspect_ratio": "16:9"}}, "768x512"),
    ({"size": "768x512", "image_config": {"aspect_ratio": "16:9", "image_size": "2K"}}, "768x512"),
    ({"width": 640, "height": 360, "image_config": {"size": "768x512"}}, "768x512"),
    ({"size": "768x512", "image_config": {"size": "640x360"}}, "768x512"),
    # Fields that specify nothing leave the decision to the next one.
    ({"size": "auto", "width": 640, "height": 360}, "640x360"),
    ({"size": "", "width": 0, "height": 0, "aspect_ratio": "3:2"}, "768x512"),
    ({"size": None, "aspect_ratio": "auto", "image_config": {"aspect_ratio": "16:9"}}, "1024x576"),
    ({"aspect_ratio": " ", "resolution": "auto", "ratio": "16:9"}, "1024x576"),
]


@EACH_API
@pytest.mark.parametrize(("fields", "size"), ORDER)
async def test_of_several_names_the_first_that_says_something_counts(
    api: str, fields: dict[str, Any], size: str
) -> None:
    """`size`, then width and height, then a ratio with its resolution."""
    service = Service()
    await APIS[api](service, fields)
    assert delivered(service) == [size]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"size": "big"}, "size"),
    ({"size": 512}, "size"),
    ({"size": "63x512"}, "size"),
    ({"size": "512x4097"}, "size"),
    ({"width": 640}, "height"),
    ({"height": 640}, "width"),
    ({"width": "wide", "height": 640}, "width"),
    ({"width": 640.5, "height": 640}, "width"),
    ({"width": True, "height": 640}, "width"),
    ({"width": -640, "height": 640}, "width"),
    ({"width": 63, "height": 640}, "width"),
    ({"aspect_ratio": "wide"}, "aspect_ratio"),
    ({"aspect_ratio": "4.1:1"}, "aspect_ratio"),
    ({"aspect_ratio": 1.5}, "aspect_ratio"),
    ({"aspect_ratio": "16:9", "resolution": "8K"}, "resolution"),
    ({"image_config": "16:9"}, "image_config"),
    ({"image_config": {"image_size": "huge"}}, "image_size"),
]


@EACH_API
@pytest.mark.parametrize(("fields", "param"), WRONG)
async def test_a_shape_that_cannot_be_is_refused_by_its_name(api: str, fields: dict[str, Any], param: str) -> None:
    service = Service()
    answer = await APIS[api](service, fields)
    assert (answer.status, answer.error["code"]) == (400, "invalid_value")
    assert answer.error["param"].rpartition(".")[2] == param
    assert service.painter.drawings == []


IGNORED: list[dict[str, Any]] = [
    {"style": "vivid"},
    {"moderation": "low"},
    {"input_fidelity": "high"},
    {"partial_images": 2},
    {"guidance_scale": 7.5},
    {"loras": [{"path": "x"}]},
    {"negative_prompt": "dogs"},
    {"num_inference_steps": 20},
]


@EACH_API
@pytest.mark.parametrize("fields", IGNORED, ids=lambda fields: next(iter(fields)))
async def test_a_wish_that_cannot_be_followed_is_said_in_every_api(api: str, fields: dict[str, Any]) -> None:
    """In `warnings` or in a line of the answer. The picture is drawn."""
    answer = await APIS[api](Service(), fields)
    (name,) = fields
    assert answer.status == 200
    said = answer.json["warnings"][0] if api == "images" else answer.text
    assert f"cannot be followed here: {name}." in said


@EACH_API
async def test_what_is_the_default_anyway_needs_no_word(api: str) -> None:
    fields: dict[str, Any] = {"moderation": "auto", "partial_images": 0, "style": "", "guidance_scale": None}
    answer = await APIS[api](Service(), fields | ({} if api == "responses" else {"background": "Opaque"}))
    assert answer.status == 200
    assert "⚠️" not in answer.text
    assert "warnings" not in answer.json


@pytest.mark.parametrize("api", ["chat", "images", "the tool of responses"])
async def test_a_transparent_background_is_drawn_opaque_and_said(api: str) -> None:
    answer = await APIS[api](Service(), {"background": "transparent"})
    assert answer.status == 200
    assert "cannot be followed here: background." in answer.text


# --- pixels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["64x64", "65x4096", "1366x768", "1001x701", "2560x1440", "2500x999", "3840x2160"])
@pytest.mark.parametrize("model", catalog.MODELS)
async def test_every_model_delivers_exactly_the_size_that_is_asked_for(model: str, size: str) -> None:
    """For any whole number of pixels, according to the picture's bytes."""
    answer = await Service().generate("A cat", model=model, size=size, response_format="b64_json")
    picture = opened(decode(answer.json["data"][0]["b64_json"]))
    assert f"{picture.width}x{picture.height}" == answer.json["size"] == size


@pytest.mark.parametrize("model", [SCHNELL, SDXL])
@pytest.mark.parametrize(("size", "enlarged"), [("2560x1440", True), ("1000x701", False), ("64x64", False)])
async def test_an_enlarged_picture_is_said_to_be_one(model: str, size: str, *, enlarged: bool) -> None:
    images = await Service().generate("A cat", model=model, size=size)
    chat = await Service().chat("A cat", model=model, size=size)
    assert any("enlarged" in warning for warning in images.json.get("warnings", ())) is enlarged
    assert ("enlarged" in chat.content) is enlarged


async def test_without_the_resizer_the_true_size_is_named() -> None:
    answer = await Service(unbound=["resizer"]).generate("A cat", size="1000x701")
    picture = opened(decode(answer.json["data"][0]["b64_json"]))
    assert answer.json["size"] == f"{picture.width}x{picture.height}" == "1024x1024"


TOO_MUCH = [(10, "2001x2000", 9), (3, "4096x4096", 2), (5, "3840x2160", 4), (10, "4:1", None)]


@EACH_API
@pytest.mark.parametrize(("n", "size", "fits"), TOO_MUCH)
async def test_what_is_too_much_for_one_request_is_refused_with_the_number_that_fits(
    api: str, n: int, size: str, fits: int | None
) -> None:
    """Forty million pixels in total; ten pictures of the default size are fewer."""
    service = Service()
    answer = await APIS[api](service, {"n": n, "size": size})
    if fits is None:
        assert (answer.status, len(service.painter.drawings)) == (200, n)
        return
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_value", "n")
    assert f"{fits} " in answer.error["message"]
    assert service.painter.drawings == []


@pytest.mark.parametrize(("n", "size"), [(10, Size(2000, 2000)), (2, Size(4096, 4096)), (4, Size(3840, 2160))])
def test_as_many_pixels_as_fit_are_planned(n: int, size: Size) -> None:
    assert plan_of(n=n, size=size).request.n == n
