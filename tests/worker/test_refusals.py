"""Every error over HTTP: its status, its four fields, its headers."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from dev.serve import Server
from tests.worker.conftest import limited_to
from tests.worker.service import (
    KEY,
    PATIENCE_SECONDS,
    SCHNELL,
    Ledger,
    Service,
    Start,
    deltas,
    error_of,
    events,
    unique,
)

CHAT, GENERATIONS, EDITS = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
FORMLESS, LINKED, TINY = (
    [{"image_url": url}]
    for url in (
        "data:image/png;base64,AAAA",
        "https://pictures.example/a.png",
        "data:image/gif;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    )
)
"""Pictures of a JSON edit: something that is not a picture, a link, and a PNG of one pixel declared as a GIF."""


def said(prompt: str) -> dict[str, object]:
    """A chat body with this prompt."""
    return {"messages": [{"role": "user", "content": prompt}]}


# --- the caller's request -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        (CHAT, "", "invalid_json", None),
        (CHAT, "{", "invalid_json", None),
        (CHAT, "[]", "invalid_json", None),
        (CHAT, '{"messages": NaN}', "invalid_json", None),
        (CHAT, '{"messages": ' + "[" * 100_000, "invalid_json", None),
        (CHAT, "\udcff\udcfe{}", "invalid_json", None),
        (CHAT, {}, "missing_required_parameter", "messages"),
        (CHAT, {"messages": []}, "invalid_value", "messages"),
        (CHAT, {"messages": "a cat"}, "invalid_value", "messages"),
        (CHAT, {"messages": ["a cat"]}, "invalid_value", "messages[0]"),
        (CHAT, {"messages": [{"role": "user", "content": 7}]}, "invalid_value", "messages[0].content"),
        (CHAT, {"messages": [{"role": "assistant", "content": "a cat"}]}, "missing_required_parameter", "messages"),
        (CHAT, said(""), "missing_required_parameter", "messages"),
        (CHAT, said(" 3:2 --seed 1"), "missing_required_parameter", "messages"),
        (CHAT, said("a cat --steps many"), "invalid_value", "steps"),
        (CHAT, said("a cat --steps 9"), "invalid_value", "steps"),
        (CHAT, said("a cat --size 10x10"), "invalid_value", "size"),
        (CHAT, said("a cat --model no-such-model"), "model_not_found", "model"),
        (CHAT, said("a cat") | {"stream": "maybe"}, "invalid_value", "stream"),
        (CHAT, said("a cat") | {"n": 11}, "invalid_value", "n"),
        (CHAT, said("a cat") | {"model": 7}, "invalid_value", "model"),
        (GENERATIONS, {}, "missing_required_parameter", "prompt"),
        (GENERATIONS, {"prompt": "  "}, "missing_required_parameter", "prompt"),
        (GENERATIONS, {"prompt": 7}, "invalid_value", "prompt"),
        (GENERATIONS, {"prompt": "a cat", "n": 11}, "invalid_value", "n"),
        (GENERATIONS, {"prompt": "a cat", "n": True}, "invalid_value", "n"),
        (GENERATIONS, {"prompt": "a cat", "size": "63x1000"}, "invalid_value", "size"),
        (GENERATIONS, {"prompt": "a cat", "n": 3, "size": "4096x4096"}, "invalid_value", "n"),
        (GENERATIONS, {"prompt": "a cat", "seed": "any"}, "invalid_value", "seed"),
        (GENERATIONS, {"prompt": "a cat", "steps": 9}, "invalid_value", "steps"),
        (GENERATIONS, {"prompt": "a cat", "quality": "best"}, "invalid_value", "quality"),
        (GENERATIONS, {"prompt": "a cat", "response_format": "gif"}, "invalid_value", "response_format"),
        (GENERATIONS, {"prompt": "a cat", "output_format": "gif"}, "invalid_value", "output_format"),
        (GENERATIONS, {"prompt": "a cat", "output_compression": 101}, "invalid_value", "output_compression"),
        (GENERATIONS, {"prompt": "a cat", "model": "no-such-model"}, "model_not_found", "model"),
        (EDITS, {"prompt": "a cat"}, "missing_required_parameter", "image"),
        (EDITS, {"images": TINY}, "missing_required_parameter", "prompt"),
        (EDITS, {"prompt": "a cat", "images": LINKED}, "invalid_value", "images[0]"),
        (EDITS, {"prompt": "a cat", "images": TINY + FORMLESS}, "invalid_value", "images[1]"),
        (EDITS, {"prompt": "a cat", "images": TINY * 5}, "invalid_value", "images"),
        (EDITS, {"prompt": "a cat", "images": TINY, "model": SCHNELL}, "unsupported_model", "model"),
    ],
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(
    service: Service, path: str, body: object, code: str, param: str | None
) -> None:
    sent = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else json.dumps(body).encode()
    response = service.http.post(path, content=sent, headers={"content-type": "application/json"})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (404 if code == "model_not_found" else 400, code)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize(
    ("path", "key", "status"), [(CHAT, "wrong", 401), ("/nowhere", KEY, 404), (CHAT, KEY, 413), (GENERATIONS, KEY, 413)]
)
def test_a_refusal_reaches_a_client_that_sends_six_megabytes_before_it_reads(
    service: Service, path: str, key: str, status: int
) -> None:
    """Over TCP, where closing the connection during an upload loses the response; through wrangler's proxy."""
    size, piece = 6 * 10**6, b"a" * 60_000
    with closing(HTTPConnection(urlsplit(service.url).netloc, timeout=PATIENCE_SECONDS)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("authorization", f"Bearer {key}")
        connection.putheader("content-length", str(size))
        connection.endheaders()
        for _ in range(size // len(piece)):
            connection.send(piece)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["type"]) == (status, "invalid_request_error")


LIMITS = [(path, 20 * 2**20) for path in (CHAT, GENERATIONS, EDITS)]


@pytest.mark.parametrize(("path", "limit"), LIMITS)
def test_a_body_that_turns_out_too_large_is_refused(service: Service, path: str, limit: int) -> None:
    """Sent in pieces, without its length."""
    sent = itertools.chain([b'{"prompt": "'], itertools.repeat(b"a" * 2**18, limit // 2**18))
    response = service.http.post(path, content=sent)
    assert (response.status_code, error_of(response)["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(("path", "limit"), LIMITS)
def test_a_body_that_is_announced_too_large_is_not_waited_for(service: Service, path: str, limit: int) -> None:
    with closing(HTTPConnection(urlsplit(service.url).netloc, timeout=PATIENCE_SECONDS)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("authorization", f"Bearer {KEY}")
        connection.putheader("content-length", str(limit + 1))
        connection.endheaders(b"{")
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
    assert (response.status, error["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic dGVzdC1rZXk="},
        {"authorization": "test-key"},
        {"api-key": "wrong"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", CHAT, GENERATIONS, EDITS])
def test_no_key_or_a_wrong_one_is_refused(service: Service, path: str, headers: dict[str, str]) -> None:
    method = "GET" if path == "/v1/models" else "POST"
    response = httpx.request(method, service.url + path, headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer test-key"}, {"authorization": "bEARER   test-key"}, {"api-key": "test-key"}],
)
def test_the_key_opens_the_door_in_each_of_its_forms(service: Service, headers: dict[str, str]) -> None:
    assert httpx.get(f"{service.url}/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/nowhere", "/v1/chat", "/v2/models", "/image"])
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    response = service.http.get(path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", CHAT, "POST, OPTIONS"),
        ("GET", "/chat/completions", "POST, OPTIONS"),
        ("PUT", GENERATIONS, "POST, OPTIONS"),
        ("HEAD", GENERATIONS, "POST, OPTIONS"),
        ("POST", "/v1/models", "GET, HEAD, OPTIONS"),
        ("DELETE", f"/v1/models/{SCHNELL}", "GET, HEAD, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("DELETE", "/image/AAAAAAAAAAAAAAAAAAAAAA-1vuhmo0.jpg", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_known_path_names_the_methods_that_it_has(service: Service, method: str, path: str, allow: str) -> None:
    response = service.http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    if method != "HEAD":
        assert error_of(response)["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", [CHAT, "/models", "/image/AAAAAAAAAAAAAAAAAAAAAA-1vuhmo0.jpg", "/nowhere"])
def test_a_preflight_is_answered_everywhere_without_a_key(service: Service, path: str) -> None:
    asked = "authorization, content-type, x-stainless-os, x-openwebui-task"
    response = httpx.options(
        service.url + path,
        headers={
            "origin": "https://app.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": asked,
        },
    )
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == asked
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert response.headers["access-control-max-age"] == "86400"
    assert "access-control-request-headers" in response.headers["vary"].lower()


# --- answers of Workers AI ------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CHAT, GENERATIONS])
@pytest.mark.parametrize(
    ("mark", "status", "kind", "code", "retry"),
    [
        ("[[fault 3030]]", 400, "invalid_request_error", "content_policy_violation", "false"),
        ("[[fault 8007]]", 400, "invalid_request_error", "content_policy_violation", "false"),
        ("[[fault 3036]]", 429, "insufficient_quota", "insufficient_quota", "false"),
        ("[[fault 4006]]", 429, "insufficient_quota", "insufficient_quota", "false"),
        ("[[fault 3007]]", 503, "server_error", "model_overloaded", "true"),
        ("[[fault 3008]]", 503, "server_error", "model_overloaded", "true"),
        ("[[fault 3040]]", 503, "server_error", "model_overloaded", "true"),
        ("[[fault 3023]]", 502, "server_error", "upstream_not_authorized", "false"),
        ("[[fault 3041]]", 502, "server_error", "upstream_not_authorized", "false"),
        ("[[fault 5018]]", 502, "server_error", "upstream_not_authorized", "false"),
        ("[[fault 5035]]", 502, "server_error", "upstream_not_authorized", "false"),
        ("[[fault text upstream connect error]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer empty]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer blank]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer null]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer number]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer garbage]]", 502, "server_error", "upstream_error", "true"),
        ("[[answer html]]", 502, "server_error", "upstream_error", "true"),
    ],
)
def test_a_failure_of_the_model_is_told_in_the_apis_own_words(
    service: Service, path: str, mark: str, status: int, kind: str, code: str, retry: str
) -> None:
    prompt = unique(f"a cat {mark}")
    body = said(prompt) if path == CHAT else {"prompt": prompt}
    response = service.http.post(path, json=body)
    error = error_of(response)
    assert (response.status_code, error["type"], error["code"]) == (status, kind, code)
    assert response.headers["x-should-retry"] == retry
    assert not [word for word in ("AiError", "NSFW", "neurons", "upstream connect") if word in error["message"]]
    if code == "insufficient_quota":
        assert 0 <= int(response.headers["retry-after"]) - (86_400 - time.time() % 86_400) % 86_400 < 30
    if code == "model_overloaded":
        assert 0 < int(response.headers["retry-after"]) <= 60


def test_a_failure_that_was_repeated_once_is_not_to_be_repeated_again(service: Service) -> None:
    """OpenAI's clients count their retries in this header."""
    for count, retry in (("0", "true"), ("1", "false")):
        response = service.http.post(
            GENERATIONS,
            json={"prompt": unique("a cat [[answer empty]]")},
            headers={"x-stainless-retry-count": count},
        )
        assert response.headers["x-should-retry"] == retry


def test_a_model_out_of_capacity_is_tried_again(service: Service, ledger: Ledger) -> None:
    prompt = unique("a cat [[fault 3040 x2]]")
    assert service.generate(prompt).status_code == 200
    assert ledger.outcomes(prompt) == ["3040", "3040", "ok"]


def test_the_images_that_were_drawn_are_delivered_and_what_failed_is_said(service: Service) -> None:
    """The drawn ones are paid for."""
    response = service.generate(unique("a cat [[fault 3036 x1]]"), n=3)
    assert (response.status_code, len(response.json()["data"])) == (200, 2)
    assert response.json()["warnings"][0].startswith("1 of 3 pictures could not be drawn: ")


@pytest.mark.parametrize(
    ("mark", "code"), [("[[fault 3030]]", "content_policy_violation"), ("[[answer html]]", "upstream_error")]
)
def test_a_failure_after_the_first_byte_comes_in_the_stream(service: Service, mark: str, code: str) -> None:
    """A readable sentence for apps that show nothing else, then the error, then the end."""
    response = service.chat(unique(f"a cat [[delay 2s]] {mark}"), stream=True)
    assert response.status_code == 200
    *_, failure, done = events(response.text)
    error = json.loads(failure)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["code"], done) == (code, "[DONE]")
    assert deltas(response.text).endswith(f"❌ {error['message']}")


def test_a_failure_inside_an_image_stream_is_its_last_event(service: Service) -> None:
    response = service.generate(unique("a cat [[delay 2s]] [[fault 3036]]"), stream=True)
    assert response.status_code == 200
    assert "image_generation.completed" not in response.text
    *_, failure, done = events(response.text)
    assert (json.loads(failure)["error"]["code"], done) == ("insufficient_quota", "[DONE]")


# --- the configuration ----------------------------------------------------------------------------


def test_without_a_key_of_its_own_the_service_lets_nobody_in(start: Start) -> None:
    with start(key="") as keyless:
        for headers in ({}, {"authorization": "Bearer"}, {"api-key": ""}, {"authorization": f"Bearer {KEY}"}):
            for method, path in (("GET", "/v1/models"), ("POST", CHAT), ("POST", GENERATIONS), ("POST", EDITS)):
                response = httpx.request(method, keyless.url + path, headers=headers)
                error = error_of(response)
                assert (response.status_code, error["code"]) == (503, "api_key_not_configured")
                assert "API_KEY" in error["message"]
        health = keyless.http.get("/health").json()
        assert (health["status"], health["checks"]["api_key"]) == ("degraded", "missing")


def test_a_wrong_setting_is_an_error_that_names_it(start: Start) -> None:
    """At every endpoint that needs settings, and in /health. KV would refuse such a short expiry."""
    with start(vars={"IMAGE_EXPIRATION": 30}) as misconfigured:
        for response in (misconfigured.chat("a cat"), misconfigured.generate("a cat")):
            error = error_of(response)
            assert (response.status_code, error["code"]) == (500, "invalid_configuration")
            assert "IMAGE_EXPIRATION" in error["message"]
            assert "60" in error["message"]
            assert response.headers["x-should-retry"] == "false"
        health = misconfigured.http.get("/health").json()
        assert health["status"] == "degraded"
        assert "IMAGE_EXPIRATION" in health["checks"]["settings"]


@pytest.fixture(scope="module")
def unwelcome(start: Start, stand_in: Server) -> Iterator[Service]:
    """A Worker with a token that the REST API refuses, a rate limit of four pictures, and two keys."""
    with start(
        vars={
            "API_KEY": f"{KEY}, other-key",
            "CF_ACCOUNT_ID": "account",
            "CF_API_TOKEN": "revoked-token",
            "CF_API_BASE_URL": f"{stand_in.url}/client/v4",
        },
        changes={"services": None, **limited_to(4)},
    ) as running:
        yield running


def test_a_token_that_cloudflare_refuses_is_the_owners_business(unwelcome: Service) -> None:
    headers = {"authorization": "Bearer other-key"}
    response = httpx.post(f"{unwelcome.url}{GENERATIONS}", json={"prompt": "a cat"}, headers=headers)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (502, "upstream_not_authorized")
    assert "CF_API_TOKEN" in error["message"]
    assert "revoked-token" not in response.text
    assert response.headers["x-should-retry"] == "false"


def test_more_pictures_than_the_limit_allows_are_refused(unwelcome: Service) -> None:
    """At most two periods of a minute pass here, so one of three times four pictures must be refused."""
    responses = [unwelcome.generate("a crowd", n=4) for _ in range(3)]
    limited = [response for response in responses if response.status_code == 429]
    assert limited
    for response in limited:
        error = error_of(response)
        assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        assert 0 < int(response.headers["retry-after"]) <= 60
    assert unwelcome.http.get("/v1/models").status_code == 200
