"""What all answers have in common: routes, keys, CORS, the error format, the log."""

import asyncio
import gc
import json
import sys
import time
from typing import Any
from urllib.parse import quote

import pytest

from flux import upstream
from flux.absent import NoLimiter
from flux.http import Request
from flux.ports import LimiterFailed
from flux.trace import Trace
from tests.builders import (
    CHAT,
    EDITS,
    GENERATIONS,
    KEY,
    NOW,
    ORIGIN,
    SCHNELL,
    Service,
    chat_of,
    posted,
    request,
    stream_of,
)
from tests.fakes import Allowance, Painter, Posted

pytestmark = pytest.mark.usefixtures("clock")

POSTS = (CHAT, GENERATIONS, EDITS)
PROTECTED = ("/v1/models", f"/v1/models/{SCHNELL}", *POSTS)


class BrokenPainter(Painter):
    """An image model with a bug."""

    async def draw(self, *_asked: Any, **_options: Any) -> Any:
        raise KeyError("a secret detail")


# --- routes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/models/", "//v1//models", "/v1/models//"])
async def test_a_path_answers_with_v1_and_without_and_forgives_a_slash(path: str) -> None:
    """Users type base URLs with a slash at the end."""
    answer = await Service().get(path)
    assert (answer.status, answer.json["object"]) == (200, "list")


@pytest.mark.parametrize("path", POSTS)
async def test_every_post_answers_with_v1_and_without(path: str) -> None:
    """The body is parsed: an empty object lacks a field."""
    for written in (path, path.removeprefix("/v1"), f"{path}/"):
        answer = await Service().post(written, {})
        assert (answer.status, answer.error["code"]) == (400, "missing_required_parameter")


@pytest.mark.parametrize("prefix", ["/v1/models/", "/models/"])
@pytest.mark.parametrize("written", [SCHNELL, quote(SCHNELL, safe=""), SCHNELL.replace("@", "%40"), "flux-1-schnell"])
async def test_a_models_id_may_come_percent_encoded(prefix: str, written: str) -> None:
    """It contains `/` and `@`, which SDKs encode."""
    answer = await Service().get(prefix + written)
    assert (answer.status, answer.json["id"]) == (200, SCHNELL)


@pytest.mark.parametrize(
    "path",
    ["/v2/models", "/v1", "/v1/", "/v1/v1", "/v1/v1/health", "/api", "/api/health", "/openai/image/x",
     "/image", "/image/", "/v1/image/x", "/v1/health", "/chat",
     "/v1/chat/completions/x", "/v1%2Fmodels", "/.env", "/health/x", "/%00", "/%ff", "/modelsx", "", "*"],
)  # fmt: skip
async def test_anything_else_is_a_404_that_says_where_to_look(path: str) -> None:
    answer = await Service().get(path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")


TWICE = ("/v1/v1{}", "/v1/v1/v1{}", "/api/v1{}", "/openai/v1{}", "/openai{}", "/v1/openai/v1{}", "//v1//v1/{}/")


@pytest.mark.parametrize("path", [*POSTS, "/v1/responses"])
@pytest.mark.parametrize("written", [*TWICE, "{0}{0}", "/v1{0}/v1{0}", "/v1{0}/v1/v1{0}", "/v1/chat/completions{0}"])
async def test_a_base_url_that_was_typed_twice_is_forgiven(path: str, written: str) -> None:
    """Also if a complete endpoint was entered as base URL: clients append the path once more."""
    answer = await Service().post(written.format(path.removeprefix("/v1")), {})
    assert (answer.status, answer.error["code"]) == (400, "missing_required_parameter")


@pytest.mark.parametrize("written", [*TWICE, "/v1/chat/completions{}", "/v1/images/generations/v1{}"])
async def test_models_are_found_below_a_base_url_that_was_typed_twice(written: str) -> None:
    assert (await Service().get(written.format("/models"))).json["object"] == "list"
    assert (await Service().get(written.format("/models/flux-1-schnell"))).json["id"] == SCHNELL


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1", "/v1/v1/nowhere", "/nowhere", "/v1/embeddings", "/v1/chat"])
async def test_a_404_names_the_base_url(path: str) -> None:
    """As callers reach it, even if a setting is invalid."""
    for variables, base in (({}, ORIGIN), ({"PUBLIC_URL": "https://flux.example/x"}, "https://flux.example/x")):
        answer = await Service(variables=variables).get(path, key=None)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert f" {base}/v1," in answer.error["message"]
    assert f" {ORIGIN}/v1," in (await Service(variables={"CHORES": "x"}).get(path)).error["message"]


INSTEAD = {
    "/completions": "/v1/chat/completions",
    "/embeddings": "embeddings",
    "/audio/speech": "audio",
    "/audio/transcriptions": "audio",
    "/moderations": "moderation",
    "/files": "data URLs",
    "/files/file-1/content": "data URLs",
    "/uploads": "data URLs",
    "/images/variations": "/v1/images/edits",
    "/images/x": "/v1/images/generations",
    "/images": "/v1/images/generations",
    "/batches": "each request",
    "/assistants": "/v1/responses",
    "/threads/thread_1/runs": "/v1/responses",
    "/conversations": "/v1/responses",
    "/vector_stores": "data URLs",
    "/fine_tuning/jobs": "/v1/models",
    "/engines/flux/completions": "/v1/chat/completions",
    "/chat": "/v1/chat/completions",
    "/messages": "/v1/chat/completions",
    "/videos": "videos",
    "/responses/resp_1": "previous_response_id",
}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(("path", "instead"), INSTEAD.items())
async def test_a_path_of_openais_that_is_not_served_says_what_to_use_instead(
    method: str, path: str, instead: str
) -> None:
    for written in (path, f"/v1{path}", f"/v1/v1{path}/"):
        answer = await Service().ask(request(written, method))
        assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert instead in answer.error["message"]


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("/openai/deployments/flux/images/generations", "client for OpenAI"),
        ("/openai/deployments/flux/chat/completions", "client for OpenAI"),
        ("/api/chat", "OpenAI's API"),
        ("/api/tags", "OpenAI's API"),
        ("/sdapi/v1/txt2img", "OpenAI's API"),
        ("/v1beta/models/gemini-3:generateContent", "OpenAI's API"),
    ],
)
async def test_a_path_of_another_api_says_which_one_is_served(path: str, instead: str) -> None:
    answer = await Service().post(path, {})
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert instead in answer.error["message"]


