"""Code in the documentation works: every code block of README.md and docs/, and every command.

tests/unit/test_documents.py has the checks that do not run anything.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from dev import BIN, ROOT, configuration
from tests.npm import NODE_MODULES
from tests.worker.service import KEY, PATIENCE_SECONDS, Service, content, decoded, fetched

DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NOT_RUN = {
    "git pull": "there is no remote",
    "make check": "is the first step of the test run that runs this",
    "make deploy": "needs an account: tests/deploy rehearses it",
    "make describe": "test_description.py holds its result to its source",
    "make clean": "would remove what the tests run with",
    "make dev": "does not end by itself: test_local_runtime.py starts it",
    "make lock": "needs a registry: tests/deploy reads what it wrote",
    "make mutants": "runs the unit tests again and again: test_mutants.py makes its changes",
    "make smoke": "test_smoke.py runs it",
    "make soak": "takes minutes; its short form is a part of make test (tests/soak)",
    "make test": "is what runs this",
    "make test-fast": "is a part of make test",
    "npx wrangler delete": "needs an account",
    "npx wrangler kv namespace delete": "needs an account",
    "npx wrangler kv namespace list": "needs an account",
    "npx wrangler login": "needs an account",
    "npx wrangler rollback": "needs an account",
    "npx wrangler secret put": "needs an account",
    "npx wrangler tail": "needs an account",
}
"""Commands that are not run, each with the reason. That they exist is tested for all of them."""


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    document: Path
    line: int
    language: str
    code: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block, without comments."""
        lines = (re.sub(r"(^|\s+)# .*", "", line) for line in self.code.splitlines())
        return [line for line in lines if line]

    @property
    def is_request(self) -> bool:
        """Whether a shell block calls the service."""
        return self.code.startswith("curl ")


def blocks() -> list[Block]:
    """All blocks, without repetitions: translations have the same ones."""
    found: dict[tuple[str, str], Block] = {}
    for document in DOCUMENTS:
        text = document.read_text()
        for block in FENCE.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            found.setdefault((block[1], block[2]), Block(document, line, block[1], block[2]))
    return list(found.values())


def shown(block: Block) -> str:
    """The name of a block in test reports."""
    return f"{block.document.name}:{block.line}"


BLOCKS = blocks()
SHELL = [block for block in BLOCKS if block.language == "sh"]
CALLS = [
    block for block in BLOCKS if block.language in ("python", "js") or (block.language == "sh" and block.is_request)
]
COMMANDS = sorted(
    {command for block in SHELL if not block.is_request for command in block.commands}
    | {
        command
        for document in DOCUMENTS
        for command in re.findall(r"(?<!`)`((?:make|npx wrangler) [^`]+)`(?!`)", document.read_text())
    }
)


def test_no_block_is_overlooked() -> None:
    """Every fence is read by this file, in a language that it can handle."""
    for document in DOCUMENTS:
        text = document.read_text()
        assert text.count("```") == 2 * len(FENCE.findall(text)), document
        assert "~~~" not in text, document
    assert {block.language for block in BLOCKS} <= {*RUNNERS, "toml", "yaml", "text"}
    assert {block.language for block in CALLS} == set(RUNNERS)


# --- code that calls the service ------------------------------------------------------------------


def run_shell(code: str, folder: Path) -> list[str | Path]:
    """A command line for a shell block."""
    return ["sh", "-euc", code]


def run_python(code: str, folder: Path) -> list[str | Path]:
    """A command line for a Python block."""
    (folder / "snippet.py").write_text(code)
    return [sys.executable, "snippet.py"]


def run_javascript(code: str, folder: Path) -> list[str | Path]:
    """A command line for a JavaScript block. Node looks for packages next to the file."""
    (folder / "snippet.mjs").write_text(code)
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return [BIN / "node", "snippet.mjs"]


RUNNERS: dict[str, Callable[[str, Path], list[str | Path]]] = {
    "sh": run_shell,
    "python": run_python,
    "js": run_javascript,
}


