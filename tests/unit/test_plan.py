"""A request and the catalogue become a plan: which model, its inputs, and what to deliver."""

from collections.abc import Mapping
from typing import Any

import pytest

from flux import catalog, sizes
from flux.errors import InvalidRequest, ModelNotFound, UnsupportedModel
from flux.sizes import Size
from tests.builders import FLUX_2, KLEIN, PHOENIX, SCHNELL, SDXL, plan_of
from tests.fakes import Painter, painted

PHOTO = painted("A photo", 800, 600)


def asked(index: int = 0, prompt: str = "A cat", **fields: Any) -> dict[str, Any]:
    """The inputs of the first call."""
    return dict(plan_of(**fields).calls[0].inputs(prompt, index))


def test_the_default_is_a_square_from_flux_1_schnell() -> None:
    """It takes a prompt and steps, and nothing else."""
    planned = plan_of()
    assert planned.model.id == SCHNELL
    assert planned.size == Size(1024, 1024)
    assert asked() == {"prompt": "A cat", "steps": 4}
    assert (planned.images, planned.optimize, planned.request.options.mime, planned.request.options.compression) == (
        (),
        False,
        None,
        None,
    )


# --- the model ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "variables", "model"),
    [
        ({}, {"FLUX_MODEL": FLUX_2}, FLUX_2),
        ({"model": PHOENIX}, {}, PHOENIX),
        ({"model": PHOENIX, "model_required": True}, {}, PHOENIX),
        ({"model": "sdxl"}, {}, SDXL),
        ({"model": "dall-e-3", "model_required": True}, {}, SCHNELL),
        ({"model": "dall-e-3", "model_required": True}, {"FLUX_MODEL": FLUX_2}, FLUX_2),
        ({"model": "gpt-4o"}, {}, SCHNELL),
        ({"images": (PHOTO,)}, {}, KLEIN),
        ({"images": (PHOTO,)}, {"FLUX_MODEL": FLUX_2}, FLUX_2),
        ({"images": (PHOTO,), "model": "gpt-4o"}, {}, KLEIN),
        ({"images": (PHOTO,), "model": "flux-2-dev"}, {}, FLUX_2),
        ({"images": (PHOTO,), "model": SCHNELL}, {}, SCHNELL),
    ],
)
def test_the_model_is_the_one_that_is_named_or_that_suits(
    fields: dict[str, Any], variables: Mapping[str, str], model: str
) -> None:
    """Chat apps put unknown names into the model field. A request with pictures gets a model that takes them."""
    assert plan_of(variables=variables, **fields).model.id == model


def test_an_unknown_model_is_an_error_where_the_caller_insists() -> None:
    """The caller's text is repeated in ASCII and shortened."""
    name = "\u202egpt\r\nx" + "y" * 500
    with pytest.raises(ModelNotFound) as refusal:
        plan_of(model=name, model_required=True)
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (404, "model_not_found", "model")
    assert refusal.value.message.isascii()
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 250


def test_an_edit_wants_a_model_that_takes_pictures_and_is_told_which_do() -> None:
    with pytest.raises(UnsupportedModel) as refusal:
        plan_of(action="edit", images=(PHOTO,), model=SCHNELL)
    assert refusal.value.param == "model"
    assert all(id in refusal.value.message for id, model in catalog.MODELS.items() if model.max_images)
    assert plan_of(action="edit", images=(PHOTO,)).model.id == KLEIN


def test_pictures_for_a_model_that_takes_none_are_left_out() -> None:
    """Except in an edit."""
    planned = plan_of(images=(PHOTO,), model=SCHNELL)
    assert planned.images == ()
    assert planned.size == sizes.DEFAULT


def test_pictures_for_a_model_that_takes_them_give_the_shape() -> None:
    planned = plan_of(images=(PHOTO,))
    assert planned.images == (PHOTO,)
    assert planned.size == sizes.like(800, 600)
    assert plan_of(images=(PHOTO,), size=Size(512, 512)).size == Size(512, 512)


# --- the fallback ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "fields", "models"),
    [
        ({}, {}, [SCHNELL]),
        ({"FLUX_FALLBACK_MODEL": SDXL}, {}, [SCHNELL, SDXL]),
        ({"FLUX_FALLBACK_MODEL": SCHNELL}, {}, [SCHNELL]),
        ({"FLUX_FALLBACK_MODEL": SDXL}, {"images": (PHOTO,)}, [KLEIN]),
        ({"FLUX_FALLBACK_MODEL": FLUX_2}, {"images": (PHOTO,)}, [KLEIN, FLUX_2]),
        ({"FLUX_FALLBACK_MODEL": SDXL}, {"model": SCHNELL}, [SCHNELL, SDXL]),
        ({"FLUX_FALLBACK_MODEL": SDXL}, {"model": "dall-e-3"}, [SCHNELL, SDXL]),
        ({"FLUX_FALLBACK_MODEL": SDXL}, {"model": PHOENIX}, [PHOENIX]),
    ],
)
def test_the_fallback_is_another_model_that_can_do_the_same(
    variables: Mapping[str, str], fields: dict[str, Any], models: list[str]
) -> None:
    assert [way.model.id for way in plan_of(variables=variables, **fields).calls] == models


