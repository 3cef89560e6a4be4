"""The deployment rehearsed: the real pywrangler and wrangler, with a stand-in for Cloudflare's API at the other end.

Each ends well, or says in its last sentence what to do. Nothing is created twice, and no file of the project changes.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT
from dev.cloudflare.api import KV, PERMISSIONS, SCRIPTS, Token
from dev.cloudflare.multipart import Part
from dev.cloudflare.server import StandIn
from tests.deploy.project import KEY, Ended, Project

NAME = "flux-image-api"
TITLE = f"{NAME}-flux-cf-kv"

UPLOAD = "PUT /workers/scripts/{name}"
CREATE_NAMESPACE = "POST /storage/kv/namespaces"
PUT_ON_SUBDOMAIN = "POST /workers/scripts/{name}/subdomain"


def ended_well(api: StandIn, ended: Ended, name: str = NAME, title: str = TITLE) -> None:
    """Assert that the Worker answers with the one namespace of its title, and that the stand-in knew every request."""
    assert ended.status == 0, ended.printed
    assert [step for step in api.steps() if step.startswith("/")] == []
    assert api.account.workers[name].enabled
    assert namespace_of(api, name) == title
    assert api.account.created_namespaces.count(title) == 1


def namespace_of(api: StandIn, name: str = NAME) -> str:
    """The title of the KV namespace that the live Worker is bound to."""
    bindings = api.account.workers[name].deployed().bindings
    [namespace] = [one for one in bindings if one["type"] == "kv_namespace"]
    return api.account.namespaces[namespace["namespace_id"]]


def put_there(api: StandIn, bindings: list[dict[str, Any]], source: str = "wrangler", name: str = NAME) -> None:
    """A Worker that is on the account already."""
    metadata = {"main_module": "index.js", "bindings": bindings, "compatibility_date": "2026-01-01"}
    api.account.upload(
        name,
        [
            Part("metadata", "application/json", json.dumps(metadata).encode()),
            Part("index.js", "application/javascript+module", b"export default {}"),
        ],
        source,
    )
    api.account.deploy(name, {api.account.workers[name].latest.id: 100}, source)


def test_a_first_deployment_a_second_and_one_after_the_worker_was_deleted(api: StandIn, project: Project) -> None:
    """The namespace is created once, inherited, and found again by its title after `wrangler delete` left it alone."""
    first = project.run(api, "make", "deploy")
    ended_well(api, first)
    assert f"npx wrangler secret put API_KEY\n  make smoke URL=https://{NAME}.rehearsals.workers.dev" in first.printed

    project.wrangler(api, "secret", "put", "API_KEY", typed=KEY)
    second = project.run(api, "make", "deploy")
    ended_well(api, second)
    assert api.account.workers[NAME].secrets == {"API_KEY": KEY}
    assert "secret put" not in second.printed

    deleted = project.wrangler(api, "delete", "--force")
    assert deleted.status == 0, deleted.printed
    assert (api.account.workers, list(api.account.namespaces.values())) == ({}, [TITLE])
    third = project.run(api, "make", "deploy")
    ended_well(api, third)
    assert project.changed() == set()


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "the answer to the creation of the namespace was lost": (CREATE_NAMESPACE, {"status": 0, "is_done": True}),
    "the Worker did not start": (
        UPLOAD,
        {"status": 400, "code": 10021, "message": "Script startup exceeded CPU time."},
    ),
    "the Worker was not put on workers.dev": (PUT_ON_SUBDOMAIN, {"status": 403, "code": 10000}),
}
"""Where a first deployment breaks after it has created something."""
TOLD = {
    "the answer to the creation of the namespace was lost": "Cloudflare's API cannot be reached from here",
    "the Worker did not start": "Cloudflare could not start the Worker",
    "the Worker was not put on workers.dev": "Cloudflare refused the token",
}


def test_a_deployment_that_broke_says_why_and_is_repeated(tmp_path: Path, compiled: Path) -> None:
    """Whatever it left behind. Two at a time: each takes seconds, of one core."""

    def rehearse(number: int, fault: str) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        project = Project(folder, compiled)
        step, how = BROKEN[fault]
        with StandIn() as api:
            api.fail(step, **how)
            broken = project.run(api, "make", "deploy")
            assert (broken.status != 0, broken.last_line.partition(TOLD[fault])[0]) == (True, ""), (
                fault,
                broken.printed,
            )
            assert list(api.account.namespaces.values()) == [TITLE], fault
            ended_well(api, project.run(api, "make", "deploy"))
            assert project.changed() == set()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(rehearse, number, fault) for number, fault in enumerate(BROKEN)]:
            done.result()


def test_another_environment_has_a_worker_and_a_namespace_of_its_own(api: StandIn, project: Project) -> None:
    """As docs/deploy.md configures it, after a deployment of it that broke, beside the one at the top of the file."""
    [staging] = re.findall(r"```toml\n(\[env\.staging\].*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    project.configuration.write_text(f"{project.configuration.read_text()}\n{staging}")
    api.account.create_namespace(TITLE)
    api.account.create_namespace(f"{NAME}-staging-flux-cf-kv")
    ended = project.run(api, "make", "deploy", "ENV=staging")
    ended_well(api, ended, f"{NAME}-staging", f"{NAME}-staging-flux-cf-kv")
    assert "npx wrangler secret put API_KEY --env staging" in ended.printed
    assert project.changed() == {"wrangler.toml"}


def test_what_was_set_in_the_dashboard_stays(api: StandIn, project: Project) -> None:
    """Variables (keep_vars), secrets, and the namespace, even one of another title."""
    other = api.account.create_namespace("of another title")
    api.account.create_namespace(TITLE)
    bindings = [
        {"type": "kv_namespace", "name": "FLUX_CF_KV", "namespace_id": other},
        {"type": "plain_text", "name": "RESPONSE_LANGUAGE", "text": "de"},
        {"type": "secret_text", "name": "API_KEY", "text": "secret"},
    ]
    put_there(api, bindings, "dash")
    ended = project.run(api, "make", "deploy")
    assert ended.status == 0, ended.printed
    assert namespace_of(api) == "of another title"
    assert [one for one in api.account.workers[NAME].deployed().bindings if "text" in one] == bindings[1:]


# --- where it cannot go on ------------------------------------------------------------------------


def test_without_a_token_it_says_how_to_log_in(api: StandIn, project: Project) -> None:
    ended = project.run(api, "make", "deploy", CLOUDFLARE_API_TOKEN="")
    assert ended.status != 0
    assert ended.last_line.startswith(
        "Nobody is logged in: run `npx wrangler login` first, or set CLOUDFLARE_API_TOKEN"
    )
    assert api.calls == []


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (SCRIPTS, "Cloudflare refused the token. CLOUDFLARE_API_TOKEN needs the permissions of the template"),
        (KV, "The Worker has no KV namespace yet, and the token may not look for one: give it the permission"),
    ],
)
def test_a_token_that_may_not_is_told_what_it_needs(api: StandIn, project: Project, missing: str, told: str) -> None:
    api.token = Token(permissions=frozenset(PERMISSIONS) - {missing})
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line.startswith(told)
    assert api.account.created_namespaces == []


def test_a_token_of_another_account_is_refused_as_well(api: StandIn, project: Project) -> None:
    ended = project.run(api, "make", "deploy", CLOUDFLARE_API_TOKEN="of-another-account")
    assert ended.status != 0
    assert ended.last_line.startswith("Cloudflare refused the token.")


def test_a_name_that_another_worker_has_is_not_taken_from_it(api: StandIn, project: Project) -> None:
    """By itself wrangler would replace it without a word."""
    put_there(api, [{"type": "plain_text", "name": "GREETING", "text": "hello"}])
    refused = project.run(api, "make", "deploy")
    assert refused.status != 0
    assert refused.last_line.startswith(f"The account already has a Worker named {NAME}, and it is not this service")
    assert "make deploy REPLACE=yes" in refused.last_line
    assert len(api.account.workers[NAME].versions) == 1
    ended_well(api, project.run(api, "make", "deploy", "REPLACE=yes"))


def test_an_account_without_a_subdomain_is_told_to_choose_one(api: StandIn, project: Project) -> None:
    api.account.subdomain = ""
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line.startswith("The account has no workers.dev subdomain yet: choose one at the address above")


def test_at_a_terminal_the_subdomain_is_asked_for_until_it_is_free(api: StandIn, project: Project) -> None:
    """And nothing is written into wrangler.toml, where wrangler puts the ids of what it created if it can."""
    api.account.subdomain = ""
    typed = {
        "register a workers.dev subdomain now": "y",
        "What would you like your workers.dev subdomain to be": "taken\r",
        "please try a different subdomain": "free\r",
        "Ok to proceed": "y",
    }
    ended = project.run_in_terminal(api, "make", "deploy", typed=typed)
    ended_well(api, ended)
    assert api.account.subdomain == "free"
    assert project.changed() == set()


def test_an_id_of_another_account_is_to_be_removed(api: StandIn, project: Project) -> None:
    """As in a fork of somebody who committed theirs."""
    own = project.configuration.read_text().replace(
        'binding = "FLUX_CF_KV"\n', f'binding = "FLUX_CF_KV"\nid = "{"0" * 32}"\n'
    )
    project.configuration.write_text(own)
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line.startswith("The id of FLUX_CF_KV under [[kv_namespaces]] in wrangler.toml does not exist")


# --- the button -----------------------------------------------------------------------------------


def test_the_deploy_button_s_way_ends_well(api: StandIn, project: Project) -> None:
    """Workers Builds makes an empty Worker with the secrets that it asked for, and runs package.json's `deploy`.

    Whether it writes the id of a namespace into the new repository is not known here; this is the way without.
    """
    put_there(api, [{"type": "secret_text", "name": "API_KEY", "text": "secret"}], "dash")
    tag = api.account.workers[NAME].tag
    api.account.create_namespace(TITLE)
    ended = project.run(
        api,
        "npm",
        "run",
        "deploy",
        CI="true",
        WORKERS_CI="1",
        WRANGLER_CI_MATCH_TAG=tag,
        WRANGLER_CI_OVERRIDE_NAME=NAME,
        CLOUDFLARE_ACCOUNT_ID=api.account.id,
    )
    ended_well(api, ended)
    assert api.account.workers[NAME].secrets == {"API_KEY": "secret"}
