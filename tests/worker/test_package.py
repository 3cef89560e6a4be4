"""The upload of `make deploy`, packed by pywrangler, without an account."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path

import pytest

from dev import BIN, NODE_MODULES, PYTHON_MODULES, ROOT

GZIP_LIMIT = 3 * 1024
"""In KiB: the limit of the free plan, which Cloudflare's newest pages no longer mention."""
SERVED = re.compile(r"\.(html|css|js|json|svg|png|webp|ico|txt)$")
WRITTEN_BY_WRANGLER = {"README.md"}
WRITTEN_BY_PYWRANGLER = {"python_modules/pyvenv.cfg", "python_modules/.synced"}


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The packed deployment and wrangler's output.

    `sync` of pywrangler needs a Pyodide interpreter from outside the package registries. Its result is placed next to a
    copy of the deployed files, so that a developer's own `python_modules` do not change.
    """
    project = tmp_path_factory.mktemp("project")
    for name in ("src", "public"):
        shutil.copytree(ROOT / name, project / name)
    for name in ("wrangler.toml", "pyproject.toml", "package.json"):
        shutil.copy(ROOT / name, project)
    (project / "node_modules").symlink_to(NODE_MODULES)
    shutil.copytree(PYTHON_MODULES, project / "python_modules")
    for folder in ("python_modules", ".venv-workers"):
        (project / folder).mkdir(exist_ok=True)
        (project / folder / ".synced").write_text(version("workers-py"))

    package = tmp_path_factory.mktemp("package")
    packed = subprocess.run(
        [Path(sys.executable).parent / "pywrangler", "deploy", "--dry-run", "--outdir", package],
        cwd=project,
        env=os.environ
        | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_WRITE_LOGS": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert packed.returncode == 0, packed.stdout + packed.stderr
    return package, packed.stdout + packed.stderr


def contents(folder: Path, pattern: str = "**/*") -> set[str]:
    """The relative paths of a folder's files."""
    return {str(path.relative_to(folder)) for path in folder.glob(pattern) if path.is_file()}


def test_the_package_is_the_worker_and_its_sdk_and_nothing_else(dry_run: tuple[Path, str]) -> None:
    """No tests, stand-ins, caches or stray files in src, and every module of `flux`."""
    worker = {"entry.py"} | {f"flux/{path}" for path in contents(ROOT / "src" / "flux", "**/*.py")}
    sdk = {f"python_modules/{path}" for path in files("workers-runtime-sdk") or [] if path.suffix != ".pyc"}
    packed = contents(dry_run[0]) - WRITTEN_BY_WRANGLER - WRITTEN_BY_PYWRANGLER
    without_metadata = {path for path in packed if ".dist-info/" not in path}
    assert without_metadata == worker | {path for path in sdk if ".dist-info/" not in path}
    assert not [path for path in worker if re.search(r"test|stand_in|fake|conftest", path)]


def test_only_what_browsers_and_callers_ask_for_is_public() -> None:
    """Everything in public/ is served to everyone."""
    public = contents(ROOT / "public")
    assert "index.html" in public
    assert {path for path in public if not SERVED.search(path)} == {"_headers"}


def test_wrangler_has_nothing_to_warn_about(dry_run: tuple[Path, str]) -> None:
    """Every key of wrangler.toml is known to this wrangler, and it finds every binding of the contract."""
    assert "WARNING" not in dry_run[1]
    assert re.findall(r"^env\.(\w+)", dry_run[1], re.MULTILINE) == [
        "LEDGER",
        "FLUX_CF_KV",
        "IMAGES",
        "AI",
        "RATE_LIMITER",
    ]


def test_the_package_is_small(dry_run: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Within the limit of the free plan. Every run prints the size."""
    upload = re.search(r"Total Upload: .* / gzip: ([\d.]+) KiB", dry_run[1])
    assert upload, dry_run[1]
    with capsys.disabled():
        print(f"\n{upload[0]}", end=" ")  # noqa: T201
    assert float(upload[1]) < GZIP_LIMIT
