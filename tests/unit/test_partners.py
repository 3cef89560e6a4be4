"""Models of other makers: each row matches the model's published schema, and is used only if enabled."""

import json
from datetime import datetime
from typing import Any

import pytest
from PIL import Image

from dev import ROOT, tables
from dev import models as page
from flux import catalog, partners, prices, sizes
from flux.catalog import Model, Partner
from flux.errors import InvalidConfiguration, ModelNotFound, UnsupportedModel
from flux.fields import LEVELS
from flux.partners import MODELS
from flux.picture import Picture, look
from flux.pipeline import MAX_IN_TEXT
from flux.plan import ModelCall
from flux.ports import ResizeFailed
from flux.size_control import Bounds, Listed, Ratios, WidthAndHeight, WidthByHeight, value_of
from flux.sizes import Size
from tests.builders import SCHNELL, Service, chat_of, data_url, plan_of, settings_of
from tests.fakes import Bytes, Scissors, data_of, encoded, file_of, painted, schema_refusal

EACH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
ALL = {"PARTNER_MODELS": "*"}
KONTEXT, MAX, GPT = "black-forest-labs/flux-1-kontext-pro", "black-forest-labs/flux-2-max", "openai/gpt-image-2"
BANANA, EDITOR, QWEN = "google/nano-banana", "bria/fibo-edit-1.5", "alibaba/qwen-image-3.0-pro"
PHOTO = painted("A photo", 800, 600)

SIZES = [
    *sizes.RATIOS.values(),
    *(Size(*sides) for sides in ((64, 64), (64, 4096), (4096, 64), (4096, 4096), (1, 4), (2048, 2048), (1000, 777))),
]


def published(model: Model) -> dict[str, Any]:
    """What Cloudflare publishes about a model."""
    return dict(json.loads((ROOT / "dev" / "ai" / "models" / f"{file_of(model)}.json").read_text()))


def schema_of(model: Model) -> dict[str, Any]:
    """The published schema of its inputs."""
    return dict(published(model)["schema"]["input"])


def partner_of(model: Model) -> Partner:
    """What its row has in addition to those of Workers AI."""
    assert model.partner
    return model.partner


def call_of(model: str, *, variables: dict[str, str] | None = None, **fields: Any) -> ModelCall:
    """The call of a model if everything is enabled."""
    needed: Any = (PHOTO,) if MODELS[model].edits_alone else ()
    return plan_of(variables=variables or ALL, model=model, **{"images": needed, **fields}).calls[0]


