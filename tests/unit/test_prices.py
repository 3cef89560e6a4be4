"""Costs follow from the published prices, in whole hundredths of a neuron, and are never rounded down."""

from typing import Any

import pytest

from dev import prices as page
from dev import tables
from flux import catalog, plan, prices
from flux.endpoints.models import rates
from flux.prices import NOTHING, UNKNOWN, Cost, Price, of_neurons
from flux.sizes import Size
from tests.builders import FLUX_2, KLEIN, PHOENIX, SCHNELL, SDXL, Service, plan_of, settings_of
from tests.fakes import painted

KLEIN_9B = "@cf/black-forest-labs/flux-2-klein-9b"
LUCID = "@cf/leonardo/lucid-origin"
PHOTO = painted("A photo", 800, 600)


def cost(**fields: Any) -> Cost:
    """The cost of one picture of a request."""
    return plan_of(**fields).calls[0].cost


@pytest.mark.parametrize(
    ("model", "fields", "neurons"),
    [
        (SCHNELL, {}, 57.6),
        (SCHNELL, {"steps": 8}, 96),
        (SCHNELL, {"size": Size(512, 512)}, 57.6),
        (KLEIN, {}, 104.2),
        (KLEIN, {"images": (painted("A photo", 512, 512),)}, 109.57),
        (KLEIN, {"images": (PHOTO,) * 3, "size": Size(1024, 1024)}, 120.31),
        (KLEIN, {"size": Size(512, 512)}, 26.05),
        (KLEIN_9B, {}, 1363.64),
        (KLEIN_9B, {"size": Size(512, 512)}, 1363.64),
        (KLEIN_9B, {"size": Size(1920, 1088)}, 1545.46),
        (KLEIN_9B, {"images": (PHOTO,)}, 1545.46),
        (FLUX_2, {"steps": 25}, 7500),
        (FLUX_2, {"steps": 25, "images": (PHOTO,), "size": Size(1024, 1024)}, 8437.5),
        (PHOENIX, {}, 2370),
        (LUCID, {"steps": 25}, 2844),
        (LUCID, {}, 2784),
    ],
)
def test_a_picture_costs_what_the_price_list_says(model: str, fields: dict[str, Any], neurons: float) -> None:
    """Worked examples of the price list's units: tiles, steps, megapixels, input pictures."""
    assert cost(model=model, **fields).told["neurons"] == neurons


@pytest.mark.parametrize(("side", "tiles"), [(512, 1), (513, 4), (768, 4), (1024, 4), (1032, 9)])
def test_a_tile_that_is_begun_counts(side: int, tiles: int) -> None:
    """How Cloudflare rounds is not published, so this is an upper bound."""
    assert Price(tile=100).cost(Size(side, side)).neurons == 100 * tiles


@pytest.mark.parametrize(
    ("width", "height", "further"), [(512, 512, 0), (1024, 1024, 0), (1024, 1025, 1), (2048, 2048, 3)]
)
def test_a_megapixel_that_is_begun_counts_and_the_first_is_always_paid(width: int, height: int, further: int) -> None:
    assert Price(first_megapixel=1000, megapixel=1).cost(Size(width, height)).neurons == 1000 + further


@pytest.mark.parametrize("model", catalog.MODELS.values(), ids=catalog.MODELS)
def test_a_plan_always_fixes_what_the_cost_depends_on(model: catalog.Model) -> None:
    """The number of steps is sent even if no default is published: then it is the row's number for `medium`."""
    call = plan.example(model, settings_of())
    assert (call.cost == UNKNOWN) == (model.price is None)
    if model.steps:
        assert call.fixed[model.steps.name] == (model.steps.default or model.steps.medium)


def test_a_price_that_is_not_published_is_not_guessed() -> None:
    assert {id for id, model in catalog.MODELS.items() if not model.price} == {
        SDXL,
        "@cf/bytedance/stable-diffusion-xl-lightning",
        "@cf/lykon/dreamshaper-8-lcm",
    }
    assert cost(model="sdxl").told == {"neurons": None, "dollars": None}


def test_the_default_writer_has_a_price() -> None:
    """A prompt of 80 words from a short one: about five neurons, rounded up to the hundredth."""
    price = prices.TEXT_MODELS[catalog.DEFAULT_PROMPT_MODEL]
    assert price.cost(0, 0) == NOTHING
    assert price.cost(1, 0).neurons == 1
    assert price.cost(300, 100).neurons == 473  # 1.2357 + 3.4868 = 4.7225


def test_dollars_are_rounded_up_to_the_millionth_and_days_down() -> None:
    assert of_neurons(5760).told["dollars"] == 0.000634  # $0.0000528 x 4 + $0.0001056 x 4 = $0.0006336
    assert of_neurons(0) == NOTHING
    assert prices.free_a_day(5760) == 173
    assert prices.free_a_day(278400) == 3


async def test_models_are_listed_with_their_prices_and_an_example() -> None:
    """The example is the picture that this deployment draws by default."""
    listed = {one["id"]: one["pricing"] for one in (await Service().get("/v1/models")).json["data"]}
    assert listed[SDXL] is None
    assert listed[SCHNELL] == {
        "unit": "neurons",
        "per_tile": 4.8,
        "per_step": 9.6,
        "source": "pricing page",
        "checked": "2026-11-26",
        "note": None,
        "example": {"size": "1024x1024", "steps": 4, "neurons": 57.6, "dollars": 0.000634, "free_per_day": 173},
    }
    assert listed[KLEIN]["example"]["steps"] is None
    assert "half" in listed[FLUX_2]["note"]
    eight = await Service(variables={"FLUX_NUM_STEPS": "8"}).get(f"/v1/models/{SCHNELL}")
    assert eight.json["pricing"]["example"]["neurons"] == 96


def test_the_page_of_prices_is_made_from_the_rows() -> None:
    """`python -m dev.prices --write` updates it."""
    document = page.DOCUMENT.read_text()
    assert tables.written(document, page.COMMAND, page.table()) == document
    assert page.UNITS.keys() == set(rates(Price))
    assert "half" in document
