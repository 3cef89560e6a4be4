"""The output of `make dev` and `make`."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT, terminal

NOON = time.strptime("12:00:00", "%H:%M:%S")
FAILED = """\
✘ [ERROR] service core:user:flux-image-api: Uncaught Error: PythonError: Traceback (most recent call last):

    File "/session/metadata/entry.py", line 7, in <module>
      from flux import edge
    File "/session/metadata/flux/app.py", line 12, in <module>
      import nowhere
  ModuleNotFoundError: No module named 'nowhere'

    at null.<anonymous> (pyodideRuntime-internal:pyodide.asm:7:471775) in new_error

✘ [ERROR] The Workers runtime failed to start. There was likely a problem with the workerd binary.
"""


def request(**facts: Any) -> str:
    """A line of the Worker's log."""
    told = {"request_id": "6e51", "status": 200, "method": "POST", "route": "/chat/completions", "ms": {"total": 1264}}
    return json.dumps({**told, **facts})


def printed(*lines: str, as_json: bool = False) -> list[str]:
    log = terminal.Log(as_json=as_json, clock=lambda: NOON)
    return [*(told for line in lines for told in log.read(line)), *log.rest()]


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({}, "POST /chat/completions"),
        ({"model": "@cf/a/flux-1-schnell", "pictures": 1}, "POST /chat/completions  flux-1-schnell, 1 picture"),
        ({"chore": "title"}, "POST /chat/completions  chore: title"),
        (
            {"error": "model_overloaded", "keep_error": "429"},
            "POST /chat/completions  model_overloaded, keep_error: 429",
        ),
    ],
)
def test_a_request_is_one_line(facts: dict[str, Any], what: str) -> None:
    """Time, status, milliseconds and what was done. wrangler's own line for it is omitted."""
    access = "[wrangler:info] POST /v1/chat/completions 200 OK (1304ms)"
    assert printed(request(**facts), access) == [f"12:00:00  200    1264 ms  {what}"]


def test_a_file_has_a_line_since_the_worker_has_none_for_it() -> None:
    lines = [f"[wrangler:info] GET {path} 200 OK (7ms)" for path in ("/", "/page/app.js?x=1", "/health")]
    assert printed(*lines) == ["12:00:00  200       7 ms  GET /", "12:00:00  200       7 ms  GET /page/app.js?x=1"]


def test_a_bug_of_the_service_comes_with_its_traceback() -> None:
    assert printed(request(error="internal_error", traceback="Traceback ..."))[1:] == ["Traceback ..."]


def test_as_json_it_is_the_line_of_a_deployment() -> None:
    assert printed(request(), "[wrangler:info] GET / 200 OK (7ms)", as_json=True) == [request()]


def test_a_broken_file_is_one_line() -> None:
    assert printed(*FAILED.splitlines(), "⎔ Reloading local server...", "│ flux/app.py │ python │") == [
        "src/flux/app.py, line 12: ModuleNotFoundError: No module named 'nowhere'"
    ]
    assert terminal.import_failure("Ready on http://127.0.0.1:8787") == ""


def test_a_broken_file_is_one_line_where_the_runtime_misses_the_class_first() -> None:
    warning = '▲ [WARNING] A DurableObjectNamespace in the config referenced the class "Ledger", but no such ...'
    assert len(printed(warning, "", *FAILED.splitlines())) == 1


def test_a_broken_file_stays_one_line_where_wrangler_adds_to_it_later() -> None:
    """As on a busy machine, where the report pauses and continues."""
    log = terminal.Log()
    assert [*(told for line in FAILED.splitlines() for told in log.read(line)), *log.rest()]
    assert [*log.read("  Runtime stderr:"), *log.read("✘ [ERROR] once more"), *log.rest()] == []
    assert [*log.read("⎔ Reloading local server..."), *log.read("what somebody printed")] == ["what somebody printed"]


def test_what_it_does_not_know_is_printed_as_it_is() -> None:
    assert printed("what somebody printed", "✘ [ERROR] Build failed with 1 error:", "  it is so") == [
        "what somebody printed",
        "✘ [ERROR] Build failed with 1 error:\n  it is so",
    ]


# --- make -----------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The state before a first `make dev`, with substitutes for npm, node and Python that install nothing."""
    for name in ("Makefile", "package.json", "package-lock.json", ".npmrc", ".node-version", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "dev", tmp_path / "dev", ignore=shutil.ignore_patterns("__pycache__"))
    programs = tmp_path / "programs"
    programs.mkdir()
    stubs = {
        "npm": "mkdir -p node_modules/.bin && touch node_modules/.package-lock.json && echo added 60 packages",
        "node": "exit 0",
        "python": f"""case "$2" in
            venv) mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/pyvenv.cfg ;;
            pip) mkdir -p .local/python_modules && touch .local/python_modules/pyvenv.cfg ;;
            dev.pyodide_bundle) mkdir -p .local/bundle && touch .local/bundle/pyodide_dev.capnp.bin ;;
            dev.serve) {sys.executable} "$@" ;;
        esac""",
    }
    for name, script in stubs.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return tmp_path


def make(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{clone / 'programs'}:/usr/bin:/bin"
    command = ["make", *words, f"PYTHON={clone / 'programs' / 'python'}"]
    return subprocess.run(command, cwd=clone, env={"PATH": path}, capture_output=True, text=True, check=False)


def test_the_first_start_tells_its_steps_and_hides_its_recipes(clone: Path) -> None:
    """The second start has none of them."""
    first, second = make(clone, "dev", "PORT=0"), make(clone, "dev", "PORT=0")
    assert first.stdout.splitlines() == [
        "1 of 4: installing Node and wrangler, about 30 s",
        "2 of 4: making .venv, about 10 s",
        "3 of 4: installing the Workers SDK, about 10 s",
        "4 of 4: assembling Python for the runtime, about 5 s",
        "Starting the Worker ...",
    ]
    assert second.stdout.splitlines() == ["Starting the Worker ..."]


def test_a_wrong_word_shows_the_help(clone: Path) -> None:
    wrong, right = make(clone, "dve"), make(clone, "help")
    assert wrong.returncode != 0
    assert wrong.stderr.startswith("There is no 'make dve'. There is:\n" + right.stdout)
    assert "make dev " in right.stdout