def numbers(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a schema about numbers. Some schemas use `anyOf` or a list of types for nullable values."""
    return next((one for one in schema.get("anyOf", ()) if "number" in one["type"] or "integer" in one["type"]), schema)


# --- rows and schemas -----------------------------------------------------------------------------


@EACH
def test_a_row_is_that_of_its_published_model(model: Model) -> None:
    found = published(model)
    assert model.id == found["model_id"]
    assert model.name == found["name"]
    assert model.created == int(datetime.fromisoformat(f"{found['created_at']}+00:00").timestamp())
    assert not found["supports_async"]


@EACH
def test_whatever_is_wanted_a_model_is_asked_for_what_its_schema_takes(model: Model) -> None:
    for size in SIZES:
        call = call_of(model.id, size=size, seed=2**60, quality="max", mime="image/png", negative_prompt="rain " * 400)
        assert schema_refusal(model, call.inputs("A cat", 3), model.max_images) is None
    assert schema_refusal(model, call_of(model.id).inputs("A cat", 0), int(model.edits_alone)) is None


@EACH
def test_what_the_schema_does_not_take_would_be_found(model: Model) -> None:
    """Otherwise the previous test would accept anything."""
    inputs = call_of(model.id).inputs("A cat", 0)
    assert schema_refusal(model, {**inputs, "mask": "AAAA", "depth": 1}, model.max_images)


@EACH
def test_pictures_go_in_where_the_schema_says_so_and_in_its_number(model: Model) -> None:
    """A field that accepts only URLs, or does not say what it accepts, does not count."""
    properties, images = schema_of(model)["properties"], partner_of(model).images
    assert bool(images) == bool(model.max_images)
    if not images:
        assert not {"input_image", "input_images"} & properties.keys()
        return
    field = properties[images.field]
    assert images.as_list == (field["type"] == "array")
    assert model.max_images == field.get("maxItems", 1)
    said = field["description"]
    assert ("data" in said) == images.data_urls
    assert "base64" in said
    assert "not documented" not in said
    assert images.required == (images.field in schema_of(model).get("required", ()))
    assert model.max_image_side == partners.IMAGE_SIDE


@EACH
def test_ranges_and_words_are_those_of_the_schema(model: Model) -> None:
    """Values inside and outside of them."""
    properties, partner = schema_of(model)["properties"], partner_of(model)
    assert ("seed" in properties) == bool(model.seeds)
    if model.seeds:
        seed = numbers(properties["seed"])
        assert model.seeds - 1 <= seed.get("maximum", 2**31 - 1)
        assert seed.get("minimum", 0) <= 0
    assert ("negative_prompt" in properties) == model.negative_prompt
    assert partner.max_negative_prompt == properties.get("negative_prompt", {}).get("maxLength")
    assert list(partner.qualities) == [one for one in properties.get("quality", {}).get("enum", ()) if one != "auto"]
    formats = properties.get(partner.format_field, {}).get("enum", [])
    assert sorted((partner.formats or {}).values()) == sorted(formats)
    assert ("steps" in properties) == bool(model.steps)
    if model.steps:
        assert (model.steps.min, model.steps.max) == (properties["steps"]["minimum"], properties["steps"]["maximum"])
    assert partner.prompt in properties


@EACH
def test_size_is_controlled_as_the_schema_says(model: Model) -> None:
    """With all values of an enumeration, except those that leave the choice to the model."""
    properties, control = schema_of(model)["properties"], partner_of(model).control
    match control:
        case WidthAndHeight(bounds):
            assert bounds.min_side == properties["width"]["minimum"] == properties["height"]["minimum"]
            assert bounds.max_side <= properties["width"]["maximum"]
        case WidthByHeight(field=field):
            assert properties[field].get("pattern", r"^\d+x\d+$") == r"^\d+x\d+$"
            assert "enum" not in properties[field]
        case Listed(listed, field):
            values = properties[field].get("enum", ["1024x1024"])
            assert sorted(map(str, listed)) == sorted(one for one in values if one != "auto")
        case Ratios(ratios, resolutions, field, resolution_field):
            if values := properties[field].get("enum"):
                assert sorted(ratios) == sorted(one for one in values if one not in ("auto", "match_input_image"))
            else:
                assert "between 3:7 and 7:3" in properties[field]["description"]
                assert all(3 / 7 <= value_of(one) <= 7 / 3 for one in ratios)
            assert [name for name, _ in resolutions] == properties.get(resolution_field, {}).get("enum", [])
        case _:
            raise AssertionError(control)


@pytest.mark.parametrize(("wanted", "found"), [(600, 1024), (1024, 1024), (4096, 2048)])
def test_of_sizes_in_any_order_the_smallest_that_covers_is_asked_for(wanted: int, found: int) -> None:
    """If none covers it, the largest."""
    listed = Listed(tuple(Size(side, side) for side in (2048, 512, 1024)))
    assert listed.ask(Size(wanted, wanted)).size == Size(found, found)


def test_no_side_is_shorter_than_the_shortest_that_a_model_takes() -> None:
    """Even if the longest allowed side would make it shorter."""
    bounds = Bounds(min_side=256, max_side=1024, max_pixels=1024 * 1024)
    assert bounds.nearest(Size(64, 4096)) == Size(256, 1024)


def test_no_side_is_longer_than_the_longest_that_a_model_takes() -> None:
    """Even if that is not a multiple of sixteen."""
    bounds = Bounds(min_side=256, max_side=1000, max_pixels=1024 * 1024)
    assert bounds.nearest(Size(2000, 2000)) == Size(992, 992)


def test_the_shape_is_kept_where_only_the_longest_side_is_too_long() -> None:
    bounds = Bounds(min_side=256, max_side=1024, max_pixels=2048 * 2048)
    assert bounds.nearest(Size(2048, 1024)) == Size(1024, 512)


DOLLARS = {
    "Per image": "picture",
    "output_size_1k": "picture",
    "output_size_2k": "large_picture",
    "First output megapixel": "first_megapixel",
    "Per additional output megapixel": "megapixel",
    "Per input megapixel": "image_megapixel",
    "Per input image": "image",
}


@EACH
def test_a_price_is_the_published_one_and_none_by_tokens(model: Model) -> None:
    found = published(model)
    listed = {DOLLARS[name]: round(price * 1e6) for name, price in (found["pricing"] or {}).items() if name in DOLLARS}
    if stated := found["metadata"].get("Price (text-to-image)"):
        listed["picture"] = round(float(stated.strip("$")) * 1e6)
    price = partner_of(model).price
    amounts = {name: getattr(price, name) for name in DOLLARS.values()} if price else {}
    assert {name: amount for name, amount in amounts.items() if amount} == listed


# --- inputs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "size", "inputs"),
    [
        (MAX, Size(1024, 576), {"width": 1024, "height": 576}),
        (MAX, Size(1000, 777), {"width": 1008, "height": 784}),
        (MAX, Size(4096, 4096), {"width": 2000, "height": 2000}),
        (GPT, Size(1024, 1024), {"size": "1024x1024"}),
        (GPT, Size(576, 1024), {"size": "1024x1536"}),
        ("openai/gpt-image-1.5", Size(300, 300), {"size": "512x512"}),
        ("openai/gpt-image-1.5", Size(4096, 4096), {"size": "1024x1024"}),
        (KONTEXT, Size(1024, 576), {"aspect_ratio": "16:9"}),
        (KONTEXT, Size(4096, 64), {"aspect_ratio": "21:9"}),
        (BANANA, Size(1568, 672), {"aspect_ratio": "21:9", "image_size": "1K"}),
        (BANANA, Size(2048, 2048), {"aspect_ratio": "1:1", "image_size": "2K"}),
        (BANANA, Size(4096, 4096), {"aspect_ratio": "1:1", "image_size": "4K"}),
        ("bytedance/seedream-5-lite", Size(512, 512), {"aspect_ratio": "1:1", "size": "2K"}),
        ("bytedance/seedream-5-pro", Size(512, 512), {"size": "1024x1024"}),
        ("bria/fibo-generate-1.5", Size(2048, 1152), {"aspect_ratio": "16:9", "resolution": "4MP"}),
        ("krea/krea-2-large", Size(1440, 612), {"aspect_ratio": "2.35:1", "resolution": "1K"}),
        (QWEN, Size(1536, 1024), {"size": "1536x1024"}),
        ("alibaba/wan-2.6-image", Size(2048, 2048), {"size": "1024x1024"}),
        ("recraft/recraftv4-1", Size(1024, 576), {"size": "1024x1024"}),
        ("xai/grok-imagine-image", Size(672, 1568), {"aspect_ratio": "9:20", "resolution": "1k"}),
    ],
)
def test_the_nearest_size_that_the_model_has_is_asked_for(model: str, size: Size, inputs: dict[str, Any]) -> None:
    assert inputs.items() <= call_of(model, size=size).fixed.items()


@pytest.mark.parametrize(
    ("quality", "sent"),
    [(None, "medium"), ("auto", "medium"), ("standard", "medium"), ("hd", "high"), ("low", "low"), ("max", "high")],
)
def test_a_quality_is_always_sent_so_that_the_price_does_not_vary(quality: str | None, sent: str) -> None:
    assert call_of(GPT, quality=quality).fixed["quality"] == sent
    assert call_of("openai/gpt-image-2.5-flare", quality="max").fixed["quality"] == "max"
    assert set(LEVELS.values()) <= set(partner_of(MODELS[GPT]).qualities)


def test_seeds_count_up_within_the_range_of_the_model() -> None:
    call = call_of(QWEN, seed=2**31 - 1)
    assert [call.inputs("A cat", index)["seed"] for index in (0, 1)] == [2**31 - 1, 0]
    assert "seed" not in call_of(BANANA, seed=3).inputs("A cat", 0)


def test_a_type_that_the_model_has_is_asked_for() -> None:
    assert call_of(BANANA, mime="image/jpeg").fixed["output_format"] == "jpg"
    assert call_of(EDITOR, mime="image/png").fixed["output_type"] == "png"
    assert "output_type" not in call_of(EDITOR, mime="image/webp").fixed
    assert "output_format" not in call_of(BANANA).fixed


def test_the_prompt_goes_where_the_model_has_it() -> None:
    assert call_of(EDITOR).inputs("Make it blue", 0).items() >= {"instruction": "Make it blue"}.items()


def test_what_edits_alone_draws_nothing_without_a_picture() -> None:
    with pytest.raises(UnsupportedModel, match="can only edit"):
        plan_of(variables=ALL, model=EDITOR)
    with pytest.raises(UnsupportedModel, match="takes no pictures"):
        plan_of(variables=ALL, model=BANANA, images=(PHOTO,), action="edit")


# --- prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "fields", "dollars"),
    [
        (KONTEXT, {}, 0.04),
        (MAX, {}, 0.07),
        (MAX, {"size": Size(1536, 1024)}, 0.10),
        (MAX, {"size": Size(1024, 1024), "images": (PHOTO, PHOTO)}, 0.13),
        (QWEN, {}, 0.04),
        (QWEN, {"size": Size(2048, 2048)}, 0.07),
        ("krea/krea-2-medium-turbo", {}, 0.015),
        ("xai/grok-imagine-image", {"n": 3}, 0.02),
        (GPT, {}, None),
        (SCHNELL, {}, 0.000634),
    ],
)
def test_a_picture_costs_what_is_published(model: str, fields: dict[str, Any], dollars: float | None) -> None:
    call = plan_of(variables=ALL, model=model, **fields).calls[0]
    assert call.cost.dollars == (None if dollars is None else round(dollars * prices.A_DOLLAR))
    assert (call.cost.neurons == 0) == (model != SCHNELL)


def test_the_owner_can_state_a_price() -> None:
    """Per picture, in place of the published price."""
    stated = {"PARTNER_MODELS": f"{GPT}=0.13, {MAX} = $1.5\nrecraft/recraftv4-1"}
    costs = {one: call_of(one, variables=stated, n=2).cost.dollars for one in (GPT, MAX, "recraft/recraftv4-1")}
    assert costs == {GPT: 130_000, MAX: 1_500_000, "recraft/recraftv4-1": 40_000}


async def test_enabled_models_are_listed_with_their_price() -> None:
    listed = {one["id"]: one for one in (await Service(variables=ALL).get("/v1/models")).json["data"]}
    assert listed.keys() == catalog.MODELS.keys() | MODELS.keys()
    assert listed[MAX]["owned_by"] == "black-forest-labs"
    assert listed[MAX]["pricing"] == {
        "unit": "dollars",
        "per_first_megapixel": 0.07,
        "per_megapixel": 0.03,
        "per_image_megapixel": 0.03,
        "source": "partner catalogue",
        "checked": prices.CHECKED,
        "note": None,
        "example": {"size": "1024x1024", "steps": None, "dollars": 0.07},
    }
    assert listed[GPT]["pricing"] is None
    assert listed[GPT]["capabilities"]["images"] == 16


# --- which are enabled ----------------------------------------------------------------------------

CHAT, IMAGES, RESPONSES = "/v1/chat/completions", "/v1/images/generations", "/v1/responses"


def body_of(path: str, model: str) -> dict[str, Any]:
    """A request to draw with a model, for each API."""
    return {
        CHAT: chat_of(model=model),
        IMAGES: {"prompt": "A cat", "model": model},
        RESPONSES: {"input": "A cat", "model": model},
    }[path]


@pytest.mark.parametrize("path", [CHAT, IMAGES, RESPONSES])
@pytest.mark.parametrize(
    "name", [BANANA, "openrouter/google/nano-banana", "Google/Nano-Banana:free", "recraft/recraftv4-1", "flux-2-max"]
)
async def test_a_model_that_is_not_enabled_is_not_found_and_the_setting_is_named(path: str, name: str) -> None:
    """In all APIs: such a name cannot mean anything else."""
    service = Service(variables={"PARTNER_MODELS": GPT})
    answer = await service.post(path, body_of(path, name))
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")
    assert "PARTNER_MODELS" in answer.error["message"]
    assert not service.painter.drawings


async def test_nothing_enabled_is_nothing_listed() -> None:
    service = Service()
    assert [one["id"] for one in (await service.get("/v1/models")).json["data"]] == list(catalog.MODELS)
    answer = await service.get(f"/v1/models/{BANANA}")
    assert (answer.status, "PARTNER_MODELS" in answer.error["message"]) == (404, True)
    for directive in (f"A cat --model {BANANA}", "A cat --model nano-banana"):
        assert (await service.chat(directive)).error["code"] == "model_not_found"


@pytest.mark.parametrize("name", [GPT, "openai/dall-e-3", "openai/gpt-image-1.5", "openai:gpt-image-2.5-flare"])
@pytest.mark.parametrize("path", [CHAT, IMAGES, RESPONSES])
async def test_openais_names_mean_the_default_model_until_they_are_enabled(path: str, name: str) -> None:
    service = Service(variables={"PARTNER_MODELS": BANANA})
    assert (await service.post(path, body_of(path, name))).status == 200
    [call] = service.painter.drawings
    assert call.model.id == SCHNELL


@pytest.mark.parametrize(
    ("setting", "name", "meant"),
    [
        ("", "gpt-image-2", SCHNELL),
        ("*", "gpt-image-2", SCHNELL),
        ("*", "openai/gpt-image-2", GPT),
        ("*", "openai:gpt-image-2", GPT),
        ("*", "openai/gpt-image-1", SCHNELL),
        ("*", "dall-e-3", SCHNELL),
        (GPT, "gpt-image-2", GPT),
        (f"*, {GPT}=0.05", "gpt-image-2", GPT),
        (GPT, "gpt-image-1.5", SCHNELL),
        (GPT, "openai/gpt-image-1.5", SCHNELL),
        (GPT, "gpt-image-2-2026-04-01", SCHNELL),
        ("*", "auto", SCHNELL),
        ("*", "nano banana pro", "google/nano-banana-pro"),
        ("*", "FLUX.2 [max]", MAX),
    ],
)
def test_a_generic_name_means_another_makers_model_only_where_the_owner_named_it(
    setting: str, name: str, meant: str
) -> None:
    assert plan_of(variables={"PARTNER_MODELS": setting}, model=name, model_required=True).model.id == meant


@pytest.mark.parametrize(("setting", "meant"), [("*", SCHNELL), (GPT, GPT)])
async def test_a_tool_of_responses_names_a_model_as_the_other_apis_do(setting: str, meant: str) -> None:
    service = Service(variables={"PARTNER_MODELS": setting})
    tools = [{"type": "image_generation", "model": "gpt-image-2"}]
    assert (await service.post(RESPONSES, {"model": "gpt-5", "input": "A cat", "tools": tools})).status == 200
    assert service.painter.drawings[0].model.id == meant


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_another_maker_shares_no_name_with_one_of_workers_ai(model: str) -> None:
    assert catalog.find(model) is None
    assert catalog.find(MODELS[model].name) is None
    assert partners.known(MODELS[model].name) is MODELS[model]


def test_only_models_of_workers_ai_stand_in_for_another() -> None:
    with pytest.raises(InvalidConfiguration, match="FLUX_FALLBACK_MODEL"):
        settings_of(PARTNER_MODELS="*", FLUX_FALLBACK_MODEL=BANANA)
    assert plan_of(variables={**ALL, "FLUX_FALLBACK_MODEL": "flux-2-dev"}, model=BANANA).calls[1:] == ()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PARTNER_MODELS": f"{GPT}, midjourney/v8"}, "PARTNER_MODELS names no model that we know as number 2"),
        ({"PARTNER_MODELS": f"{GPT}=free"}, "PARTNER_MODELS states no price"),
        ({"PARTNER_MODELS": f"{GPT}=0"}, "PARTNER_MODELS states no price"),
        ({"PARTNER_MODELS": f"{GPT}=0.0000001"}, "PARTNER_MODELS states no price"),
        ({"FLUX_MODEL": BANANA}, "FLUX_MODEL names google/nano-banana, which PARTNER_MODELS does not enable"),
        ({"FLUX_MODEL": EDITOR, **ALL}, "can only edit"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(variables: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidConfiguration) as wrong:
        settings_of(**variables)
    assert said in wrong.value.message


def test_one_of_them_can_be_the_default() -> None:
    chosen = settings_of(**ALL, FLUX_MODEL="nano-banana")
    assert chosen.model is MODELS[BANANA]
    with pytest.raises(ModelNotFound):
        settings_of().find(BANANA)


# --- input pictures -------------------------------------------------------------------------------


async def drawn_from(*pictures: Picture, resizer: Scissors | None = None) -> tuple[list[Picture], Scissors, Any]:
    """The inputs made from these pictures for a model of another maker, the resizer, and the answer."""
    resizer = resizer or Scissors()
    service = Service(variables=ALL, resizer=resizer)
    urls = [data_url(data_of(one.blob), one.type) for one in pictures]
    answer = await service.post("/v1/images/edits", {"prompt": "A cat", "model": MAX, "images": urls})
    blobs = service.painter.drawings[0].images if service.painter.drawings else ()
    return [found for blob in blobs if (found := look(blob))], resizer, answer


def noise(side: int, mime: str = "image/png") -> Picture:
    """A picture that compresses badly."""
    image = Image.effect_noise((side, side), 90)
    return Picture(mime, side, side, Bytes(encoded(image, mime)))


async def test_a_picture_that_fits_goes_in_as_it_is() -> None:
    [given], resizer, _ = await drawn_from(PHOTO)
    assert data_of(given.blob) == data_of(PHOTO.blob)
    assert resizer.fits == []


@pytest.mark.parametrize(("mime", "sent"), [("image/jpeg", "image/jpeg"), ("image/png", "image/webp")])
async def test_a_picture_that_is_too_large_goes_in_smaller(mime: str, sent: str) -> None:
    """PNG becomes WebP, which keeps transparency and is smaller."""
    [given], resizer, _ = await drawn_from(painted("A photo", 3000, 1500, mime))
    assert (given.type, given.size) == (sent, "2048x1024")
    assert [side for side, *_ in resizer.fits] == [2048]


async def test_all_pictures_of_a_request_share_the_bytes_that_go_in() -> None:
    """They occupy five times their size in memory, as text, while the model draws."""
    given, resizer, _ = await drawn_from(noise(1000), noise(1001), noise(1002))
    assert sum(one.blob.size for one in given) <= MAX_IN_TEXT
    assert len(given) == 3
    assert len(resizer.fits) > 3


async def test_what_cannot_be_made_smaller_is_refused_with_what_may_be_sent() -> None:
    given, _, answer = await drawn_from(noise(1000), resizer=Scissors(ResizeFailed("no IMAGES binding")))
    assert (answer.status, answer.error["code"], given) == (400, "invalid_value", [])
    assert f"2048 pixels a side and {MAX_IN_TEXT} bytes" in answer.error["message"]


def test_the_tables_of_models_are_made_from_the_rows() -> None:
    """`python -m dev.models --write` updates them."""
    for path, made in ((page.DOCUMENT, page.table()), (page.OVERVIEW, page.overview())):
        document = path.read_text()
        assert tables.written(document, page.COMMAND, made) == document
    assert f"{len(MODELS)} models of other makers" in " ".join(page.OVERVIEW.read_text().split())


@pytest.mark.parametrize("model", catalog.MODELS.values(), ids=catalog.MODELS)
def test_the_short_name_in_the_table_means_that_model(model: catalog.Model) -> None:
    assert catalog.find(page.short_name(model)) is model


async def test_health_says_that_nothing_limits_what_they_cost() -> None:
    assert "not limited" in (await Service(variables=ALL).get("/health")).json["checks"]["partner_models"]
    assert "partner_models" not in (await Service().get("/health")).json["checks"]
