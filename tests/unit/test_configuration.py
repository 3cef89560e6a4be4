"""The local configuration matches the deployed one, and versions that are pinned twice are the same."""

import json
import re
import tomllib
from typing import Any

import pytest

from dev import ROOT, configuration, pyodide_bundle, serve
from tests import npm

SECRETS = {"API_KEY", "CF_ACCOUNT_ID", "CF_API_TOKEN", "EXTERNAL_API_KEY"}

DEPLOYED = configuration.read(configuration.DEPLOYED)
STAND_IN = configuration.read(configuration.STAND_IN)
PACKAGE = json.loads((ROOT / "package.json").read_text())
LOCK = json.loads((ROOT / "package-lock.json").read_text())
FOLDERS = {"the project's": ROOT, "the tests'": npm.FOLDER}
"""The folders with a package.json."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def as_deployed(local: dict[str, Any]) -> dict[str, Any]:
    """A local configuration with its documented differences undone."""
    undone = dict(local)
    undone["main"] = local["main"].removeprefix(f"{ROOT}/")
    undone["assets"] = local["assets"] | {"directory": local["assets"]["directory"].replace(f"{ROOT}/", "./")}
    *undone["compatibility_flags"], development, experimental = local["compatibility_flags"]
    assert (development, experimental) == ("python_workers_development", "experimental")
    if services := undone.pop("services", None):
        assert services == [{"binding": "AI", "service": STAND_IN["name"]}]
        undone["ai"] = {"binding": "AI"}
    return undone


@pytest.mark.parametrize("remote_ai", [False, True])
def test_the_local_configuration_is_the_deployed_one_but_for_pyodide_and_the_stand_in(remote_ai: bool) -> None:
    """Bindings, assets, dates and flags cannot drift apart."""
    local = configuration.local(remote_ai=remote_ai)
    assert as_deployed(local) == DEPLOYED
    assert ("ai" in local, "services" in local) == (remote_ai, not remote_ai)


def test_a_change_replaces_a_key_and_none_removes_it() -> None:
    """So that tests can run a deployment with other bindings."""
    local = configuration.local(changes={"images": None, "vars": {"API_KEY": "k"}})
    assert local["vars"] == {"API_KEY": "k"}
    assert "images" not in local
    assert "images" in configuration.local()


def test_every_binding_of_the_contract_is_deployed() -> None:
    """AI, FLUX_CF_KV, IMAGES and RATE_LIMITER; the KV namespace has no id."""
    assert DEPLOYED["ai"] == {"binding": "AI"}
    assert DEPLOYED["kv_namespaces"] == [{"binding": "FLUX_CF_KV"}]
    assert DEPLOYED["images"] == {"binding": "IMAGES"}
    assert [limit["name"] for limit in DEPLOYED["ratelimits"]] == ["RATE_LIMITER"]


def test_a_path_that_is_no_file_reaches_the_worker() -> None:
    """Only existing files are served as assets. A 404 comes from the Worker, in the API's error format."""
    assert DEPLOYED["assets"]["not_found_handling"] == "none"


def test_the_stand_in_has_the_compatibility_date_of_the_worker() -> None:
    """Both run in the same workerd."""
    assert STAND_IN["compatibility_date"] == DEPLOYED["compatibility_date"]


def test_no_secret_is_deployed_and_the_example_names_each() -> None:
    """Owners read the names from it, and the Deploy button requires a value for each line that is not a comment."""
    example = (ROOT / ".dev.vars.example").read_text()
    assert set(re.findall(r"^#?(\w+)=$", example, re.MULTILINE)) == SECRETS
    assert re.findall(r"^(\w+)=", example, re.MULTILINE) == ["API_KEY"]
    assert not SECRETS & set(DEPLOYED.get("vars", {}))


def test_the_runtime_bundle_is_made_for_the_pinned_versions() -> None:
    """`pyodide_bundle` supports the npm packages that the lock file installs."""
    assert PACKAGE["devDependencies"]["pyodide"] == pyodide_bundle.VERSIONS["pyodide"]
    assert LOCK["packages"]["node_modules/workerd"]["version"] == pyodide_bundle.VERSIONS["workerd"]


@pytest.mark.parametrize("whose", FOLDERS)
def test_npm_packages_are_pinned_and_come_from_any_registry(whose: str) -> None:
    """Exact versions, the same as in the lock file, which contains no address of a registry."""
    package = json.loads((FOLDERS[whose] / "package.json").read_text())
    lock = json.loads((FOLDERS[whose] / "package-lock.json").read_text())
    groups = {name: group for name, group in package.items() if name.endswith("ependencies")}
    pins = [pin for group in groups.values() for pin in group.items()]
    assert pins
    assert [pin for pin in pins if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", pin[1])] == []
    assert {name: lock["packages"][""][name] for name in groups} == groups
    assert [name for name, locked in lock["packages"].items() if "resolved" in locked] == []


def test_npm_is_configured_alike_in_both_folders() -> None:
    """In a folder with its own package.json, npm does not read the .npmrc of the folder above."""
    assert npm.FOLDER.joinpath(".npmrc").samefile(ROOT / ".npmrc")


def test_the_first_make_dev_installs_nothing_that_only_tests_use() -> None:
    """The tests of dev/ai use sharp, which wrangler installs anyway, in the same version."""
    assert PACKAGE["devDependencies"].keys() == {"@cloudflare/cabidela", "pyodide", "sharp", "wrangler"}
    assert LOCK["packages"]["node_modules/miniflare"]["dependencies"]["sharp"] == PACKAGE["devDependencies"]["sharp"]


def test_the_sdk_that_is_deployed_is_the_one_that_is_tested() -> None:
    """One pin is read by pywrangler (tests/deploy/test_sdk.py), the other by pip for .local/python_modules."""
    assert PROJECT["project"]["dependencies"] == PROJECT["dependency-groups"]["worker"]


def test_python_tools_are_pinned() -> None:
    """Exact versions; groups include each other."""
    pins = [pin for group in PROJECT["dependency-groups"].values() for pin in group if isinstance(pin, str)]
    assert [pin for pin in pins if "==" not in pin] == []


def test_the_versions_of_the_project_agree() -> None:
    """pyproject.toml and package.json name the same release."""
    assert PACKAGE["version"] == PROJECT["project"]["version"]
    assert PACKAGE["name"] == PROJECT["project"]["name"] == DEPLOYED["name"]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("API_KEY=mine", "mine"),
        ('CF_ACCOUNT_ID=a\nAPI_KEY = "mine, other"', "mine"),
        ("API_KEY='mine' # and why", "mine"),
        ("API_KEY=\nEXTERNAL_API_KEY=other", serve.LOCAL_KEY),
        ("EXTERNAL_API_KEY=other", serve.LOCAL_KEY),
        ("# API_KEY=mine", serve.LOCAL_KEY),
    ],
)
def test_make_dev_prints_the_key_that_the_worker_takes(written: str, key: str) -> None:
    """The curl line works as printed, with and without a `.dev.vars`."""
    assert serve.local_key(written) == key
    assert serve.local_key("") == serve.LOCAL_KEY


def test_lines_left_unfilled_set_nothing() -> None:
    """A copy of `.dev.vars.example` leaves all defaults unchanged."""
    copy = (ROOT / ".dev.vars.example").read_text().replace("#CF_API_TOKEN", "CF_API_TOKEN")
    lines = [line for line in serve.filled(copy + "API_KEY=mine\n").splitlines() if line and line[0] != "#"]
    assert lines == ["API_KEY=mine"]