async def test_a_path_of_nothing_but_bases_is_answered_soon() -> None:
    """However long it is: each of its readings would be as long."""
    began = time.perf_counter()
    assert (await Service().get("/v1" * 5000 + "/nowhere")).status == 404
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
async def test_a_deployment_without_its_static_files_says_so(path: str) -> None:
    answer = await Service().get(path, key=None)
    assert answer.status == 404
    assert "static files" in answer.error["message"]


GETS = ("/v1/models", f"/v1/models/{SCHNELL}", "/health", "/image/x", "/", "/openapi.json")
WRONG_METHODS = [
    *((method, path, "GET, HEAD, OPTIONS") for path in GETS for method in ("POST", "PUT", "DELETE", "PATCH", "BREW")),
    *((method, path, "POST, OPTIONS") for path in POSTS for method in ("GET", "HEAD", "PUT", "DELETE", "get")),
]


@pytest.mark.parametrize(("method", "path", "allow"), WRONG_METHODS)
async def test_a_known_path_with_another_method_is_a_405_that_says_which(method: str, path: str, allow: str) -> None:
    answer = await Service().ask(request(path, method))
    assert (answer.status, answer.headers["allow"]) == (405, allow)
    assert method == "HEAD" or answer.error["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/image/x", "/nowhere"])
