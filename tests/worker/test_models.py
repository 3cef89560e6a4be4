"""Every model of the catalogue, through both interfaces of Workers AI, checked against the published schemas."""

import base64
import io
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from PIL import Image

from dev.serve import Server
from tests.worker.service import (
    SCHNELL,
    Ledger,
    Service,
    Start,
    comment,
    content,
    decoded,
    error_of,
    fetched,
    links,
    shows,
    unique,
)

MODELS = [
    SCHNELL,
    "@cf/black-forest-labs/flux-2-dev",
    "@cf/black-forest-labs/flux-2-klein-4b",
    "@cf/black-forest-labs/flux-2-klein-9b",
    "@cf/leonardo/lucid-origin",
    "@cf/leonardo/phoenix-1.0",
    "@cf/stabilityai/stable-diffusion-xl-base-1.0",
    "@cf/bytedance/stable-diffusion-xl-lightning",
    "@cf/lykon/dreamshaper-8-lcm",
]
EDITORS = [model for model in MODELS if "flux-2" in model]
WAYS = ["rpc", "rest"]


@pytest.fixture(scope="module")
def rest(start: Start, stand_in: Server) -> Iterator[Service]:
    """A Worker without an AI binding, which draws through an account's REST API."""
    with start(
        vars={
            "CF_ACCOUNT_ID": "account",
            "CF_API_TOKEN": "local-token",
            "CF_API_BASE_URL": f"{stand_in.url}/client/v4",
        },
        changes={"services": None},
    ) as running:
        yield running


@pytest.fixture
def worker(request: pytest.FixtureRequest, service: Service) -> Service:
    """The Worker for the test's parameter."""
    if request.param == "rpc":
        return service
    running: Service = request.getfixturevalue("rest")
    return running


BOTH_WAYS = pytest.mark.parametrize(("worker", "way"), [(way, way) for way in WAYS], indirect=["worker"], ids=WAYS)


def test_the_list_is_the_whole_catalogue(service: Service) -> None:
    listed = service.http.get("/v1/models").json()["data"]
    assert [model["id"] for model in listed] == MODELS
    for model in listed:
        assert model["object"] == "model"
        assert 1_600_000_000 < model["created"] < 2_000_000_000
        assert model["owned_by"]
        assert model["name"]
        assert model["architecture"]["output_modalities"] == ["image"]


@BOTH_WAYS
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", ["1152x864", "2048x1152", "256x512"])
def test_a_model_delivers_the_size_that_was_asked_for(
    worker: Service, way: str, ledger: Ledger, model: str, size: str
) -> None:
    """Drawn at that size if the model can, otherwise cropped, in one call that its schema accepts."""
    prompt = unique("a granary")
    response = worker.generate(prompt, model=model, size=size, seed=7, negative_prompt="people", quality="high")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["model"], answer["size"]) == (model, size)
    picture, _ = fetched(answer["data"][0]["url"])
    assert "{}x{}".format(*picture.size) == size
    [call] = ledger.calls(prompt)
    assert (call["transport"], call["model"], call["outcome"]) == (way, model, "ok")
    assert shows(picture, prompt, drawn=(call["answer"]["width"], call["answer"]["height"]))


@BOTH_WAYS
@pytest.mark.parametrize("model", EDITORS)
def test_an_editor_is_given_the_pictures_at_a_size_that_it_takes(
    worker: Service, way: str, ledger: Ledger, model: str
) -> None:
    prompt = unique("swap them")
    response = worker.http.post(
        "/v1/images/edits",
        data={"prompt": prompt, "model": model, "size": "1024x1024", "seed": "7", "response_format": "b64_json"},
        files=[("image[]", ("a.png", picture_of("PNG", 300, 200))), ("image[]", ("b", picture_of("WEBP", 2000, 900)))],
    )
    assert response.status_code == 200, response.text
    told = comment(decoded(base64.b64decode(response.json()["data"][0]["b64_json"])))
    assert (told["model"], told["prompt"], told["pictures_in"], told["seed"]) == (model, prompt, 2, 7)
    [call] = ledger.calls(prompt)
    assert call["transport"] == way


