"""`POST /v1/images/generations` and `/v1/images/edits`, not streamed."""

from typing import Any

import pytest
from openai.types import ImagesResponse

from flux import upstream
from flux.ports import NotStored, ResizeFailed
from tests.builders import EDITS, FLUX_2, GENERATIONS, KLEIN, NOW, ORIGIN, SCHNELL, Service, data_url, form_posted
from tests.fakes import Painter, Rewriter, Scissors, Shelf, data_of, decode, encoded, opened, painted, shows

pytestmark = pytest.mark.usefixtures("clock")

PHOTO = encoded(opened(painted("A photo", 800, 600)), "image/png")
SMALL = encoded(opened(painted("Small", 300, 200)), "image/webp")


async def test_each_picture_comes_as_link_and_as_base64() -> None:
    """Clients read one or the other, and both are the same picture."""
    service = Service()
    answer = await service.generate("A cat", n=2)
    assert answer.status == 200
    assert len({item["url"] for item in answer.json["data"]}) == 2
    for item in answer.json["data"]:
        assert item.keys() == {"url", "b64_json"}
        found = await service.open(item["url"])
        assert found.data == decode(item["b64_json"]).data
        assert shows(found.data, "A cat")


async def test_the_answer_has_the_shape_that_openai_specifies() -> None:
    answer = await Service().generate("A cat", size="1024x1024", quality="hd", output_format="webp")
    images = ImagesResponse.model_validate(answer.json, strict=True)
    assert (images.created, images.size, images.quality) == (NOW, "1024x1024", "high")
    assert (images.output_format, images.background) == ("webp", "opaque")
    assert answer.json["model"] == SCHNELL
    usage = images.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (2, 1024, 1026)
    assert (usage.input_tokens_details.text_tokens, usage.input_tokens_details.image_tokens) == (2, 0)


@pytest.mark.parametrize(("response_format", "fields", "stored"), [("url", {"url"}, 1), ("b64_json", {"b64_json"}, 0)])
async def test_a_response_format_is_followed(response_format: str, fields: set[str], stored: int) -> None:
    """With only base64, nothing is stored."""
    service = Service()
    answer = await service.generate("A cat", response_format=response_format)
    assert answer.json["data"][0].keys() == fields
    assert len(service.store.pictures) == stored


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("size", ["768x512", "256x2048"])
@pytest.mark.parametrize("model", [SCHNELL, FLUX_2])
async def test_size_and_type_are_those_of_the_bytes(model: str, size: str, mime: str) -> None:
    service = Service()
    answer = await service.generate("A cat", model=model, size=size, output_format=mime.removeprefix("image/"))
    picture = opened(decode(answer.json["data"][0]["b64_json"]))
    assert picture.get_format_mimetype() == mime  # type: ignore[attr-defined]
    assert f"{picture.width}x{picture.height}" == answer.json["size"] == size
    assert f"image/{answer.json['output_format']}" == mime
    assert answer.json["data"][0]["url"].endswith({"image/jpeg": ".jpg"}.get(mime, mime.replace("image/", ".")))


async def test_where_nothing_can_be_cut_the_answer_names_what_there_is() -> None:
    service = Service(resizer=Scissors(ResizeFailed("9523")))
    answer = await service.generate("A cat", size="768x512", output_format="png")
    assert (answer.json["size"], answer.json["output_format"]) == ("1024x1024", "jpeg")


async def test_compression_makes_a_smaller_file() -> None:
    service = Service()
    small, large = [
        (await service.generate("A cat", output_format="webp", output_compression=quality)).json for quality in (1, 100)
    ]
    assert len(small["data"][0]["b64_json"]) < len(large["data"][0]["b64_json"])


async def test_directives_in_the_prompt_are_part_of_it() -> None:
    """Directives are only for chats."""
    service = Service()
    answer = await service.generate("A cat 3:2 --n 2")
    assert (len(answer.json["data"]), answer.json["size"]) == (1, "1024x1024")
    assert service.painter.drawings[0].prompt == "A cat 3:2 --n 2"