async def test_head_is_get_without_the_body(path: str) -> None:
    """With the same headers, including the length of the omitted body."""
    head, get = [await Service().ask(request(path, method)) for method in ("HEAD", "GET")]
    assert (head.status, head.text) == (get.status, "")
    assert head.headers["content-length"] == str(len(get.text.encode()))
    changing = {"x-request-id", "server-timing", "content-length"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


# --- CORS and the headers of every answer ---------------------------------------------------------


@pytest.mark.parametrize("path", [*PROTECTED, "/health", "/image/x", "/", "/nowhere"])
@pytest.mark.parametrize("wanted", ["authorization,content-type,x-stainless-os", "X-Title", "authorization, api-key"])
async def test_a_preflight_reflects_the_headers_that_are_asked_for(path: str, wanted: str) -> None:
    """For any path, without a key, since browsers send none. It is valid for 24 hours, and caches do not mix them."""
    headers = {"origin": "https://app.example", "access-control-request-headers": wanted}
    answer = await Service().ask(request(path, "OPTIONS", key=None, headers=headers))
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == wanted
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers["vary"] == "Access-Control-Request-Headers"


@pytest.mark.parametrize("wanted", ["", "a\r\nset-cookie: x", "a;b", "é", 'x"y', "a/b", "a\0"])
async def test_what_is_no_list_of_headers_is_not_said_back(wanted: str) -> None:
    headers = {"access-control-request-headers": wanted}
    answer = await Service().ask(request("/v1/models", "OPTIONS", headers=headers))
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type, api-key"


ASKED: dict[str, Request] = {
    "an answer": request("/v1/models"),
    "a picture": posted(GENERATIONS, {"prompt": "A cat"}),
    "health": request("/health"),
    "a preflight": request("/v1/models", "OPTIONS"),
    "no path": request("/nowhere"),
    "no method": request("/v1/models", "PUT"),
    "no key": request("/v1/models", key=None),
    "no JSON": posted(CHAT, "{"),
    "no prompt": posted(GENERATIONS, {}),
    "no picture": request("/image/x"),
    "no model": posted(GENERATIONS, {"prompt": "A cat", "model": "x"}),
    "too large": posted(CHAT, chat_of("A cat" * 2**18)),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_every_answer_wears_the_same_headers(asked: str) -> None:
    """CORS, a request id, no sniffing, and no caching except where it is wanted."""
    answer = await Service().ask(ASKED[asked])
    headers = answer.headers
    assert headers["access-control-allow-origin"] == "*"
    assert set(headers["access-control-expose-headers"].split(", ")) == {
        "x-request-id",
        "retry-after",
        "x-should-retry",
        "server-timing",
        "x-cost-neurons",
        "x-cost-dollars",
        "x-budget-remaining-neurons",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 24
    assert headers["server-timing"].endswith(("total;dur=0", "total;dur=1"))
    assert answer.text == "" or headers["content-type"] == "application/json; charset=utf-8"
    assert all(value.isascii() and value.isprintable() for value in headers.values())


async def test_request_ids_differ_and_are_those_of_the_log() -> None:
    service = Service()
    ids = [(await service.get("/health")).headers["x-request-id"] for _ in range(20)]
    assert len(set(ids)) == 20
    assert [line["request_id"] for line in service.log] == ids


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer one"},
        {"authorization": "bearer one"},
        {"authorization": "BEARER   two "},
        {"authorization": "Bearer three"},
        {"api-key": "two"},
        {"api-key": " one "},
        {"authorization": "Basic b25lOg==", "api-key": "one"},
        {"authorization": "Bearer ", "api-key": "one"},
        {"authorization": "Bearer clé"},
    ],
)
async def test_any_of_the_keys_opens_the_door(headers: dict[str, str]) -> None:
    """As a bearer token in any letter case, or as `api-key`."""
    service = Service(variables={"API_KEY": "one, two,three, clé"})
    assert (await service.get("/v1/models", key=None, headers=headers)).status == 200


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "one"},
        {"authorization": "Basic one"},
        {"authorization": "Bearer on"},
        {"authorization": "Bearer onee"},
        {"authorization": "Bearer One"},
        {"authorization": "Bearer one, two"},
        {"authorization": "Bearer one two"},
        {"api-key": ""},
        {"api-key": "one,two"},
        {"x-api-key": "one"},
        {"cookie": "api-key=one"},
        {"authorization": "Bearer \udcff"},
    ],
)
async def test_without_one_of_the_keys_nobody_gets_in(path: str, headers: dict[str, str]) -> None:
    """The key is checked before anything else: the body of this request is invalid."""
    service = Service(variables={"API_KEY": "one,two"})
    method = "POST" if path in POSTS else "GET"
    answer = await service.ask(request(path, method, key=None, headers=headers, body=Posted(b"{")))
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.error["type"] == "invalid_request_error"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("keys", ["", " , "])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"api-key": ""}, {"authorization": "Bearer x"}])
async def test_where_no_key_is_set_nobody_gets_in(keys: str, headers: dict[str, str]) -> None:
    """The owner is told what to do, and clients that retrying is useless."""
    answer = await Service(variables={"API_KEY": keys}).get("/v1/models", key=None, headers=headers)
    assert (answer.status, answer.error["code"]) == (503, "api_key_not_configured")
    assert "API_KEY" in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/health", "/image/x", "/nowhere"])
