"""The lock file has every platform."""

import json
from typing import Any

from dev import ROOT

LOCK: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())


def test_the_lock_file_has_every_platform_of_every_package() -> None:
    """Where one is missing, npm 11 refuses `npm ci` and npm 10 does not install it: `make lock`."""
    locked = {name.rpartition("node_modules/")[2] for name in LOCK["packages"]}
    named = {name for package in LOCK["packages"].values() for name in package.get("optionalDependencies", {})}
    assert named - locked == set()
    assert {f"@cloudflare/workerd-{one}" for one in ("darwin-64", "darwin-arm64", "linux-64", "linux-arm64")} <= locked