async def test_the_prompt_that_was_drawn_is_told_where_it_was_rewritten() -> None:
    service = Service(writer=Rewriter("A fluffy cat"))
    rewritten = await service.generate("Cat", optimize=True)
    as_typed = await service.generate("Cat")
    assert [item["revised_prompt"] for item in rewritten.json["data"]] == ["A fluffy cat"]
    assert "revised_prompt" not in as_typed.json["data"][0]


async def test_a_seed_that_the_model_takes_is_used_and_one_that_it_does_not_is_told() -> None:
    service = Service()
    followed = await service.generate("A cat", seed=7, model=FLUX_2)
    ignored = await service.generate("A cat", seed=7)
    assert service.painter.drawings[0].inputs["seed"] == 7
    assert "warnings" not in followed.json
    assert "seed" in ignored.json["warnings"][0]


async def test_a_picture_that_cannot_be_stored_is_not_lost_and_the_answer_says_so() -> None:
    """A data URL takes the place of the link."""
    service = Service(store=Shelf(NotStored("KV PUT failed: 429")))
    answer = await service.generate("A cat", response_format="url")
    head, data = answer.json["data"][0]["url"].split(",")
    assert head == "data:image/jpeg;base64"
    assert shows(decode(data), "A cat")
    assert any("stored" in warning for warning in answer.json["warnings"])


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1.5", "flux", None])
async def test_the_names_that_clients_hold_by_default_draw(model: str | None) -> None:
    assert (await Service().generate("A cat", model=model)).json["model"] == SCHNELL


async def test_an_unknown_model_is_a_404() -> None:
    answer = await Service().generate("A cat", model="midjourney")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")


async def test_the_pictures_that_were_drawn_are_delivered_and_what_failed_is_said() -> None:
    service = Service(painter=Painter(None, upstream.failure("500: no idea")))
    answer = await service.generate("A cat", n=3)
    assert answer.status == 200
    assert len(answer.json["data"]) == len(service.store.pictures) == 2
    assert answer.json["warnings"] == [f"1 of 3 pictures could not be drawn: {upstream.failure('500: no idea')}"]
    assert {name: service.log[0][name] for name in ("status", "pictures", "failed", "error")} == {
        "status": 200, "pictures": 2, "failed": 1, "error": "upstream_error"
    }  # fmt: skip


async def test_where_no_picture_was_drawn_the_first_failure_is_the_answer() -> None:
    service = Service(painter=Painter(upstream.failure("500: no idea"), upstream.no_picture("html")))
    answer = await service.generate("A cat", n=2)
    assert (answer.status, answer.error["message"]) == (502, str(upstream.failure("500: no idea")))


async def test_the_steps_are_the_models_own_range() -> None:
    answer = await Service().generate("A cat", steps=9)
    assert (answer.status, answer.error["param"]) == (400, "steps")
    assert "1 to 8" in answer.error["message"]


# --- edits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["image", "image[]", "image[0]"])
async def test_a_form_with_a_picture_is_drawn_by_a_model_that_takes_it(name: str) -> None:
    """Fields are read as in JSON. The picture is made small enough for the model, and determines the shape."""
    service = Service()
    fields = {"prompt": "Make it blue", "n": "2", "response_format": "b64_json", "quality": "high"}
    answer = await service.ask(form_posted(EDITS, fields, [(name, PHOTO)]))
    assert answer.status == 200
    assert (answer.json["model"], answer.json["size"], len(answer.json["data"])) == (KLEIN, "1184x880", 2)
    assert all(item.keys() == {"b64_json"} for item in answer.json["data"])
    assert shows(decode(answer.json["data"][0]["b64_json"]), "Make it blue")
    assert opened(service.painter.drawings[0].images[0]).size == (511, 383)
    assert shows(service.painter.drawings[0].images[0], "A photo")