async def test_what_is_open_needs_no_key(path: str) -> None:
    assert (await Service(variables={"API_KEY": ""}).get(path, key=None)).status in (200, 404)


async def test_a_key_is_never_in_an_answer_or_in_the_log() -> None:
    service = Service(painter=BrokenPainter())
    headers = {"api-key": KEY}
    answers = [await service.ask(one) for one in ASKED.values()]
    answers.append(await service.generate())
    answers.append(await service.get(f"/{KEY}", headers=headers))
    answers.append(await service.get("/v1/models", key=f"{KEY}x"))
    seen = json.dumps([[answer.text, dict(answer.headers)] for answer in answers]) + "".join(service.lines)
    assert KEY not in seen.replace(f"/{KEY}", "")
    assert f"/{KEY}" not in "".join(service.lines)


# --- limits ---------------------------------------------------------------------------------------


async def test_a_key_is_limited_by_the_pictures_that_it_asks_for() -> None:
    """Each key has its own limit. The limiter gets the key's digest, not the key."""
    limiter = Allowance(3)
    service = Service(limiter=limiter, variables={"API_KEY": "one,two"})
    statuses = [(await service.post(GENERATIONS, {"prompt": "A cat", "n": n}, key="one")).status for n in (2, 1)]
    refused = await service.post(CHAT, chat_of(), key="one")
    other = await service.post(CHAT, chat_of("A cat --n 3"), key="two")
    assert statuses == [200, 200]
    assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
    assert refused.error["type"] == "rate_limit_error"
    assert refused.headers["retry-after"] == "60"
    assert other.status == 200
    assert list(limiter.spent.values()) == [3, 3]
    assert all(len(key) == 64 and "one" not in key for key in limiter.spent)


async def test_a_limiter_that_counts_less_is_named_in_the_timing() -> None:
    """So that `make smoke` can detect it. If the limiter counts correctly, nothing is reported."""
    counted = {}
    for shortfall in ("", "requests counted"):
        service = Service(limiter=Allowance(shortfall=shortfall))
        counted[shortfall] = (await service.post(CHAT, chat_of("A cat"))).headers["server-timing"]
    assert counted["requests counted"].startswith('limit;desc="requests counted", ')
    assert "limit" not in counted[""]


async def test_where_nothing_counts_everything_is_allowed() -> None:
    assert await NoLimiter().allows("key", 10**6)


@pytest.mark.parametrize(("outcome", "reason"), [(LimiterFailed("500"), "500"), (1e6, "time-out")])
async def test_a_limiter_that_does_not_answer_keeps_nobody_waiting(outcome: Exception | float, reason: str) -> None:
    """The picture is drawn, and the log says why it was not counted."""
    service = Service(limiter=Allowance(0, outcome))
    answer = await service.generate()
    assert answer.status == 200
    assert service.log[0]["limiter_error"] == reason
    assert service.log[0]["ms"]["total"] <= 2000


@pytest.mark.parametrize("body", [{}, {"prompt": "A cat", "steps": 9}, {"prompt": "A cat", "model": "x"}])
async def test_a_request_that_is_refused_is_not_counted(body: dict[str, Any]) -> None:
    service = Service()
    assert (await service.post(GENERATIONS, body)).status in (400, 404)
    assert service.limiter.spent == {}


@pytest.mark.parametrize(("path", "limit"), [(CHAT, 20 * 2**20), (GENERATIONS, 20 * 2**20), (EDITS, 20 * 2**20)])
async def test_a_body_over_the_limit_is_a_413_that_names_it(path: str, limit: int) -> None:
    exactly = b'{"images":["data:image/png;base64,%s"]}'
    exactly = exactly.replace(b"%s", b"x" * (limit - len(exactly) + 2))
    fits = await Service().ask(request(path, "POST", body=Posted(exactly)))
    over = await Service().ask(request(path, "POST", body=Posted(exactly + b" ")))
    assert (len(exactly), fits.status) == (limit, 400)
    assert (over.status, over.error["code"]) == (413, "request_too_large")
    assert f"{limit // 2**20} MiB" in over.error["message"]


