"""Clients other than the Python one of OpenAI, each unmodified and in a separate process (tests/clients)."""

import pytest

from tests.worker.clients import Understood, only_link, shown, understood
from tests.worker.service import SCHNELL, Ledger, Service, comment, links, shows

# --- openai for Node ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openai_node(service: Service) -> Understood:
    """The official client for Node."""
    return understood("with_openai.mjs", service)


def test_openai_for_node_lists_models_and_retrieves_one(openai_node: Understood) -> None:
    models = openai_node[1]["models"]
    assert SCHNELL in models["listed"]
    assert models["retrieved"] == SCHNELL


def test_openai_for_node_chats_streamed_or_not(openai_node: Understood) -> None:
    prompt, found = openai_node
    chat, stream = found["chat"], found["chatStream"]
    assert shows(shown(only_link(chat["content"])), f"{prompt} chat")
    assert chat["reason"] == "stop"
    assert chat["usage"]["total_tokens"] > 0
    [piece] = [piece for piece in stream["pieces"] if "![" in piece]
    assert shows(shown(only_link(piece)), f"{prompt} stream")
    assert stream["usage"]["total_tokens"] > 0
    assert shows(shown(only_link(found["helperStream"]["content"])), f"{prompt} helper")


def test_openai_for_node_draws_images_streamed_or_not(openai_node: Understood) -> None:
    prompt, found = openai_node
    images = found["images"]
    [url], [b64] = images["url"], images["b64"]
    assert shows(shown(url["url"]), f"{prompt} url")
    assert shows(shown(b64["b64_json"]), f"{prompt} b64")
    assert len({image["b64_json"] for image in images["three"]}) == 3
    assert [event["type"] for event in found["imageStream"]] == ["image_generation.completed"] * 2
    for event in found["imageStream"]:
        assert shows(shown(event["b64_json"]), f"{prompt} images")


def test_openai_for_node_edits_pictures(openai_node: Understood) -> None:
    prompt, found = openai_node
    edit = found["edit"]
    picture = shown(edit["data"][0]["b64_json"])
    assert edit["size"] == "512x512" == "{}x{}".format(*picture.size)
    told = comment(picture)
    assert (told["prompt"], told["pictures_in"]) == (f"{prompt} edit", 2)


def test_openai_for_node_knows_our_errors_by_its_own_classes(openai_node: Understood, ledger: Ledger) -> None:
    prompt, found = openai_node
    errors = found["errors"]
    assert all(error.pop("requestId") for error in errors.values())
    assert errors == {
        "wrongKey": {"kind": "AuthenticationError", "status": 401, "code": "invalid_api_key"},
        "empty": {"kind": "BadRequestError", "status": 400, "code": "missing_required_parameter"},
        "refused": {"kind": "BadRequestError", "status": 400, "code": "content_policy_violation"},
        "quota": {"kind": "RateLimitError", "status": 429, "code": "insufficient_quota"},
        "garbage": {"kind": "InternalServerError", "status": 502, "code": "upstream_error"},
    }
    assert len(ledger.calls(f"{prompt} [[fault 3036]]")) == 1, "there is nothing to repeat before midnight"
    assert len(ledger.calls(f"{prompt} [[answer garbage]]")) == 2, "once more, and no further"


# --- Vercel's AI SDK ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ai_sdk(service: Service) -> Understood:
    """`ai` with `@ai-sdk/openai-compatible`."""
    return understood("with_ai_sdk.mjs", service)


def test_the_ai_sdk_generates_two_images(ai_sdk: Understood) -> None:
    prompt, found = ai_sdk
    images = found["image"]["images"]
    assert len({image["base64"] for image in images}) == 2
    for image in images:
        picture = shown(image["base64"])
        assert image["mediaType"] == picture.get_format_mimetype()
        assert shows(picture, f"{prompt} image")
    assert found["image"]["warnings"] == []


def test_the_ai_sdk_generates_text_streamed_or_not(ai_sdk: Understood) -> None:
    prompt, found = ai_sdk
    text, stream = found["text"], found["stream"]
    assert shows(shown(only_link(text["text"])), f"{prompt} text")
    assert shows(shown(only_link("".join(stream["pieces"]))), f"{prompt} stream")
    for told in (text, stream):
        assert told["finishReason"] == "stop"
        assert told["usage"]["totalTokens"] > 0


def test_the_ai_sdk_understands_failures_early_and_late(ai_sdk: Understood) -> None:
    late, refusal = ai_sdk[1]["lateFailure"], ai_sdk[1]["refusal"]
    assert "error" in late["parts"]
    assert any("safety filter" in message for message in late["errors"])
    assert (refusal["kind"], refusal["status"]) == ("AI_APICallError", 429)
    assert "00:00 UTC" in refusal["message"]


# --- OpenRouter's client, which checks every field ------------------------------------------------


@pytest.fixture(scope="module")
def openrouter(service: Service) -> Understood:
    """`@openrouter/sdk`."""
    return understood("with_openrouter.mjs", service)


def test_openrouters_client_gets_its_shape_and_its_pictures_beside_the_text(openrouter: Understood) -> None:
    """Its only field for the shape is `image_config`. Its model names have a provider in front and a tag at the end."""
    prompt, found = openrouter
    for name, model in (("image", None), ("edited", "@cf/black-forest-labs/flux-2-klein-4b")):
        answer = found[name]
        picture = shown(answer["url"].partition(",")[2])
        assert picture.size == (1024, 576)
        assert "![" not in answer["text"]
        assert (answer["reason"], answer.get("model")) == ("stop", model)
        assert answer["usage"]["totalTokens"] > 0
        assert answer["systemFingerprint"]
    told = comment(picture)
    assert (told["prompt"], told["pictures_in"]) == (f"{prompt} edit", 1)


def test_openrouters_client_streams_and_gets_several_pictures(openrouter: Understood) -> None:
    prompt, found = openrouter
    assert shows(shown(only_link("".join(found["stream"]))), f"{prompt} stream")
    [several] = found["several"]
    assert len(set(links(several["text"]))) == 2


def test_openrouters_client_is_refused_what_no_picture_can_be(openrouter: Understood, ledger: Ledger) -> None:
    prompt, found = openrouter
    assert (found["refusal"], found["quota"]) == (400, 429)
    assert ledger.calls(f"{prompt} refused") == []


# --- Python's gateways ----------------------------------------------------------------------------


def test_litellm_chats_and_draws(service: Service) -> None:
    prompt, found = understood("with_litellm.py", service)
    assert shows(shown(only_link(found["chat"])), f"{prompt} chat")
    assert found["usage"] > 0
    assert shows(shown(only_link("".join(found["stream"]))), f"{prompt} stream")
    assert len({image["url"] for image in found["images"]}) == 2
    for image in found["images"]:
        assert shows(shown(image["url"]), f"{prompt} image")
        assert shows(shown(image["b64_json"]), f"{prompt} image")
    assert found["refusal"] in ("BadRequestError", "ContentPolicyViolationError")


def test_langchain_chats_and_sends_a_picture(service: Service) -> None:
    prompt, found = understood("with_langchain.py", service)
    assert shows(shown(only_link(found["chat"])), f"{prompt} chat")
    assert found["usage"]["total_tokens"] > 0
    assert shows(shown(only_link("".join(found["stream"]))), f"{prompt} stream")
    told = comment(shown(only_link(found["edited"])))
    assert (told["prompt"], told["pictures_in"]) == (f"{prompt} picture", 1)
    assert told["model"] == found["model"]
