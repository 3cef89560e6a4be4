"""The stand-in for Cloudflare's API follows the published one: Cloudflare's strict client accepts its answers."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import cloudflare
import httpx
import pytest
from cloudflare.types.workers import script_update_params
from pydantic import TypeAdapter

from dev.cloudflare import multipart
from dev.cloudflare.api import KV, PERMISSIONS, STEPS, Token
from dev.cloudflare.server import StandIn

NAME = "worker"
METADATA = {
    "main_module": "index.js",
    "compatibility_date": "2026-01-01",
    "compatibility_flags": [],
    "bindings": [{"type": "ai", "name": "AI"}],
    "keep_bindings": ["secret_text"],
}
MODULE = ("index.js", ("index.js", b"export default {}", "application/javascript+module"))


def form(metadata: dict[str, Any] = METADATA) -> list[tuple[str, Any]]:
    """An upload as wrangler sends it."""
    return [("metadata", (None, json.dumps(metadata), "application/json")), MODULE]


@pytest.fixture
def client(api: StandIn) -> Iterator[cloudflare.Cloudflare]:
    """Cloudflare's client, which raises an error if an answer does not have the published format."""
    with cloudflare.Cloudflare(
        api_token=api.token.value,
        base_url=api.environment["CLOUDFLARE_API_BASE_URL"],
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
def http(api: StandIn) -> Iterator[httpx.Client]:
    """For uploads: unlike the client, it sends file names as wrangler does."""
    url = f"{api.environment['CLOUDFLARE_API_BASE_URL']}/accounts/{api.account.id}"
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {api.token.value}"}) as http:
        yield http


ASKED: dict[str, Callable[[cloudflare.Cloudflare, Any], object]] = {
    "accounts": lambda it, _: list(it.accounts.list()),
    "memberships": lambda it, _: list(it.memberships.list()),
    "the token": lambda it, _: it.user.tokens.verify(),
    "namespaces": lambda it, at: list(it.kv.namespaces.list(**at)),
    "a namespace that is created": lambda it, at: it.kv.namespaces.create(title="another", **at),
    "the settings": lambda it, at: it.workers.scripts.script_and_version_settings.get(NAME, **at),
    "settings that are changed": lambda it, at: it.workers.scripts.settings.edit(NAME, tags=["one"], **at),
    "secrets": lambda it, at: list(it.workers.scripts.secrets.list(NAME, **at)),
    "a secret that is set": lambda it, at: it.workers.scripts.secrets.update(
        NAME, name="KEY", text="secret", type="secret_text", **at
    ),
    "versions": lambda it, at: list(it.workers.scripts.versions.list(NAME, **at)),
    "deployments": lambda it, at: it.workers.scripts.deployments.list(NAME, **at),
    "the newer view": lambda it, at: it.workers.beta.workers.get(NAME, **at),
    "the account's subdomain": lambda it, at: it.workers.subdomains.get(**at),
    "a subdomain that is chosen": lambda it, at: it.workers.subdomains.update(subdomain="chosen", **at),
    "whether it is on workers.dev": lambda it, at: it.workers.scripts.subdomain.get(NAME, **at),
    "that it is put there": lambda it, at: it.workers.scripts.subdomain.create(NAME, enabled=True, **at),
    "cron triggers": lambda it, at: it.workers.scripts.schedules.get(NAME, **at),
}
"""What Cloudflare's client can request about a Worker with a secret and a namespace."""


@pytest.mark.parametrize("what", ASKED)
def test_cloudflare_s_own_client_takes_the_answer(
    api: StandIn, client: cloudflare.Cloudflare, http: httpx.Client, what: str
) -> None:
    api.account.create_namespace("a title")
    assert http.put(f"/workers/scripts/{NAME}", files=form()).status_code == 200
    api.account.put_secret(NAME, {"name": "KEY", "type": "secret_text", "text": "secret"})
    answer = ASKED[what](client, {"account_id": api.account.id})
    assert answer is not None
    assert answer != []
    assert [call for call in api.calls if call.status >= 400] == []


def test_it_takes_an_upload_with_its_files_and_a_second_version(
    api: StandIn, client: cloudflare.Cloudflare, http: httpx.Client
) -> None:
    """The steps of wrangler, each accepted in the published format."""
    at: Any = {"account_id": api.account.id}
    content = b"<h1>a page</h1>"
    name = hashlib.sha256(content).hexdigest()[:32]
    manifest: Any = {"/index.html": {"hash": name, "size": len(content)}}
    session = client.workers.scripts.assets.upload.create(NAME, manifest=manifest, **at)
    assert session
    assert session.buckets == [[name]]
    sent = http.post(
        "/workers/assets/upload?base64=true",
        files={name: (name, base64.b64encode(content), "text/html")},
        headers={"authorization": f"Bearer {session.jwt}"},
    )
    assert sent.status_code == 201
    assets = {"assets": {"jwt": sent.json()["result"]["jwt"], "config": {}}}
    assert http.put(f"/workers/scripts/{NAME}", files=form(METADATA | assets)).status_code == 200
    assert api.account.workers[NAME].deployed().assets["/index.html"].content == content

    again = client.workers.scripts.assets.upload.create(NAME, manifest=manifest, **at)
    assert again
    assert again.buckets == []
    api.account.put_secret(NAME, {"name": "KEY", "type": "secret_text", "text": "secret"})
    uploaded = http.post(f"/workers/scripts/{NAME}/versions", files=form()).json()["result"]
    # The client's class for this answer cannot be validated (ResourcesBindings in cloudflare 5.9.0).
    shown = http.get(f"/workers/scripts/{NAME}/versions/{uploaded['id']}").json()["result"]
    assert shown
    assert shown["number"] == 3
    shares: Any = [{"percentage": 100, "version_id": uploaded["id"]}]
    client.workers.scripts.deployments.create(NAME, strategy="percentage", versions=shares, **at)
    live = api.account.workers[NAME].deployed()
    assert live.id == uploaded["id"]
    assert [binding["name"] for binding in live.bindings] == ["AI", "KEY"]


def test_what_wrangler_uploads_is_what_the_published_api_takes(version: Any) -> None:
    """The metadata of the real project."""
    TypeAdapter(script_update_params.Metadata).validate_python(version.metadata)
    for binding in version.metadata["bindings"]:
        TypeAdapter(script_update_params.MetadataBinding).validate_python(binding)


REFUSED: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "no Worker": ("GET", "/workers/scripts/nobody/settings", {}, 10007),
    "no service": ("GET", "/workers/services/nobody", {}, 10090),
    "a title that is taken": ("POST", "/storage/kv/namespaces", {"json": {"title": "taken"}}, 10014),
    "no main module": ("PUT", "/workers/scripts/one", {"files": form(METADATA | {"main_module": "other.js"})}, 10021),
    "a namespace of nobody": (
        "PUT",
        "/workers/scripts/one",
        {"files": form(METADATA | {"bindings": [{"type": "kv_namespace", "name": "KV", "namespace_id": "0" * 32}]})},
        10041,
    ),
    "nothing to inherit": (
        "PUT",
        "/workers/scripts/one",
        {"files": form(METADATA | {"bindings": [{"type": "inherit", "name": "KV"}]})},
        10057,
    ),
    "files of no session": (
        "PUT",
        "/workers/scripts/one",
        {"files": form(METADATA | {"assets": {"jwt": "a.b.c"}})},
        10000,
    ),
    "a subdomain that is taken": ("GET", "/workers/subdomains/taken", {}, 10031),
    "a subdomain that is free": ("GET", "/workers/subdomains/free", {}, 10032),
    "no such route": ("GET", "/workers/nothing", {}, 7000),
    "no JSON": ("POST", "/storage/kv/namespaces", {"content": b"{"}, 10002),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses_with_the_code_that_cloudflare_has(api: StandIn, http: httpx.Client, what: str) -> None:
    method, path, sent, code = REFUSED[what]
    api.account.create_namespace("taken")
    answer = http.request(method, path, **sent)
    assert answer.status_code >= 400
    body = answer.json()
    assert (body["success"], body["result"]) == (False, None)
    assert [error["code"] for error in body["errors"]] == [code]
    assert api.account.workers == {}


def test_lists_come_in_pages(api: StandIn, client: cloudflare.Cloudflare) -> None:
    """Cloudflare's client reads all pages of namespaces and accounts."""
    titles = [f"title {number:02}" for number in range(45)]
    for title in titles:
        api.account.create_namespace(title)
    listed = client.kv.namespaces.list(account_id=api.account.id, per_page=20)
    assert [one.title for one in listed] == titles
    assert api.steps().count("GET /storage/kv/namespaces") >= 3
    api.account.neighbours = {f"{number:032}": f"Account {number}" for number in range(30)}
    assert len(list(client.accounts.list())) == len(list(client.memberships.list())) == 31


def test_a_token_opens_what_it_may(api: StandIn, http: httpx.Client) -> None:
    assert http.get("/storage/kv/namespaces").status_code == 200
    api.token = Token(api.token.value, frozenset({"Workers KV Storage: Read"}))
    assert http.get("/storage/kv/namespaces").status_code == 200
    refused = http.post("/storage/kv/namespaces", json={"title": "one"})
    assert (refused.json()["errors"][0]["code"], api.account.namespaces) == (10000, {})
    api.token = Token(api.token.value, frozenset(PERMISSIONS) - {KV})
    assert http.get("/storage/kv/namespaces").json()["errors"][0]["code"] == 10000
    wrong = http.get("/storage/kv/namespaces", headers={"authorization": "Bearer wrong"})
    assert wrong.json()["errors"][0]["code"] == 9109


def test_a_step_fails_as_often_as_it_is_told(api: StandIn, http: httpx.Client) -> None:
    """Before or after the step, or by closing the connection."""
    step = "POST /storage/kv/namespaces"
    assert step in STEPS
    api.fail(step, 503, 1, "busy")
    api.fail(step, 0, is_done=True)
    busy = http.post("/storage/kv/namespaces", json={"title": "one"})
    assert (busy.status_code, busy.json()["errors"]) == (503, [{"code": 1, "message": "busy"}])
    assert api.account.namespaces == {}
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/storage/kv/namespaces", json={"title": "one"})
    assert list(api.account.namespaces.values()) == ["one"]
    assert http.post("/storage/kv/namespaces", json={"title": "two"}).status_code == 200
    assert api.steps() == [step] * 3
    with pytest.raises(ValueError, match="there is no step"):
        api.fail("PUT /nothing")


def test_a_form_is_read_as_it_was_sent() -> None:
    """With binary content that includes line ends and dashes as in a boundary."""
    content = bytes(range(256)) + b"\r\n--\r\n--boundary\r\n\r\n"
    request = httpx.Request("POST", "http://x", files=[("a", ("a", content, "application/wasm")), ("b", (None, b""))])
    parts = multipart.parse(request.read(), request.headers["content-type"])
    assert parts == [multipart.Part("a", "application/wasm", content), multipart.Part("b", "", b"")]
    for body, type_ in (
        (b"", "application/json"),
        (b"x", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ):
        with pytest.raises(ValueError, match="form"):
            multipart.parse(body, type_)
