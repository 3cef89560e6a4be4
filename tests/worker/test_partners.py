"""Every model of another maker in each API, on real workerd: one Worker with all of them enabled.

The stand-in checks each call against the model's published schema, not against our rows.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from dev import smoke
from flux import partners
from flux.catalog import Model
from tests.worker.service import KEY, Ledger, Service, Start, content, decoded, error_of, links, shows, unique

EACH = pytest.mark.parametrize("model", partners.MODELS.values(), ids=partners.MODELS)
EDITING = [model for model in partners.MODELS.values() if model.max_images]
BANANA, GPT = "google/nano-banana", "openai/gpt-image-2"


@pytest.fixture(scope="module")
def partnered(start: Start) -> Iterator[Service]:
    """A Worker with all of them enabled."""
    with start(vars={"PARTNER_MODELS": f"*, {GPT}=0.13"}) as running:
        yield running


def photo(width: int = 300, height: int = 200) -> bytes:
    """A caller's picture."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(file, "JPEG")
    return file.getvalue()


PHOTO_URL = f"data:image/jpeg;base64,{base64.b64encode(photo()).decode()}"


# --- each API, with and without an input picture ----------------------------------------------------


def in_images(service: Service, model: Model, prompt: str, *, edit: bool) -> Any:
    """The picture of an Images API call."""
    fields = {"prompt": prompt, "model": model.id, "size": "1024x576", "seed": 7, "response_format": "b64_json"}
    if edit:
        answer = service.http.post(
            "/v1/images/edits",
            data={name: str(value) for name, value in fields.items()},
            files=[("image", ("photo.jpg", photo(), "image/jpeg"))],
        )
    else:
        answer = service.http.post("/v1/images/generations", json=fields)
    assert answer.status_code == 200, answer.text
    return decoded(base64.b64decode(answer.json()["data"][0]["b64_json"]))


def in_chat(service: Service, model: Model, prompt: str, *, edit: bool) -> Any:
    """The picture of a chat completion, from its link."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    if edit:
        parts.append({"type": "image_url", "image_url": {"url": PHOTO_URL}})
    message = {"role": "user", "content": parts}
    answer = service.http.post(
        "/v1/chat/completions", json={"model": model.id, "messages": [message], "aspect_ratio": "16:9"}
    )
    assert answer.json().get("model") == model.id, answer.text
    [link] = links(content(answer))
    return decoded(httpx.get(link).content)


def in_responses(service: Service, model: Model, prompt: str, *, edit: bool) -> Any:
    """The picture of a response, from its result."""
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": prompt}]
    if edit:
        parts.append({"type": "input_image", "image_url": PHOTO_URL})
    tool = {"type": "image_generation", "model": model.id, "size": "1024x576"}
    answer = service.http.post(
        "/v1/responses", json={"model": "gpt-5", "input": [{"role": "user", "content": parts}], "tools": [tool]}
    )
    assert answer.status_code == 200, answer.text
    [result] = [one["result"] for one in answer.json()["output"] if one["type"] == "image_generation_call"]
    return decoded(base64.b64decode(result))


APIS = (in_images, in_chat, in_responses)


@EACH
def test_each_model_draws_in_each_api(partnered: Service, ledger: Ledger, model: Model) -> None:
    """At the requested size, whatever sizes the model has; with an input picture if it can only edit."""
    for draw in APIS:
        prompt = unique("A cat")
        picture = draw(partnered, model, prompt, edit=model.edits_alone)
        assert picture.size == (1024, 576)
        [call] = ledger.calls(prompt)
        assert (call["model"], call["outcome"]) == (model.id, "ok"), call
        assert call["options"]["gateway"] == {"id": "default", "skipCache": True}
        answer = call["answer"]
        assert shows(picture, prompt, (answer["width"], answer["height"]))


@pytest.mark.parametrize("model", EDITING, ids=lambda model: model.id)
def test_each_model_that_edits_is_given_the_picture_in_each_api(
    partnered: Service, ledger: Ledger, model: Model
) -> None:
    """As a data URL or as base64. The stand-in refuses anything else."""
    for draw in APIS:
        prompt = unique("Make it blue")
        assert draw(partnered, model, prompt, edit=True).size == (1024, 576)
        [call] = ledger.calls(prompt)
        assert (call["model"], call["outcome"]) == (model.id, "ok"), call
        assert "http" not in str(call["inputs"])


@pytest.mark.parametrize("model", [model for model in partners.MODELS.values() if model.seeds], ids=lambda one: one.id)
def test_the_largest_seed_is_a_number_in_the_inputs(partnered: Service, ledger: Ledger, model: Model) -> None:
    """The binding sends them as JSON, which cannot contain the BigInt that Python's largest numbers become."""
    prompt = unique("A cat")
    picture = {"image": PHOTO_URL} if model.edits_alone else {}
    body = {"prompt": prompt, "model": model.id, "seed": model.seeds - 1, **picture}
    answer = partnered.http.post(f"/v1/images/{'edits' if picture else 'generations'}", json=body)
    assert answer.status_code == 200, answer.text
    [call] = ledger.calls(prompt)
    assert call["inputs"]["seed"] == model.seeds - 1