async def test_words_have_a_limit_of_their_own_beside_pictures() -> None:
    answer = await Service().post(EDITS, {"prompt": "A cat" * 2**18, "images": []})
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PROTECTED)
async def test_wrong_settings_name_their_variable_to_whoever_has_a_key(path: str) -> None:
    service = Service(variables={"FLUX_NUM_STEPS": "many"})
    answer = await service.ask(request(path, "POST" if path in POSTS else "GET"))
    assert (answer.status, answer.error["code"]) == (500, "invalid_configuration")
    assert answer.error["message"].startswith("FLUX_NUM_STEPS ")
    assert answer.headers["x-should-retry"] == "false"
    assert (await service.get("/v1/models", key="wrong")).status == 401


async def test_a_bug_of_ours_is_told_in_the_log_alone() -> None:
    """The caller gets a request id to report, and no details."""
    service = Service(painter=BrokenPainter())
    answer = await service.generate("A cat")
    assert (answer.status, answer.error["code"], answer.error["type"]) == (500, "internal_error", "server_error")
    assert answer.headers["x-request-id"] in answer.error["message"]
    assert "secret" not in answer.text
    assert answer.headers["x-should-retry"] == "true"
    (line,) = service.log
    assert "KeyError: 'a secret detail'" in line["traceback"]
    assert (line["status"], line["error"]) == (500, "internal_error")


async def test_upstreams_words_are_told_in_the_log_alone() -> None:
    service = Service(painter=Painter(upstream.failure("5018: account 1234 is not allowed")))
    answer = await service.generate()
    assert (answer.status, answer.error["code"]) == (502, "upstream_not_authorized")
    assert "1234" not in answer.text
    assert service.log[0]["detail"] == "5018: account 1234 is not allowed"
    assert service.log[0]["upstream_code"] == 5018


@pytest.mark.parametrize(("count", "retry"), [(None, "true"), ("0", "true"), ("1", "false"), ("2", "false")])
async def test_a_client_that_already_retried_is_told_to_stop(count: str | None, retry: str) -> None:
    """OpenAI's SDKs count their retries in a header. Each retry may cost the owner a picture."""
    service = Service(painter=Painter(upstream.failure("500: no idea")))
    headers = {} if count is None else {"x-stainless-retry-count": count}
    answer = await service.post(GENERATIONS, {"prompt": "A cat"}, headers=headers)
    assert (answer.status, answer.headers["x-should-retry"]) == (502, retry)


# --- the log --------------------------------------------------------------------------------------


async def test_each_request_is_one_line_of_json_with_what_it_cost() -> None:
    service = Service(painter=Painter(seconds=0.5))
    answer = await service.generate("A cat", n=2, size="512x512")
    (line,) = service.log
    assert line == {
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "route": "/images/generations",
        "status": 200,
        "model": SCHNELL,
        "model_calls": 2,
        "neurons": 115.2,
        "dollars": 0.001268,
        "pictures": 2,
        "bytes": sum(picture.blob.size for picture, _ in service.store.pictures.values()),
        "ms": {"draw": 1000, "cut": 0, "keep": 0, "total": 500},
    }
    assert answer.headers["server-timing"] == (
        'draw;desc="1024x1024 image/jpeg";dur=1000, cut;dur=0, keep;dur=0, total;dur=500'
    )


