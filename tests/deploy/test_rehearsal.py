"""Rehearsed deployments: the real pywrangler and wrangler, with a stand-in for Cloudflare's API.

Each either succeeds or ends with a sentence that says what to do. Nothing is created twice, and no file of the project
changes.

A rehearsal takes seconds of one core, so two run at a time. `test_rehearsal` waits for the one that it names.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT
from dev.cloudflare.api import KV, LARGEST_PAGE, PERMISSIONS, SCRIPTS, SETTINGS, Token
from dev.cloudflare.multipart import Part
from dev.cloudflare.server import StandIn
from tests.deploy.conftest import NAME, First
from tests.deploy.project import KEY, Ended, Project

TITLE = f"{NAME}-flux-cf-kv"

UPLOAD = "PUT /workers/scripts/{name}"
CREATE_NAMESPACE = "POST /storage/kv/namespaces"
PUT_ON_SUBDOMAIN = "POST /workers/scripts/{name}/subdomain"

BINDING = 'binding = "FLUX_CF_KV"\n'
"""The line of wrangler.toml that an id would follow."""
CTRL_C = "\x03"

Rehearsal = Callable[[StandIn, Project], None]
REHEARSALS: dict[str, Rehearsal] = {}


def rehearsal(one: Rehearsal) -> Rehearsal:
    """Register a rehearsal, which starts with an empty account and a clone in which everything is installed."""
    REHEARSALS[one.__name__] = one
    return one


@pytest.fixture(scope="module")
def rehearsed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, compiled: Path
) -> Iterator[Mapping[str, Future[None]]]:
    """The selected rehearsals, running."""

    def run(name: str, folder: Path) -> None:
        with StandIn() as api:
            REHEARSALS[name](api, Project(folder, compiled))

    selected = [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_rehearsal.__name__
    ]
    pool = ThreadPoolExecutor(2)
    yield {name: pool.submit(run, name, tmp_path_factory.mktemp("project")) for name in selected}
    pool.shutdown(cancel_futures=True)


def ended_well(api: StandIn, ended: Ended, name: str = NAME, title: str = TITLE) -> None:
    """Assert that the Worker has the only namespace of its title, and that the stand-in knew every request."""
    assert ended.status == 0, ended.printed
    assert [step for step in api.steps() if step.startswith("/")] == []
    assert api.account.workers[name].enabled
    assert namespace_of(api, name) == title
    assert api.account.created_namespaces.count(title) == 1


def namespace_of(api: StandIn, name: str = NAME) -> str:
    """The title of the KV namespace to which the live Worker is bound."""
    bindings = api.account.workers[name].deployed().bindings
    [namespace] = [one for one in bindings if one["type"] == "kv_namespace"]
    return api.account.namespaces[namespace["namespace_id"]]


def put_there(api: StandIn, bindings: list[dict[str, Any]], source: str = "wrangler", name: str = NAME) -> None:
    """Create a Worker that exists on the account before the rehearsal."""
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


@pytest.mark.usefixtures("rehearsed")
def test_a_first_deployment_a_second_and_one_after_the_worker_was_deleted(first: First) -> None:
    """The namespace is created once, inherited, and found by its title after `wrangler delete` has left only it."""
    api, project = first.api, first.project
    ended_well(api, first.ended)
    assert (
        f"npx wrangler secret put API_KEY\n  make smoke URL=https://{NAME}.rehearsals.workers.dev"
        in first.ended.printed
    )

    second = project.run(api, "make", "deploy")
    ended_well(api, second)
    assert api.account.workers[NAME].secrets == {"API_KEY": KEY, "DAILY_NEURONS": "9500"}
    assert "secret put" not in second.printed

    deleted = project.wrangler(api, "delete", "--force")
    assert deleted.status == 0, deleted.printed
    assert (api.account.workers, list(api.account.namespaces.values())) == ({}, [TITLE])
    third = project.run(api, "make", "deploy")
    ended_well(api, third)
    assert project.changed() == set()


BROKEN: tuple[tuple[str, dict[str, Any], str], ...] = (
    (CREATE_NAMESPACE, {"status": 0, "is_done": True}, "Cloudflare's API cannot be reached from here"),
    (UPLOAD, {"status": 400, "code": 10021, "message": "Script startup exceeded CPU."}, "Cloudflare could not start"),
    (PUT_ON_SUBDOMAIN, {"status": 403, "code": 10000}, "Cloudflare refused the token"),
)
"""Steps at which a first deployment fails after it has created something, in order, and the message for each."""


@rehearsal
def a_deployment_that_broke_says_why_and_is_repeated(api: StandIn, project: Project) -> None:
    """Whatever the earlier attempts left behind."""
    for step, how, told in BROKEN:
        api.fail(step, **how)
        broken = project.run(api, "make", "deploy")
        assert broken.status != 0
        assert broken.last_line.startswith(told), broken.printed
        assert list(api.account.namespaces.values()) == [TITLE], broken.printed
    ended_well(api, project.run(api, "make", "deploy"))
    assert project.changed() == set()


@rehearsal
def another_environment_has_a_worker_and_a_namespace_of_its_own(api: StandIn, project: Project) -> None:
    """Configured as in docs/deploy.md, after a failed deployment of it, next to the Worker at the top of the file."""
    [staging] = re.findall(r"```toml\n(\[env\.staging\].*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    refused = project.run(api, "make", "deploy", "ENV=staging")
    assert refused.status != 0
    assert refused.last_line.startswith("wrangler.toml has no [env.staging] (it has none): docs/deploy.md#several-env")
    project.configuration.write_text(f"{project.configuration.read_text()}\n{staging}")
    for number in range(LARGEST_PAGE):  # the account's namespaces then fill more than one page
        api.account.create_namespace(f"another {number}")
    api.account.create_namespace(TITLE)
    api.account.create_namespace(f"{NAME}-staging-flux-cf-kv")
    ended = project.run(api, "make", "deploy", "ENV=staging")
    ended_well(api, ended, f"{NAME}-staging", f"{NAME}-staging-flux-cf-kv")
    assert "npx wrangler secret put API_KEY --env staging" in ended.printed
    assert list(api.account.workers[f"{NAME}-staging"].classes) == ["Ledger"]
    assert project.changed() == {"wrangler.toml"}


@rehearsal
def a_deployment_without_a_ledger_is_upgraded_and_cannot_be_rolled_back(api: StandIn, project: Project) -> None:
    """The migration is applied once, together with everything else. Later deployments are versions again."""
    kept = api.account.create_namespace(TITLE)
    put_there(api, [{"type": "kv_namespace", "name": "FLUX_CF_KV", "namespace_id": kept}])
    worker = api.account.workers[NAME]
    before = worker.latest.id

    ended_well(api, project.run(api, "make", "deploy"))
    assert (worker.migration_tag, list(worker.classes)) == ("v1", ["Ledger"])
    assert worker.deployed().metadata["migrations"] == {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Ledger"]}]}
    ledger = worker.classes["Ledger"]

    ended_well(api, project.run(api, "make", "deploy"))
    assert "migrations" not in worker.deployed().metadata
    assert "POST /workers/scripts/{name}/versions" in api.steps()
    [binding] = [one for one in worker.deployed().bindings if one["name"] == "LEDGER"]
    assert (binding["class_name"], binding["namespace_id"]) == ("Ledger", ledger)

    live = worker.deployed().id
    rolled = project.wrangler(api, "rollback", before, "--message", "back", "--yes")
    assert rolled.status != 0
    assert "migration" in rolled.printed
    assert worker.deployed().id == live
    assert project.changed() == set()


@rehearsal
def what_was_set_in_the_dashboard_stays(api: StandIn, project: Project) -> None:
    """Variables (keep_vars), secrets, and the namespace, even if it has another title."""
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


@rehearsal
def what_the_user_changed_in_wrangler_toml_is_followed(api: StandIn, project: Project) -> None:
    """The user's own namespace, given by its id although one with our title exists, and their own domain."""
    own = api.account.create_namespace("of their own")
    api.account.create_namespace(TITLE)
    [domain] = re.findall(r"```toml\n(\[\[routes\]\].*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    with_id = project.configuration.read_text().replace(BINDING, f'{BINDING}id = "{own}"\n')
    project.configuration.write_text(f"{with_id}\n{domain}")
    ended = project.run(api, "make", "deploy")
    assert ended.status == 0, ended.printed
    assert namespace_of(api) == "of their own"
    assert api.account.workers[NAME].domains == ["images.example.com"]
    assert "\n  make smoke URL=images.example.com KEY=YOUR-KEY\n" in ended.printed


@rehearsal
def of_two_accounts_one_is_asked_for_at_a_terminal(api: StandIn, project: Project) -> None:
    """Before anything is looked for, so that nothing is created twice. Without a terminal, it says how to choose."""
    api.account.neighbours = {"f" * 32: "Another"}
    api.account.create_namespace(TITLE)
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line == "Choose an account: CLOUDFLARE_ACCOUNT_ID=... make deploy (the ids are above)."
    assert api.account.id in ended.printed
    ended_well(api, project.run_in_terminal(api, "make", "deploy", typed={"Select an account": "\r"}))


# --- deployments that cannot succeed --------------------------------------------------------------


@rehearsal
def without_a_token_it_says_how_to_log_in(api: StandIn, project: Project) -> None:
    ended = project.run(api, "make", "deploy", CLOUDFLARE_API_TOKEN="")
    assert ended.status != 0
    assert ended.last_line.startswith(
        "Nobody is logged in: run `npx wrangler login` first, or set CLOUDFLARE_API_TOKEN"
    )
    assert api.calls == []


TOKENS: dict[frozenset[str], str] = {
    frozenset(PERMISSIONS) - {SCRIPTS}: "Cloudflare refused the token. CLOUDFLARE_API_TOKEN needs the permissions of",
    frozenset(PERMISSIONS) - {KV}: "The Worker has no KV namespace yet, and the token may not look for one: give it",
    # It may list but not write.
    frozenset({SETTINGS, "Workers Scripts: Read", "Workers KV Storage: Read"}): "Cloudflare refused the token.",
}
"""A token's permissions, and the message for its owner."""


@rehearsal
def a_token_that_may_not_is_told_what_it_needs(api: StandIn, project: Project) -> None:
    for permissions, told in TOKENS.items():
        api.token = Token(permissions=permissions)
        ended = project.run(api, "make", "deploy")
        assert ended.status != 0
        assert ended.last_line.startswith(told), (permissions, ended.printed)
        assert (api.account.created_namespaces, api.account.workers) == ([], {})


@rehearsal
def a_token_of_another_account_is_refused_as_well(api: StandIn, project: Project) -> None:
    ended = project.run(api, "make", "deploy", CLOUDFLARE_API_TOKEN="of-another-account")
    assert ended.status != 0
    assert ended.last_line.startswith("Cloudflare refused the token.")


@rehearsal
def a_name_that_another_worker_has_is_not_taken_from_it(api: StandIn, project: Project) -> None:
    """By itself, wrangler would replace it without asking."""
    put_there(api, [{"type": "plain_text", "name": "GREETING", "text": "hello"}])
    refused = project.run(api, "make", "deploy")
    assert refused.status != 0
    assert refused.last_line.startswith(f"The account already has a Worker named {NAME}, and it is not this service")
    assert "make deploy REPLACE=yes" in refused.last_line
    assert len(api.account.workers[NAME].versions) == 1
    ended_well(api, project.run(api, "make", "deploy", "REPLACE=yes"))


@rehearsal
def an_account_without_a_subdomain_is_told_to_choose_one(api: StandIn, project: Project) -> None:
    api.account.subdomain = ""
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line.startswith("The account has no workers.dev subdomain yet: choose one at the address above")


@rehearsal
def at_a_terminal_the_subdomain_is_asked_for_until_it_is_free(api: StandIn, project: Project) -> None:
    """wrangler.toml is not changed, although wrangler writes the ids of what it creates into it if it can."""
    api.account.subdomain = ""
    left = project.run_in_terminal(api, "make", "deploy", typed={"register a workers.dev subdomain now": CTRL_C})
    assert left.status != 0
    assert left.last_line.startswith("It was stopped before it was done: repeat `make deploy`")
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


@rehearsal
def after_ctrl_c_nothing_is_left_over(api: StandIn, project: Project) -> None:
    """While wrangler starts with our own configuration: no file, no traceback, and it can be repeated."""
    api.account.create_namespace(TITLE)
    stopped = project.run_in_terminal(api, "make", "deploy", typed={"Passing command to": CTRL_C})
    assert stopped.status != 0
    assert "Traceback" not in stopped.printed
    assert api.account.workers == {}
    assert not list(project.folder.glob(".wrangler-deploy*"))
    ended_well(api, project.run(api, "make", "deploy"))
    assert project.changed() == set()


@rehearsal
def a_configuration_that_cannot_be_read_is_named(api: StandIn, project: Project) -> None:
    project.configuration.write_text(f"{project.configuration.read_text()}\n[broken\n")
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert re.match(r"wrangler.toml cannot be read \(.*line \d+.*\): correct it, or restore it", ended.last_line)
    assert api.calls == []


@rehearsal
def where_python_cannot_be_downloaded_it_says_from_where(api: StandIn, project: Project) -> None:
    """`sync` of pywrangler, on a machine without internet access."""
    (project.folder / "python_modules" / ".synced").unlink()
    ended = project.run(api, "make", "deploy", UV_OFFLINE="1")
    assert ended.status != 0
    assert ended.last_line.startswith("pywrangler failed before it uploaded anything, for the reason above.")
    assert api.account.workers == {}


@rehearsal
def an_id_of_another_account_is_to_be_removed(api: StandIn, project: Project) -> None:
    """As in a fork of a repository in which someone committed their id."""
    own = project.configuration.read_text().replace(BINDING, f'{BINDING}id = "{"0" * 32}"\n')
    project.configuration.write_text(own)
    ended = project.run(api, "make", "deploy")
    assert ended.status != 0
    assert ended.last_line.startswith("The id of FLUX_CF_KV under [[kv_namespaces]] in wrangler.toml does not exist")


# --- the button -----------------------------------------------------------------------------------


@rehearsal
def the_deploy_button_s_way_ends_well(api: StandIn, project: Project) -> None:
    """Workers Builds creates an empty Worker with the secrets that it asked for, and runs `deploy` of package.json.

    It is not known whether it writes the id of a namespace into the new repository. This test assumes that it does not.
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


@pytest.mark.parametrize("name", REHEARSALS)
def test_rehearsal(rehearsed: Mapping[str, Future[None]], name: str) -> None:
    """Runs the function with that name above."""
    rehearsed[name].result()
