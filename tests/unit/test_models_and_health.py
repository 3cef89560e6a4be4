"""`GET /v1/models`, `GET /v1/models/{id}` and `GET /health`."""

from typing import Any

import pytest
from openai.types import Model

from flux import VERSION, catalog
from tests.builders import FLUX_2, KLEIN, PHOENIX, SCHNELL, Service

CHECKS = dict.fromkeys(("api_key", "settings", "model", "writer", "storage", "images", "rate_limiter", "ledger"), "ok")


async def test_every_model_that_we_serve_is_listed() -> None:
    """With OpenAI's four required fields, and those by which apps recognise an image model."""
    answer = await Service().get("/v1/models")
    assert answer.json["object"] == "list"
    assert [one["id"] for one in answer.json["data"]] == list(catalog.MODELS)
    for one in answer.json["data"]:
        model = Model.model_validate(one, strict=True)
        assert (model.object, model.owned_by) == ("model", one["id"].split("/")[1])
        assert 1_600_000_000 < model.created < 2_000_000_000  # seconds, not milliseconds
        assert one["name"]
        assert one["architecture"]["output_modalities"] == ["image"]
        assert ("image" in one["architecture"]["input_modalities"]) == bool(catalog.MODELS[one["id"]].max_images)


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        (
            SCHNELL,
            {"size": False, "seed": False, "negative_prompt": False, "images": 0, "steps": [1, 8]} | {"prompt": 2048},
        ),
        (KLEIN, {"size": True, "seed": True, "negative_prompt": False, "images": 4, "image_side": 511, "steps": None}),
        (PHOENIX, {"size": True, "seed": True, "negative_prompt": True, "images": 0, "steps": [1, 50]}),
    ],
)
async def test_a_model_says_what_it_can_do(name: str, capabilities: dict[str, Any]) -> None:
    usual = {"prompt": None, "image_side": None, "edits_only": False}
    assert (await Service().get(f"/v1/models/{name}")).json["capabilities"] == usual | capabilities


async def test_a_model_that_can_only_edit_says_so() -> None:
    service = Service(variables={"PARTNER_MODELS": "bria/fibo-edit-1.5, bria/fibo-generate-1.5"})
    able = [
        (await service.get(f"/v1/models/bria/fibo-{name}-1.5")).json["capabilities"] for name in ("edit", "generate")
    ]
    assert [(one["edits_only"], one["image_side"]) for one in able] == [(True, 2048), (False, 2048)]


@pytest.mark.parametrize(
    ("name", "id"), [(SCHNELL, SCHNELL), ("flux-2-dev", FLUX_2), ("dall-e-3", FLUX_2), ("FLUX", FLUX_2)]
)
async def test_one_model_is_the_one_that_a_request_for_it_would_draw_with(name: str, id: str) -> None:
    """As in the list."""
    service = Service(variables={"FLUX_MODEL": FLUX_2})
    answer = await service.get(f"/v1/models/{name}")
    assert answer.json in (await service.get("/v1/models")).json["data"]
    assert answer.json["id"] == id
    assert (await service.generate(model=name)).json["model"] == id


@pytest.mark.parametrize("name", ["gpt-4o", "@cf/nobody/nothing", "%F0%9F%90%B1", "a/b/c/d"])
async def test_a_model_that_we_do_not_serve_is_a_404(name: str) -> None:
    answer = await Service().get(f"/v1/models/{name}")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (404, "model_not_found", "model")


async def test_health_needs_no_key_and_names_the_version() -> None:
    answer = await Service().get("/health", key=None)
    assert answer.status == 200
    assert answer.json == {"status": "ok", "version": VERSION, "checks": CHECKS}


LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "api_key": ({"variables": {"API_KEY": ""}}, "degraded"),
    "model": ({"unbound": ["model"]}, "degraded"),
    "writer": ({"unbound": ["rewriter"]}, "ok"),
    "storage": ({"unbound": ["store"]}, "degraded"),
    "images": ({"unbound": ["resizer"]}, "ok"),
    "rate_limiter": ({"unbound": ["limiter"]}, "ok"),
    "ledger": ({"unbound": ["ledger"]}, "ok"),
}


@pytest.mark.parametrize("missing", LACKING)
async def test_the_service_is_degraded_without_what_it_needs(missing: str) -> None:
    """The other parts are optional."""
    options, status = LACKING[missing]
    answer = await Service(**options).get("/health", key=None)
    assert (answer.status, answer.json["status"]) == (200, status)
    assert answer.json["checks"] == CHECKS | {missing: "missing"}


async def test_the_service_is_degraded_where_a_setting_is_wrong() -> None:
    answer = await Service(variables={"IMAGE_EXPIRATION": "5"}).get("/health", key=None)
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    said = answer.json["checks"]["settings"]
    assert said.startswith("IMAGE_EXPIRATION must be a whole number")
    assert answer.json["checks"] == {**CHECKS, "settings": said, "model": "unknown", "writer": "unknown"}


@pytest.mark.parametrize("variables", [{"API_KEY": ""}, {"IMAGE_EXPIRATION": "5"}])
async def test_health_answers_however_wrong_the_settings_are(variables: dict[str, Any]) -> None:
    assert (await Service(variables=variables).get("/health", key=None)).status == 200
