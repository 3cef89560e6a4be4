"""The GitHub Actions workflow runs the project's two commands, and passes secrets only where needed."""

import re
from typing import Any

import pytest
import yaml

from dev import ROOT

FILE = ROOT / ".github" / "workflows" / "deploy.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS: list[dict[str, Any]] = [step for job in JOBS.values() for step in job["steps"]]
SECRET = re.compile(r"\$\{\{\s*secrets\.(\w+)\s*\}\}")


def test_it_runs_make_and_nothing_else() -> None:
    """Anything a job does must be possible locally, so it is in the Makefile."""
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in JOBS.items()}
    assert commands == {"test": ["make test"], "deploy": ["make deploy"]}


def test_only_a_tag_of_what_passed_is_deployed() -> None:
    on = WORKFLOW[True]  # YAML 1.1 reads the key `on` as a boolean
    assert on == {"push": {"branches": ["main"], "tags": ["v*"]}, "pull_request": None}
    assert JOBS["deploy"]["needs"] == "test"
    assert JOBS["deploy"]["if"] == "startsWith(github.ref, 'refs/tags/v')"


@pytest.mark.parametrize("step", [step for step in STEPS if "uses" in step], ids=lambda step: str(step["uses"]))
def test_actions_are_github_s_own_and_pinned(step: dict[str, Any]) -> None:
    """By major version: whoever can move a tag can change what runs with our secrets, so only GitHub's are used."""
    assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_secrets_reach_the_step_that_deploys_and_nothing_else() -> None:
    """They are never part of a command, which GitHub prints. No other job or step has them."""
    [deploys] = [step for step in STEPS if step.get("run") == "make deploy"]
    assert {name: SECRET.findall(value) for name, value in deploys["env"].items()} == {
        "CLOUDFLARE_API_TOKEN": ["CLOUDFLARE_API_TOKEN"],
        "CLOUDFLARE_ACCOUNT_ID": ["CLOUDFLARE_ACCOUNT_ID"],
    }
    assert FILE.read_text().count("secrets.") == len(deploys["env"])
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not [job for job in JOBS.values() if "permissions" in job]


def test_the_documentation_names_the_secrets() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert [name for name in SECRET.findall(FILE.read_text()) if f"`{name}`" not in page] == []


def test_no_job_runs_for_ever() -> None:
    assert all(job["timeout-minutes"] <= 30 for job in JOBS.values())