def test_a_picture_goes_in_no_larger_than_the_row_says(partnered: Service, ledger: Ledger) -> None:
    """The stand-in refuses more than 2,048 pixels per side."""
    prompt = unique("Make it blue")
    large = f"data:image/jpeg;base64,{base64.b64encode(photo(2400, 1200)).decode()}"
    body = {"prompt": prompt, "model": GPT, "image": large, "response_format": "b64_json"}
    assert partnered.http.post("/v1/images/edits", json=body).status_code == 200
    assert ledger.outcomes(prompt) == ["ok"]


def test_as_many_pictures_go_in_as_the_model_takes(partnered: Service, ledger: Ledger) -> None:
    """The number of input pictures is not limited to the number of output pictures."""
    prompt = unique("Put them side by side")
    small = f"data:image/jpeg;base64,{base64.b64encode(photo(64, 48)).decode()}"
    body = {"prompt": prompt, "model": GPT, "images": [small] * 16, "response_format": "b64_json"}
    assert partnered.http.post("/v1/images/edits", json=body).status_code == 200
    assert len(ledger.calls(prompt)[0]["inputs"]["images"]) == 16
    answer = partnered.http.post("/v1/images/edits", json={**body, "images": [small] * 17})
    assert error_of(answer)["code"] == "invalid_value"


@pytest.mark.parametrize("mask", ["mask", "markup"])
def test_masks_mean_something_else_here_and_are_refused(partnered: Service, ledger: Ledger, mask: str) -> None:
    prompt = unique("Only there")
    body = {"prompt": prompt, "model": "bria/fibo-edit-1.5", "image": PHOTO_URL, mask: PHOTO_URL}
    assert error_of(partnered.http.post("/v1/images/edits", json=body))["param"] == mask
    assert not ledger.calls(prompt)


def test_a_stream_waits_and_draws_as_well(partnered: Service, ledger: Ledger) -> None:
    prompt = unique("A cat [[delay 1500ms]]")
    answer = partnered.chat(prompt, model=BANANA, stream=True)
    assert answer.status_code == 200
    assert "![Generated Image](" in answer.text
    assert ledger.outcomes(prompt) == ["ok"]


def test_models_are_listed_only_where_they_are_enabled(partnered: Service, service: Service) -> None:
    enabled, closed = ({one["id"] for one in one.http.get("/v1/models").json()["data"]} for one in (partnered, service))
    assert enabled == closed | partners.MODELS.keys()
    found = partnered.http.get(f"/v1/models/{GPT}").json()
    assert found["pricing"]["example"]["dollars"] == 0.13


def test_the_smoke_test_draws_with_one_if_it_is_asked_to(partnered: Service, service: Service, ledger: Ledger) -> None:
    """Only then, because such a picture costs money."""
    assert smoke.draws_with(BANANA)(smoke.Deployment(partnered.url, KEY)).startswith("image/jpeg 1024x1024 in ")
    assert [check for check in smoke.CHECKS if "maker" in check.__name__] == []
    with pytest.raises(smoke.Wrong, match="PARTNER_MODELS"):
        smoke.draws_with(BANANA)(smoke.Deployment(service.url, KEY))


def test_a_model_that_is_not_enabled_costs_nothing(service: Service, ledger: Ledger) -> None:
    prompt = unique("A cat")
    error = error_of(service.chat(prompt, model=BANANA))
    assert (error["code"], "PARTNER_MODELS" in error["message"]) == ("model_not_found", True)
    assert not ledger.calls(prompt)