def test_the_fallback_is_asked_in_its_own_way() -> None:
    """With its own names and ranges: steps that are valid for the requested model are clamped for the fallback."""
    fields: dict[str, Any] = {
        "steps": 50,
        "seed": 7,
        "size": Size(512, 1024),
        "negative_prompt": "dogs",
    }
    variables = {"FLUX_MODEL": PHOENIX, "FLUX_FALLBACK_MODEL": SCHNELL}
    first, second = plan_of(variables=variables, **fields).calls
    assert first.inputs("A cat", 0) == {
        "prompt": "A cat", "num_steps": 50, "width": 512, "height": 1024, "negative_prompt": "dogs", "seed": 7
    }  # fmt: skip
    assert second.inputs("A cat", 0) == {"prompt": "A cat", "steps": 8}


# --- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "variables", "steps"),
    [
        ({}, {}, 4),
        ({}, {"FLUX_NUM_STEPS": "6"}, 6),
        ({}, {"FLUX_NUM_STEPS": "100"}, 8),
        ({"quality": "low"}, {"FLUX_NUM_STEPS": "6"}, 2),
        ({"quality": "medium"}, {}, 4),
        ({"quality": "standard"}, {}, 4),
        ({"quality": "high"}, {}, 8),
        ({"quality": "hd"}, {}, 8),
        ({"quality": "auto"}, {"FLUX_NUM_STEPS": "6"}, 6),
        ({"quality": "high", "steps": 3}, {"FLUX_NUM_STEPS": "6"}, 3),
        ({"steps": 1}, {}, 1),
        ({"steps": 8}, {}, 8),
    ],
)
def test_steps_are_the_callers_then_the_qualitys_then_the_owners_then_the_models(
    fields: dict[str, Any], variables: Mapping[str, str], steps: int
) -> None:
    """The owner's number is clamped to the model's range."""
    assert asked(variables=variables, **fields)["steps"] == steps


def test_a_caller_is_told_the_range_of_steps() -> None:
    with pytest.raises(InvalidRequest, match="1 to 8 steps") as refusal:
        plan_of(steps=9)
    assert refusal.value.param == "steps"


@pytest.mark.parametrize(
    ("model", "fields", "steps"),
    [(FLUX_2, {}, {"steps": 25}), (FLUX_2, {"quality": "low"}, {"steps": 15}), (FLUX_2, {"steps": 50}, {"steps": 50}),
     (KLEIN, {"steps": 50}, {}), (PHOENIX, {}, {"num_steps": 25}), (SDXL, {"quality": "hd"}, {"num_steps": 20})],
)  # fmt: skip
def test_steps_go_by_the_models_own_name_and_to_none_that_takes_none(
    model: str, fields: dict[str, Any], steps: dict[str, int]
) -> None:
    inputs = asked(model=model, **fields)
    assert {name: value for name, value in inputs.items() if "steps" in name} == steps


# --- the rest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "size", "sides"),
    [
        (SCHNELL, Size(512, 1024), (None, None)),
        (FLUX_2, Size(512, 1024), (512, 1024)),
        (FLUX_2, Size(2048, 1024), (1920, 960)),
        (PHOENIX, Size(2048, 1024), (2048, 1024)),
    ],
)
def test_a_model_is_asked_for_a_size_in_its_range(model: str, size: Size, sides: tuple[int | None, int | None]) -> None:
    """The delivered picture has the requested size."""
    planned = plan_of(model=model, size=size)
    inputs = planned.calls[0].inputs("A cat", 0)
    assert (inputs.get("width"), inputs.get("height")) == sides
    assert planned.size == size


def test_seeds_count_up_so_that_no_two_pictures_are_the_same() -> None:
    assert [asked(i, model=FLUX_2, seed=7)["seed"] for i in range(3)] == [7, 8, 9]
    assert [asked(i, model=FLUX_2, seed=2**32 - 1)["seed"] for i in range(2)] == [2**32 - 1, 0]
    assert "seed" not in asked(model=FLUX_2)
    assert "seed" not in asked(model=SCHNELL, seed=7)


def test_the_prompt_is_cut_to_what_the_model_takes() -> None:
    """If a limit is published."""
    long = "word " * 1000
    assert len(asked(prompt=long)["prompt"]) <= 2048
    assert asked(prompt=long)["prompt"].endswith("word")
    assert asked(prompt=long, model=FLUX_2)["prompt"] == long


@pytest.mark.parametrize(
    ("owner", "caller", "optimize"),
    [("false", None, False), ("true", None, True), ("false", True, True), ("true", False, False)],
)
def test_the_caller_decides_about_optimisation_before_the_owner(
    owner: str, caller: bool | None, optimize: bool
) -> None:
    assert plan_of(variables={"PROMPT_OPTIMIZATION": owner}, optimize=caller).optimize is optimize


def test_what_is_delivered_is_part_of_the_plan() -> None:
    planned = plan_of(mime="image/webp", compression=80)
    assert (planned.request.options.mime, planned.request.options.compression) == ("image/webp", 80)


@pytest.mark.parametrize("quality", ["low", "hd"])
@pytest.mark.parametrize("size", [Size(256, 2048), Size(264, 1016)], ids=str)
@pytest.mark.parametrize("model", catalog.MODELS)
async def test_every_model_is_asked_for_what_its_published_schema_allows(model: str, size: Size, quality: str) -> None:
    """The fake refuses anything else, as the model would with a 5006."""
    planned = plan_of(
        model=model, size=size, quality=quality, seed=2**32 - 1, negative_prompt="dogs", images=(painted(),)
    )
    for index in range(2):
        inputs = planned.calls[0].inputs("A cat", index)
        await Painter().draw(planned.model, inputs, tuple(one.blob for one in planned.images))