def picture_of(kind: str, width: int, height: int) -> bytes:
    """A picture to edit."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(file, kind)
    return file.getvalue()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "as PHP has it": lambda url: url.replace("/", "\\/"),
    "as .NET has it": lambda url: url.replace("+", "\\u002B"),
    "in lines": lambda url: re.sub(".{76}", r"\g<0>\\r\\n", url),
}
"""Ways to write a data URL in JSON."""


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("side", [20, 300, 800], ids=["small", "large", "larger"])
def test_a_picture_in_json_arrives_however_it_is_written(
    service: Service, ledger: Ledger, spell: Callable[[str], str], side: int
) -> None:
    """Large ones are never copied into Python: they are cut out of the text and decoded part by part."""
    picture = io.BytesIO()
    Image.effect_noise((side, side), 100).save(picture, "PNG")
    good = spell(f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}")
    strange = spell(f"data:image/png;base64,{base64.b64encode(bytes(picture.tell())).decode()}")
    undecodable = "data:image/png;base64," + "A" * 20_001
    prompt = unique("swap them")

    def sent(*urls: str) -> httpx.Response:
        images = ",".join(f'{{"image_url":"{url}"}}' for url in urls)
        body = f'{{"prompt":"{prompt}","model":"{EDITORS[0]}","images":[{images}]}}'
        return service.http.post("/v1/images/edits", content=body)

    response = sent(good, good)
    assert response.status_code == 200, response.text
    assert comment(fetched(response.json()["data"][0]["url"])[0])["pictures_in"] == 2
    assert len(ledger.calls(prompt)) == 1
    mark = "data:image/png;base64,#0"  # even our own, as a caller might write it
    for wrong, urls in [(0, (strange, good)), (2, (good, good, strange)), (1, (good, undecodable)), (1, (good, mark))]:
        response = sent(*urls)
        assert (response.status_code, error_of(response)["param"]) == (400, f"images[{wrong}]")


@BOTH_WAYS
def test_seeds_count_up_so_that_no_two_pictures_are_the_same(worker: Service, way: str, ledger: Ledger) -> None:
    prompt = unique("a row of tulips")
    worker.generate(prompt, model="@cf/leonardo/phoenix-1.0", n=3, seed=2**32 - 2)
    assert sorted(call["inputs"]["seed"] for call in ledger.calls(prompt)) == [0, 2**32 - 2, 2**32 - 1]
    assert {call["transport"] for call in ledger.calls(prompt)} == {way}


@BOTH_WAYS
@pytest.mark.parametrize(
    ("mark", "status", "code"),
    [
        ("[[fault 3030]]", 400, "content_policy_violation"),
        ("[[fault 3036]]", 429, "insufficient_quota"),
        ("[[fault 5018]]", 502, "upstream_not_authorized"),
        ("[[fault text <html>oops</html>]]", 502, "upstream_error"),
        ("[[answer html]]", 502, "upstream_error"),
        ("[[answer null]]", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("model", [SCHNELL, EDITORS[0], "@cf/leonardo/phoenix-1.0"])
def test_a_failure_means_the_same_whichever_way_it_came(
    worker: Service, way: str, ledger: Ledger, model: str, mark: str, status: int, code: str
) -> None:
    prompt = unique(f"a ford {mark}")
    response = worker.generate(prompt, model=model)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert {call["transport"] for call in ledger.calls(prompt)} == {way}


@BOTH_WAYS
def test_a_model_out_of_capacity_is_tried_again_whichever_way(worker: Service, way: str, ledger: Ledger) -> None:
    prompt = unique("a weir [[fault 3040 x1]]")
    assert worker.generate(prompt).status_code == 200
    assert [(call["transport"], call["outcome"]) for call in ledger.calls(prompt)] == [(way, "3040"), (way, "ok")]


@BOTH_WAYS
def test_the_text_model_writes_whichever_way_it_is_asked(worker: Service, way: str, ledger: Ledger) -> None:
    prompt = unique("a sundial")
    text = content(worker.chat(f"{prompt} --optimize"))
    written, sent = ledger.calls(prompt)
    assert written["transport"] == sent["transport"] == way
    assert sent["prompt"] == f"{prompt}, cinematic lighting, highly detailed"
    assert shows(fetched(*links(text))[0], sent["prompt"])


def test_every_short_name_and_every_name_of_a_clients_default_is_served(service: Service, ledger: Ledger) -> None:
    for name, model in {
        "flux": SCHNELL,
        "dall-e-3": SCHNELL,
        "gpt-image-1": SCHNELL,
        "gpt-image-1.5": SCHNELL,
        "FLUX-2-Dev": "@cf/black-forest-labs/flux-2-dev",
        "sdxl": "@cf/stabilityai/stable-diffusion-xl-base-1.0",
    }.items():
        prompt = unique("a kiln")
        assert service.generate(prompt, model=name).json()["model"] == model
        assert [call["model"] for call in ledger.calls(prompt)] == [model]
        assert service.http.get(f"/v1/models/{name}").json()["id"] == model


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize(
    "id", [SCHNELL, "%40cf%2Fblack-forest-labs%2Fflux-1-schnell", "@cf%2Fblack-forest-labs/flux-1-schnell"]
)
def test_a_models_id_may_come_percent_encoded_with_and_without_v1(service: Service, prefix: str, id: str) -> None:
    assert service.http.get(f"{prefix}/models/{id}").json()["id"] == SCHNELL
