"""`POST /mcp` in real workerd, as hosts use it: the official client, the inspector and the conformance tests."""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dev import BIN
from tests import npm
from tests.worker.clients import Understood, understood
from tests.worker.key_adding_proxy import key_adding_proxy
from tests.worker.service import KEY, PATIENCE_SECONDS, Ledger, Service, comment, decoded, fetched, shows, unique

MODES = ("legacy", "auto")
VERSIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
Block = dict[str, Any]


def program(name: str, *arguments: str, folder: Path) -> tuple[int, str, str]:
    """Run one of the tests' npm programs; returns its status and output."""
    finished = subprocess.run(
        [npm.NODE_MODULES / ".bin" / name, *arguments],
        # The pinned node, and a separate home, because the inspector stores a file there.
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    return finished.returncode, finished.stdout, finished.stderr


def assert_drawn(blocks: list[Block], prompt: str, size: tuple[int, int], ledger: Ledger) -> str:
    """Check that a result has one picture, of this prompt and size. Returns its link."""
    image, link, text = blocks
    assert (image["type"], link["type"], text["type"]) == ("image", "resource_link", "text")
    picture, response = fetched(link["uri"])
    assert picture.size == size
    assert (link["mimeType"], link["size"]) == (response.headers["content-type"], len(response.content))
    [call] = [call for call in ledger.calls(prompt) if call["prompt"] == prompt]
    assert shows(picture, prompt, (call["answer"]["width"], call["answer"]["height"]))
    data = base64.b64decode(image["data"])
    preview = decoded(data)
    assert len(data) <= 100_000
    assert max(preview.size) <= 512
    assert preview.width / preview.height == pytest.approx(size[0] / size[1], abs=0.01)
    assert image["mimeType"] == preview.get_format_mimetype() == "image/jpeg"
    assert link["uri"] in text["text"]
    assert f"{size[0]}x{size[1]}" in text["text"]
    return str(link["uri"])


# --- the official client --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def official(service: Service) -> Understood:
    """The official client for Python."""
    return understood("with_mcp.py", service)


@pytest.fixture(params=MODES)
def client(request: pytest.FixtureRequest, official: Understood) -> Understood:
    """Its prompt, and its report for one of its modes."""
    prompt, found = official
    return f"{prompt} {request.param}", {**found[request.param], "mode": request.param}


def test_the_official_client_finds_the_tools(client: Understood) -> None:
    _, found = client
    assert found["version"] == VERSIONS[found["mode"]]
    assert found["server"]["name"] == "flux-image-api"
    assert "draw" in found["instructions"]
    assert found["tools"] == ["draw", "edit", "list_models"]
    assert "flux-1-schnell" in found["models"]["content"][0]["text"]


def test_the_official_client_draws_and_edits_what_was_drawn(client: Understood, ledger: Ledger) -> None:
    prompt, found = client
    assert_drawn(found["drawn"]["content"], prompt, (768, 512), ledger)
    assert "seed" in found["drawn"]["content"][2]["text"]
    edited = found["edited"]["content"]
    link = assert_drawn(edited, f"{prompt} edit", fetched(edited[1]["uri"])[0].size, ledger)
    assert comment(fetched(link)[0])["pictures_in"] == 1


def test_the_official_client_hears_of_progress(client: Understood, ledger: Ledger) -> None:
    prompt, found = client
    numbers = [number for number, _ in found["progress"]]
    assert numbers == sorted(set(numbers))
    assert found["progress"][-1][1] == "2 of 2 pictures drawn."
    kinds = [block["type"] for block in found["late"]["content"]]
    assert kinds == ["image", "resource_link", "text"] * 2
    assert len(ledger.calls(f"{prompt} late")) == 2


def test_the_official_client_is_told_what_is_wrong(client: Understood, ledger: Ledger) -> None:
    prompt, found = client
    assert found["wrong value"]["isError"] is True
    assert "from 1 to 4" in found["wrong value"]["content"][0]["text"]
    assert found["refused prompt"]["isError"] is True
    assert "safety filter" in found["refused prompt"]["content"][0]["text"]
    for name, sentence in (("unknown argument", "no argument 'style'"), ("unknown tool", "no tool 'paint'")):
        code, said = found[name]
        assert code == -32602
        assert sentence in said
    assert ledger.calls(f"{prompt} wrong") == []


# --- the inspector --------------------------------------------------------------------------------


def inspected(service: Service, folder: Path, *arguments: str) -> Any:
    """The output of the official inspector."""
    header = f"Authorization: Bearer {KEY}"
    target = ("--cli", f"{service.url}/mcp", "--transport", "http", "--header", header)
    status, printed, told = program("mcp-inspector", *target, *arguments, folder=folder)
    assert status == 0, told
    return json.loads(printed)


def test_the_inspector_lists_and_calls_the_tools(service: Service, ledger: Ledger, tmp_path: Path) -> None:
    """It checks the schemas of all tools for what models of several makers can read."""
    prompt = unique("a cat")
    listed = inspected(service, tmp_path, "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["tools"]] == ["draw", "edit", "list_models"]
    call = ("--method", "tools/call", "--tool-name", "draw", "--tool-arg", f"prompt={prompt}")
    assert_drawn(inspected(service, tmp_path, *call)["content"], prompt, (1024, 1024), ledger)


# --- the conformance tests ------------------------------------------------------------------------

OPEN = "any origin is let in: a bearer key is asked for and no cookies are read (docs/security.md)"
NO_DIAGNOSTICS = "needs a diagnostic tool that only a server made for the test has"
EXPECTED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("2025-11-25", "server-initialize"): {},
    ("2025-11-25", "ping"): {},
    ("2025-11-25", "tools-list"): {},
    ("2025-11-25", "dns-rebinding-protection"): {"localhost-host-rebinding-rejected": OPEN},
    ("2026-07-28", "tools-list"): {},
    ("2026-07-28", "http-header-validation"): {},
    ("2026-07-28", "dns-rebinding-protection"): {"localhost-host-rebinding-rejected": OPEN},
    ("2026-07-28", "server-stateless"): {
        "sep-2575-server-rejects-undeclared-capability": NO_DIAGNOSTICS,
        "sep-2575-missing-capability-http-400": NO_DIAGNOSTICS,
        "sep-2575-http-server-no-independent-requests-on-stream": NO_DIAGNOSTICS,
        "sep-2575-server-no-log-without-loglevel": NO_DIAGNOSTICS,
    },
}
"""The failing checks of each scenario, with the reason."""


@pytest.fixture(scope="module")
def conformance(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[tuple[str, str], list[dict[str, Any]]]:
    """The checks of all scenarios."""
    folder = tmp_path_factory.mktemp("conformance")
    with key_adding_proxy(service.url, KEY) as url, ThreadPoolExecutor(2) as pool:

        def checks(case: tuple[str, str]) -> list[dict[str, Any]]:
            version, scenario = case
            output = folder / version / scenario
            output.mkdir(parents=True)
            chosen = ("--scenario", scenario, "--spec-version", version, "--output-dir", str(output))
            _, printed, told = program("conformance", "server", "--url", f"{url}/mcp", *chosen, folder=output)
            found = list(output.rglob("checks.json"))
            assert len(found) == 1, printed + told
            read: list[dict[str, Any]] = json.loads(found[0].read_text())
            return read

        return dict(zip(EXPECTED, pool.map(checks, EXPECTED), strict=True))


@pytest.mark.parametrize("case", EXPECTED, ids="-".join)
def test_the_conformance_tests_pass_but_for_what_is_named(
    conformance: Mapping[tuple[str, str], list[dict[str, Any]]], case: tuple[str, str]
) -> None:
    checks = conformance[case]
    assert any(check["status"] == "SUCCESS" for check in checks)
    failed = {check["id"]: check.get("errorMessage") for check in checks if check["status"] in ("FAILURE", "WARNING")}
    assert failed.keys() == EXPECTED[case].keys(), failed