@pytest.mark.parametrize("block", CALLS, ids=shown)
def test_a_snippet_draws(block: Block, service: Service, tmp_path: Path) -> None:
    """Only the address and the key are replaced. It must succeed and print pictures."""
    ran = subprocess.run(
        RUNNERS[block.language](filled(block.code, service), tmp_path),
        cwd=tmp_path,
        # Otherwise LiteLLM fetches current prices from GitHub when it is imported.
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    links = re.findall(rf"{service.url}/image/[\w.-]+", ran.stdout)
    pictures = [fetched(link)[0] for link in links]
    pictures += [decoded(path.read_bytes()) for path in tmp_path.glob("*.jpg")]
    assert pictures, ran.stdout


def filled(code: str, service: Service) -> str:
    """The code with the placeholders replaced, as by a reader."""
    for placeholder, value in {
        "https://YOUR-WORKER": service.url,
        "http://localhost:8787": service.url,
        "YOUR-KEY": KEY,
        "local-key": KEY,
    }.items():
        code = code.replace(placeholder, value)
    assert "YOUR-" not in code
    return code


def test_the_answer_in_the_readme_is_the_answer(service: Service) -> None:
    """In English. tests/unit/test_translations.py tests the other languages."""
    samples = [block for block in BLOCKS if block.language == "text" and block.code.startswith("🎨")]
    [sample] = [block.code for block in samples if block.document.name == "README.md"]
    prompt = re.findall(r"Original prompt: (.*)", sample)[0]
    answer = content(service.chat(prompt))
    assert re.sub(r"http\S+", "LINK", answer).strip() == re.sub(r"http\S+", "LINK", sample).strip()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "yaml"], ids=shown)
def test_the_configuration_of_librechat_names_what_is_there(block: Block, service: Service) -> None:
    [endpoint] = yaml.safe_load(filled(block.code, service))["endpoints"]["custom"]
    models = service.http.get(f"{endpoint['baseURL']}/models").json()["data"]
    assert set(endpoint["models"]["default"]) <= {model["id"] for model in models}


# --- commands -------------------------------------------------------------------------------------


def known(command: str) -> str:
    """The longest matching entry of `NOT_RUN` for a command; "" if there is none."""
    return max((entry for entry in NOT_RUN if f"{command} ".startswith(f"{entry} ")), key=len, default="")


def test_what_is_not_run_is_listed_with_its_reason() -> None:
    unknown = [command for command in COMMANDS if not known(command)]
    assert not unknown
    assert set(NOT_RUN) == {known(command) for command in COMMANDS}


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_make_knows_the_command(command: str) -> None:
    """As documented, in a clone without any installed packages. make reads the variables given."""
    made = subprocess.run([*shlex.split(command), "-n", "-B"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "There is no" not in made.stderr
    for name, value in re.findall(r"(\w+)=(\S+)", command):
        assert value in made.stdout or f"${name}" in made.stdout


@pytest.mark.parametrize("entry", [entry for entry in NOT_RUN if entry.startswith("npx wrangler ")])
def test_wrangler_knows_the_command(entry: str) -> None:
    """The pinned wrangler has the command, with every option that the documentation uses."""
    words = entry.removeprefix("npx wrangler ")
    helped = subprocess.run(
        [BIN / "wrangler", *words.split(), "--help"],
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "WRANGLER_WRITE_LOGS": "false"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(rf"^wrangler {words}\b", helped, re.MULTILINE), helped
    options = {
        option for command in COMMANDS if known(command) == entry for option in re.findall(r" (--[\w-]+)", command)
    }
    assert not [option for option in options if not re.search(rf"^ .*{option}\s", helped, re.MULTILINE)]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=shown)
def test_wrangler_takes_the_configuration(block: Block, tmp_path: Path) -> None:
    """Appended to wrangler.toml, it is valid. An environment has all bindings of the top level."""
    configured = tomllib.loads(f"{configuration.DEPLOYED.read_text()}\n{block.code}")
    configured["main"] = str(ROOT / configured["main"])
    configured["assets"]["directory"] = str(ROOT / configured["assets"]["directory"])
    (tmp_path / "wrangler.json").write_text(json.dumps(configured))
    [environment] = configured.get("env", [""])
    printed = subprocess.run(
        [BIN / "wrangler", "deploy", "--dry-run", f"--env={environment}", "--outdir", tmp_path / "out"],
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_WRITE_LOGS": "false",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    assert "WARNING" not in printed
    assert {"FLUX_CF_KV", "IMAGES", "AI", "RATE_LIMITER"} <= set(re.findall(r"^env\.(\w+)", printed, re.MULTILINE))
