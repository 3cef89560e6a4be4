"""`npm ci` accepts the lock file, with every npm in use and for every platform that the README names."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dev import BIN, LOCAL, ROOT

NPMS = LOCAL / "npm" / "node_modules"
PLATFORMS = {
    "linux-x64": "linux-64",
    "linux-arm64": "linux-arm64",
    "darwin-x64": "darwin-64",
    "darwin-arm64": "darwin-arm64",
    "win32-x64": "windows-64",
}
"""npm's names for them, and the end of the name of workerd's package for each."""


@pytest.mark.parametrize("npm", ["npm-10", "npm-11"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_npm_ci_installs_the_runtime_of_the_platform(tmp_path: Path, npm: str, platform: str) -> None:
    """Without sending requests to a registry: the lock file has everything that npm needs."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, tmp_path)
    system, _, processor = platform.partition("-")
    would = subprocess.run(
        [
            *(BIN / "node", NPMS / npm / "bin" / "npm-cli.js", "ci", "--dry-run", "--offline", "--loglevel=error"),
            *(f"--os={system}", f"--cpu={processor}", "--libc=glibc"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert would.returncode == 0, would.stdout
    assert f"add @cloudflare/workerd-{PLATFORMS[platform]} " in would.stdout
    assert "add wrangler " in would.stdout