async def test_what_a_step_took_does_not_depend_on_the_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock may be set back."""
    monkeypatch.setattr(time, "time", lambda: NOW - asyncio.get_running_loop().time())
    service = Service(painter=Painter(seconds=0.5))
    await service.generate()
    assert service.log[0]["ms"] == {"draw": 500, "keep": 0, "total": 500}


@pytest.mark.parametrize(("log_prompts", "told"), [("false", False), ("true", True)])
@pytest.mark.parametrize("path", [CHAT, GENERATIONS])
async def test_prompts_are_in_the_log_only_where_the_owner_wants_them(
    path: str, log_prompts: str, *, told: bool
) -> None:
    """If so, they are in the same line, whatever they contain."""
    prompt = 'A cat\nwith "quotes" 猫'
    service = Service(variables={"LOG_PROMPTS": log_prompts})
    await service.post(path, chat_of(prompt) if path == CHAT else {"prompt": prompt})
    assert len("".join(service.lines).splitlines()) == 1
    assert ("prompt" in service.log[0], "cat" in service.lines[0]) == (told, told)
    assert not told or service.log[0]["prompt"] == prompt


async def test_no_prompt_is_in_the_log_of_a_refusal() -> None:
    service = Service(painter=Painter(upstream.failure("3030: NSFW")))
    await service.generate("A secret cat")
    await service.chat("A secret cat --steps many")
    await service.post(CHAT, '{"A secret cat"')
    assert "secret" not in "".join(service.lines)
    assert [line["error"] for line in service.log] == ["content_policy_violation", "invalid_value", "invalid_json"]


async def test_a_pictures_key_is_not_in_the_log() -> None:
    """Whoever has it can open the picture."""
    service = Service()
    await service.generate()
    (key,) = service.store.pictures
    await service.open(f"/image/{key}")
    assert key not in "".join(service.lines)
    assert [line["route"] for line in service.log] == ["/images/generations", "/image/"]


async def test_a_method_of_any_length_does_not_fill_the_log() -> None:
    service = Service()
    await service.ask(request("/health", "X" * 1000))
    assert len(service.log[0]["method"]) <= 16


# --- clients that leave ---------------------------------------------------------------------------


STREAMS = [posted(CHAT, chat_of("x --n 2", stream=True)), posted(GENERATIONS, {"prompt": "x", "n": 2, "stream": True})]
WHOLE = [posted(CHAT, chat_of("x --n 2")), posted(GENERATIONS, {"prompt": "x", "n": 2})]


class Leaving:
    """A service with two pictures in progress, and what remains of them after the client has left."""

    def __init__(self, asked: Request) -> None:
        self._service = Service(painter=Painter(100.0, 100.0))
        self.answering = asyncio.create_task(self._service.app(asked))

    async def assert_all_ended(self) -> None:
        """No call or task continues, and the only log line says that the client left."""
        await asyncio.sleep(0.01)
        assert self._service.painter.fate.ended_early == 2
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert [line["status"] for line in self._service.log] == [499]


@pytest.mark.parametrize(("asked", "seconds"), [*((one, 0.5) for one in STREAMS + WHOLE), *((one, 5) for one in WHOLE)])
async def test_a_client_that_leaves_before_the_answer_ends_the_work(asked: Request, seconds: float) -> None:
    """Also during a stream's grace period of one second."""
    leaving = Leaving(asked)
    await asyncio.sleep(seconds)
    leaving.answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving.answering
    await leaving.assert_all_ended()


@pytest.mark.parametrize("asked", STREAMS)
@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_a_client_that_leaves_a_stream_ends_the_work(asked: Request, taken: int) -> None:
    """However much of it was read, even nothing."""
    leaving = Leaving(asked)
    stream = stream_of(await leaving.answering)
    for _ in range(taken):
        await anext(stream)
    await stream.aclose()
    await leaving.assert_all_ended()


@pytest.mark.parametrize("asked", STREAMS)
async def test_no_generator_of_an_abandoned_stream_is_left_to_the_collector(asked: Request) -> None:
    """Its cleanup would run later, in a task that belongs to no request."""
    left = list[object]()
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=left.append)
    try:
        stream = stream_of(await Leaving(asked).answering)
        await anext(stream)
        await anext(stream)
        await stream.aclose()
        del stream
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert left == []


# --- isolation between requests -------------------------------------------------------------------


async def test_nothing_of_one_request_is_seen_by_another() -> None:
    """Two keys, sizes and prompts, interleaved."""
    service = Service(painter=Painter(*[0.01 * (i % 7) for i in range(40)]), variables={"API_KEY": "one,two"})
    sizes = {"one": "768x512", "two": "512x1024"}
    asked = [
        posted(CHAT, chat_of(f"Prompt {i} of {key} --size {sizes[key]}"), key=key)
        for i in range(20)
        for key in ("one", "two")
    ]
    answers = await asyncio.gather(*map(service.ask, asked))
    for i, answer in enumerate(answers):
        key = ("one", "two")[i % 2]
        prompt = f"Prompt {i // 2} of {key}"
        assert answer.content.startswith(f"🎨 Original prompt: {prompt} --size {sizes[key]}\n")
        assert f"📐 Image specifications: {sizes[key]}\n" in answer.content
    assert len(service.store.pictures) == 40


async def test_durations_do_not_follow_the_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock may be changed while a request is served."""
    trace = Trace("id")
    with trace.step("keep"):
        monkeypatch.setattr(time, "time", lambda: 0.0)
        await asyncio.sleep(2)
    assert trace.steps == {"keep": 2000.0}
    assert trace.total == 2000.0
