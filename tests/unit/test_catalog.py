"""The models, compared with what Cloudflare publishes."""

import json
from datetime import datetime
from typing import Any

import pytest

from dev import ROOT
from flux import catalog
from flux.catalog import MODELS, Model
from tests.builders import FLUX_2, KLEIN, PHOENIX, SCHNELL, SDXL


def published(name: str) -> dict[str, Any]:
    """What Cloudflare publishes about a model."""
    return dict(json.loads((ROOT / "dev" / "ai" / "models" / f"{name}.json").read_text()))


def schema_of(model: Model) -> dict[str, Any]:
    """The published input schema. For FLUX.2, only the changelogs have it."""
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
    """No range of steps is published for FLUX.2. Leonardo's allows zero pixels, ours does not."""
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
    """To the second. For one model the date is not published."""
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
    """Otherwise the same name would mean two things."""
    assert [name for name in catalog.GENERIC_NAMES if catalog.find(name)] == []


# --- spellings ------------------------------------------------------------------------------------

SPELLINGS = {
    "a provider in front": ("black-forest-labs/flux-1-schnell", SCHNELL),
    "two providers in front": ("openrouter/black-forest-labs/flux-1-schnell", SCHNELL),
    "an id with a provider in front": (
        "cloudflare/@cf/bytedance/stable-diffusion-xl-lightning",
        "@cf/bytedance/stable-diffusion-xl-lightning",
    ),
    "a provider and a colon in front": ("cloudflare:flux-1-schnell", SCHNELL),
    "a wrong provider in front": ("bytedance/stable-diffusion-xl-base-1.0", SDXL),
    "a slash behind": (f"{SCHNELL}/", SCHNELL),
    "a tag behind": ("flux-1-schnell:free", SCHNELL),
    "a tag in the name": ("black-forest-labs/FLUX.1-schnell-Free", SCHNELL),
    "a provider in front and one behind": ("black-forest-labs/FLUX.1-schnell:fal-ai", SCHNELL),
    "points for dashes": ("FLUX.1-schnell", SCHNELL),
    "underscores for dashes": ("flux_2_dev", FLUX_2),
    "no punctuation": ("flux2klein4b", KLEIN),
    "a space for a dash": ("flux 2 dev", FLUX_2),
    "capitals": ("SDXL", SDXL),
    "a short name with a provider": ("leonardo/phoenix", PHOENIX),
    "white space around it": (" \tsdxl-lightning\n", "@cf/bytedance/stable-diffusion-xl-lightning"),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_a_model_is_found_however_its_name_is_spelt(case: str) -> None:
    name, id = SPELLINGS[case]
    assert catalog.find(name) is MODELS[id]
    assert not catalog.is_generic(name)


@EACH
def test_a_model_is_found_by_the_name_that_it_is_shown_by(model: Model) -> None:
    """Each spelling means only one model."""
    for name in (model.name, model.name.lower(), model.name.replace(" ", "-"), f"{model.owned_by}/{model.name}"):
        assert catalog.find(name) is model


@pytest.mark.parametrize(
    "name",
    ["gpt-4o", "openai/gpt-4o", "openai:gpt-5.2", "gpt-4o:default", "llama3:latest", "mistral:auto",
     "@cf/meta/llama-3-8b", "anthropic/claude-4-sonnet", "google/gemini-3-pro-image", "black-forest-labs/flux-1.1-pro",
     "flux-1-schnell-fp8", "flux-1", "flux-3", "sdxl-turbo", "stable-diffusion-3.5", "midjourney", "dev", "4b", "cf",
     "/", ":", "::", "/:/", "@cf/black-forest-labs", "schnell/gpt-4o", "flux-2-dev/llama"],
)  # fmt: skip
def test_another_models_name_is_never_taken_for_one_of_ours(name: str) -> None:
    """The name of a family does not mean a member, and the name of a provider does not mean a model."""
    assert catalog.find(name) is None
    assert not catalog.is_generic(name)


@pytest.mark.parametrize(
    "name",
    ["openai/gpt-image-1", "openai:gpt-image-2", "OpenAI/GPT-Image-1.5", "azure/openai/dall-e-3", "gpt_image_1",
     "gpt-image-7", "gpt-image-1-2026-01-01", "chatgpt-image-latest", "openrouter/auto", "flux:latest", "DALL·E 3"],
)  # fmt: skip
def test_a_generic_name_is_known_however_it_is_spelt(name: str) -> None:
    assert catalog.is_generic(name)
    assert catalog.find(name) is None