async def test_several_pictures_go_in_in_their_order() -> None:
    service = Service()
    await service.ask(form_posted(EDITS, {"prompt": "Both"}, [("image[]", PHOTO), ("image[]", SMALL)]))
    first, second = service.painter.drawings[0].images
    assert shows(first, "A photo")
    assert data_of(second) == SMALL


async def test_the_same_in_json() -> None:
    service = Service()
    body = {"prompt": "Make it blue", "images": [{"image_url": data_url(PHOTO)}], "model": "flux-2-dev"}
    answer = await service.post(EDITS, body)
    assert (answer.json["model"], answer.json["size"]) == (FLUX_2, "1184x880")
    assert answer.json["usage"]["input_tokens_details"] == {"text_tokens": 3, "image_tokens": 25 * 19}


async def test_the_names_that_clients_hold_by_default_edit() -> None:
    answer = await Service().ask(form_posted(EDITS, {"prompt": "Blue", "model": "gpt-image-1"}, [("image", SMALL)]))
    assert answer.json["model"] == KLEIN


@pytest.mark.parametrize(
    ("fields", "files", "status", "code", "param"),
    [
        ({"prompt": "Blue"}, [], 400, "missing_required_parameter", "image"),
        ({"prompt": ""}, [("image", SMALL)], 400, "missing_required_parameter", "prompt"),
        ({}, [("image", SMALL)], 400, "missing_required_parameter", "prompt"),
        ({"prompt": "Blue", "model": SCHNELL}, [("image", SMALL)], 400, "unsupported_model", "model"),
        ({"prompt": "Blue", "model": "x"}, [("image", SMALL)], 404, "model_not_found", "model"),
        ({"prompt": "Blue", "n": "11"}, [("image", SMALL)], 400, "invalid_value", "n"),
        ({"prompt": "Blue", "n": "many"}, [("image", SMALL)], 400, "invalid_value", "n"),
        ({"prompt": "Blue"}, [("image", b"GIF89a" + bytes(99))], 400, "invalid_value", "image"),
        ({"prompt": "Blue"}, [("image", SMALL)] * 5, 400, "invalid_value", "image"),
        ({"prompt": "Blue"}, [("image", SMALL), ("mask", SMALL)], 400, "invalid_value", "mask"),
    ],
)
async def test_a_form_that_is_not_right_is_refused_by_the_field(
    fields: dict[str, str], files: list[tuple[str, bytes]], status: int, code: str, param: str
) -> None:
    request = form_posted(EDITS, fields, files or [("other", b"x")])
    answer = await Service().ask(request)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param)


async def test_a_body_that_is_called_a_form_and_is_none_is_refused() -> None:
    answer = await Service().post(EDITS, "nonsense", headers={"content-type": "multipart/form-data"})
    assert (answer.status, answer.error["code"]) == (400, "invalid_value")


@pytest.mark.parametrize("fields", [{"prompt": "A cat", "images": "x"}, {"prompt": "A cat"}, {"prompt": 5}])
async def test_an_edit_in_json_that_is_not_right_is_refused(fields: dict[str, Any]) -> None:
    assert (await Service().post(EDITS, fields)).status == 400


@pytest.mark.parametrize("field", [{"images": [{"image_url": data_url(PHOTO)}]}, {"image": data_url(PHOTO)}])
async def test_a_picture_in_a_generation_makes_it_an_edit(field: dict[str, Any]) -> None:
    service = Service()
    await service.post(GENERATIONS, {"prompt": "A cat", "model": FLUX_2, **field})
    assert len(service.painter.drawings[0].images) == 1
    refused = await service.post(GENERATIONS, {"prompt": "A cat", "model": SCHNELL, **field})
    assert (refused.status, refused.error["code"]) == (400, "unsupported_model")


async def test_links_are_those_of_the_origin_that_was_asked() -> None:
    assert (await Service().generate()).json["data"][0]["url"].startswith(f"{ORIGIN}/image/")
