"""The decisions of `make deploy`. tests/deploy rehearses it with wrangler."""

from typing import Any

import pytest

from dev import deploy

NAMESPACE = {"binding": "FLUX_CF_KV"}
CONFIGURED: dict[str, Any] = {
    "name": "images",
    "kv_namespaces": [{"binding": "OTHER", "id": "1"}, NAMESPACE],
    "env": {
        "staging": {"kv_namespaces": [NAMESPACE]},
        "named": {"name": "pictures", "kv_namespaces": [NAMESPACE]},
        "bare": {},
    },
}


@pytest.mark.parametrize(
    ("environment", "name", "title"),
    [
        ("", "images", "images-flux-cf-kv"),
        ("staging", "images-staging", "images-staging-flux-cf-kv"),
        ("named", "pictures", "pictures-flux-cf-kv"),
        ("bare", "images-bare", "images-bare-flux-cf-kv"),
    ],
)
def test_a_target_is_named_as_wrangler_names_it(environment: str, name: str, title: str) -> None:
    target = deploy.target(CONFIGURED, environment)
    assert (target.name, target.title) == (name, title)


def test_a_build_service_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is used by wrangler too, also for the namespace."""
    monkeypatch.setenv("WRANGLER_CI_OVERRIDE_NAME", "connected")
    assert deploy.target(CONFIGURED, "").title == "connected-flux-cf-kv"


@pytest.mark.parametrize("environment", ["", "staging"])
def test_the_id_goes_to_the_environment_that_is_deployed(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    """Nothing else in the configuration changes."""
    to = deploy.target(CONFIGURED, environment)
    listed = [{"title": "another", "id": "0"}, {"title": to.title, "id": "found"}]
    monkeypatch.setattr(deploy, "ask", lambda *_: listed)
    changed = deploy.with_namespace(CONFIGURED, to)
    assert changed
    place = changed["env"][environment] if environment else changed
    assert place["kv_namespaces"][-1] == {"binding": "FLUX_CF_KV", "id": "found"}
    place["kv_namespaces"][-1].pop("id")
    assert changed == CONFIGURED


def test_without_a_namespace_of_the_title_wrangler_creates_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "ask", lambda *_: [{"title": "another", "id": "0"}])
    assert deploy.with_namespace(CONFIGURED, deploy.target(CONFIGURED, "")) is None


@pytest.mark.parametrize(
    ("bindings", "is_ours"),
    [
        ([{"name": "FLUX_CF_KV", "type": "kv_namespace"}, {"name": "OTHER", "type": "ai"}], True),
        ([{"name": "API_KEY", "type": "secret_text"}], True),
        ([{"name": "API_KEY", "type": "secret_text"}, {"name": "AI", "type": "ai"}], False),
        ([], False),
    ],
)
def test_a_worker_is_ours_by_its_namespace_or_while_it_has_secrets_alone(
    bindings: list[dict[str, Any]], is_ours: bool
) -> None:
    """`wrangler secret put` before the first deployment creates a Worker that has only secrets."""
    assert deploy.is_ours(bindings) == is_ours


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        (0, "", deploy.NOT_UPLOADED),
        (10000, "A request to the Cloudflare API (/x) failed.", deploy.NOT_PERMITTED),
        (10027, "A request to the Cloudflare API (/x) failed.", deploy.TOO_LARGE),
        (99999, "A request to the Cloudflare API (/x) failed.", deploy.REFUSED),
        (0, "A request to the Cloudflare API (/x) failed.", deploy.TRY_AGAIN),
        (
            0,
            "More than one account available but unable to select one in non-interactive mode.",
            deploy.SEVERAL_ACCOUNTS,
        ),
        (0, "fetch failed", deploy.UNREACHABLE),
        (0, "No environment found in configuration with name", ""),
    ],
)
def test_a_failure_has_the_advice_of_its_code_or_of_its_message(code: int, message: str, advice: str) -> None:
    """None if wrangler's own message is sufficient."""
    assert deploy.Failed(code, message).advice == advice


def test_an_account_that_answers_otherwise_is_deployed_to_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lookup only helps: it is not needed if wrangler finds everything itself."""
    deployed: list[object] = []

    def record(to: deploy.Target, changed: dict[str, Any] | None) -> list[str]:
        deployed.append(changed)
        return ["https://x"]

    monkeypatch.setattr("sys.argv", ["deploy"])
    monkeypatch.setattr(deploy, "ask", lambda *_: [])
    monkeypatch.setattr(deploy, "deploy", record)
    deploy.main()
    assert deployed == [None]
    printed = capsys.readouterr().out
    assert "The account could not be looked at (IndexError" in printed
    assert "secret put" not in printed
