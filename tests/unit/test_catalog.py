"""The models we serve, held to what Cloudflare publishes of them."""

import json
from datetime import datetime
from typing import Any

import pytest

from dev import ROOT
from flux import catalog
from flux.catalog import MODELS, Model
from tests.builders import KLEIN, SCHNELL


def published(name: str) -> dict[str, Any]:
    """What Cloudflare publishes of a model."""
    return dict(json.loads((ROOT / "dev" / "ai" / "models" / f"{name}.json").read_text()))


def schema_of(model: Model) -> dict[str, Any]:
    """The published input schema; FLUX.2's is told in changelogs alone."""
    schema = published("flux-2-form") if model.multipart else published(model.id.rsplit("/", 1)[-1])["schema"]["input"]
    return dict(schema["properties"])


EACH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@EACH
def test_a_model_is_asked_by_the_names_of_its_schema_alone(model: Model) -> None:
    schema = schema_of(model)
    assert ("width" in schema, "height" in schema) == (model.sides is not None,) * 2
    assert ("seed" in schema) == bool(model.seeds)
    assert ("negative_prompt" in schema) == model.negative_prompt
    assert schema["prompt"].get("maxLength") == model.max_prompt
    assert sum(name.startswith("input_image_") for name in schema) == model.max_images
    if model.steps:
        assert model.steps.name in schema


@EACH
def test_ranges_are_those_of_the_schema(model: Model) -> None:
    """Of FLUX.2 no range of steps is published; zero pixels, which Leonardo's allows, is none of ours."""
    schema = schema_of(model)
    if model.sides:
        for side in ("width", "height"):
            assert model.sides.min == (schema[side]["minimum"] or 256)
            assert model.sides.max == schema[side]["maximum"]
    if model.steps:
        steps = schema[model.steps.name]
        assert model.steps.max == steps.get("maximum", 50)
        assert model.steps.min >= steps.get("minimum", 1)
        least, low, medium, high, most = (
            getattr(model.steps, name) for name in ("min", "low", "medium", "high", "max")
        )
        assert least <= low <= medium <= high <= most
        assert model.steps.default is None or least <= model.steps.default <= most


@EACH
def test_a_model_is_as_old_as_cloudflares_catalogue_says(model: Model) -> None:
    """To the second; of one the date is not published."""
    date = published(model.id.rsplit("/", 1)[-1]).get("created_at")
    assert date is None or model.created == int(datetime.fromisoformat(f"{date}+00:00").timestamp())


def test_the_three_defaults_can_do_what_they_are_defaults_for() -> None:
    assert MODELS[catalog.DEFAULT_MODEL].id == SCHNELL
    assert MODELS[catalog.DEFAULT_EDIT_MODEL].max_images
    assert catalog.DEFAULT_PROMPT_MODEL not in MODELS


@EACH
def test_a_model_is_found_by_its_id_and_its_short_name_whatever_the_case(model: Model) -> None:
    for name in (model.id, model.id.upper(), f" {model.id} ", model.id.rsplit("/", 1)[-1]):
        assert catalog.find(name) is model


@pytest.mark.parametrize("name", ["", "flux-1", "@cf/", "dall-e-3", "gpt-4o", "@cf/black-forest-labs/"])
def test_what_we_do_not_serve_is_not_found(name: str) -> None:
    assert catalog.find(name) is None


@pytest.mark.parametrize("name", ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1.5", "flux", "DALL-E-3", " auto "])
def test_a_name_that_clients_hold_by_default_leaves_the_choice_to_us(name: str) -> None:
    assert catalog.is_generic(name)
    assert not catalog.is_generic(KLEIN)


def test_no_generic_name_is_also_the_name_of_one_model() -> None:
    """Else the same word would mean two things."""
    assert [name for name in catalog.GENERIC_NAMES if catalog.find(name)] == []
