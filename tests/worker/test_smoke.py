"""`make smoke` keeps quiet about a deployment that is well, and says in words what is wrong with one that is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT, serve
from dev.smoke import PROMISES
from tests.worker.service import KEY, Ledger, Service, Start, eventually

NOWHERE = "http://127.0.0.1:1"
"""Port 1 answers nobody."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make smoke` needs of a clone in which nothing has been installed."""
    clone = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "Makefile", clone)
    for folder in ("dev", "src"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return clone


def smoke(clone: Path, *arguments: str) -> tuple[int, str]:
    """What make answers, and all that it printed."""
    python = Path(sys.executable).resolve()  # the one that .venv was made with, without its packages
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "URL", "KEY")}
    made = subprocess.run(
        ["make", "smoke", f"PYTHON={python}", *arguments],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return made.returncode, made.stdout


def complaints(printed: str) -> dict[str, str]:
    """What is said of each promise that is not kept."""
    wrong = [line.removeprefix("WRONG ") for line in printed.splitlines() if line.startswith("WRONG ")]
    return dict(line.split(": ", 1) for line in wrong)


def test_a_deployment_that_is_well_passes_with_a_dozen_requests_and_two_pictures(
    clone: Path, service: Service, ledger: Ledger
) -> None:
    requests, calls = len(service.log_lines()), len(ledger.calls(""))
    status, printed = smoke(clone, f"URL={service.url}", f"KEY={KEY}")
    assert (status, complaints(printed)) == (0, {}), printed
    assert printed.count("\nok ") == len(PROMISES)
    assert KEY not in printed
    assert eventually(lambda: len(service.log_lines()) - requests == 11)  # and the page, which never starts Python
    assert [call["outcome"] for call in ledger.calls("")[calls:]] == ["ok", "ok"]


@pytest.mark.parametrize("url", ["{}/", "{}/v1", "{}/v1/"])
def test_the_base_url_of_an_app_is_taken_as_well(clone: Path, service: Service, url: str) -> None:
    """Nothing is drawn with a wrong key, and nothing asked that it would only spoil."""
    status, printed = smoke(clone, f"URL={url.format(service.url)}", "KEY=wrong")
    assert status != 0
    assert complaints(printed) == {
        "the key opens": "the service does not know this KEY: is it one of those in API_KEY?",
    }
    assert "1 of 5 promises are not kept, 4 were not tried." in printed


def test_a_deployment_must_be_named(clone: Path) -> None:
    for arguments in ([], [f"URL={NOWHERE}"], ["KEY=key"]):
        status, printed = smoke(clone, *arguments)
        assert status != 0
        assert "make smoke URL=https://YOUR-WORKER KEY=YOUR-KEY" in printed


def test_an_address_where_nothing_is(clone: Path) -> None:
    status, printed = smoke(clone, f"URL={NOWHERE}", f"KEY={KEY}")
    assert status != 0
    [(promise, problem)] = complaints(printed).items()
    assert promise == "everything is there"
    assert problem.startswith(f"{NOWHERE}/health cannot be reached: ")


def test_an_address_where_something_else_is(clone: Path, stand_in: serve.Server) -> None:
    status, printed = smoke(clone, f"URL={stand_in.url}", f"KEY={KEY}")
    assert status != 0
    assert complaints(printed) == {
        "everything is there": f"{stand_in.url}/health does not answer as this service does: is that its address?",
    }


BROKEN: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no key, and a setting that cannot be": (
        {"key": "", "vars": {"IMAGE_EXPIRATION": "5"}},
        {
            "everything is there": ["npx wrangler secret put API_KEY", "IMAGE_EXPIRATION must be"],
            "the key opens": ["This deployment has no API key yet"],
        },
    ),
    "no Images binding, and chores are drawn": (
        {"changes": {"images": None}, "vars": {"CHORES": "draw"}},
        {
            "everything is there": ["bind IMAGES in wrangler.toml"],
            "a chore draws nothing": ["is CHORES set to draw?"],
            "a picture has the size that it is said to have": ["1024x1024 instead of 768x512: is IMAGES bound?"],
            "a stream tells how it goes": ["1024x1024 instead of 1024x576: is IMAGES bound?"],
        },
    ),
    "nothing to keep pictures in": (
        {"changes": {"kv_namespaces": None}},
        {
            "everything is there": ["bind FLUX_CF_KV in wrangler.toml"],
            "a picture has the size that it is said to have": ["FLUX_CF_KV did not keep it"],
            "a stream tells how it goes": ["FLUX_CF_KV did not keep it"],
        },
    ),
    "a token that Workers AI does not know": (
        {"vars": {"CF_ACCOUNT_ID": "0" * 32, "CF_API_TOKEN": "wrong", "CF_API_BASE_URL": "{stand_in}/client/v4"}},
        {
            "a picture has the size that it is said to have": ["HTTP 502", "CF_API_TOKEN"],
            "a stream tells how it goes": ["HTTP 502", "CF_API_TOKEN"],
        },
    ),
    "links that lead nowhere": (
        {"vars": {"PUBLIC_URL": NOWHERE}},
        {
            "a picture has the size that it is said to have": [f"{NOWHERE}/image/", "is PUBLIC_URL right?"],
            "a stream tells how it goes": [f"{NOWHERE}/image/", "is PUBLIC_URL right?"],
        },
    ),
}
"""How each is deployed, and what is said about it: parts of the complaint about each promise that is not kept."""


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_deployment_is_told_what_to_mend(
    clone: Path, start: Start, stand_in: serve.Server, fault: str
) -> None:
    deployed, expected = BROKEN[fault]
    vars = {name: value.format(stand_in=stand_in.url) for name, value in deployed.get("vars", {}).items()}
    with start(**{**deployed, "vars": vars}) as service:
        status, printed = smoke(clone, f"URL={service.url}", f"KEY={KEY}")
    assert status != 0
    said = complaints(printed)
    assert said.keys() == expected.keys(), printed
    for promise, parts in expected.items():
        assert not [part for part in parts if part not in said[promise]], said[promise]
