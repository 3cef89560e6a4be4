"""The local configuration, derived from the deployed one so that bindings, assets and dates cannot drift apart."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev import ROOT

DEPLOYED = ROOT / "wrangler.toml"
STAND_IN = ROOT / "dev" / "ai" / "wrangler.toml"

Configuration = dict[str, Any]


def read(path: Path) -> Configuration:
    """A configuration as wrangler reads it, paths relative to its file."""
    return tomllib.loads(path.read_text())


def local(*, remote_ai: bool = False, changes: Mapping[str, object] | None = None) -> Configuration:
    """The deployed configuration as it runs on a desk, with absolute paths.

    `[ai]` makes wrangler ask for a Cloudflare login. Unless `remote_ai` says that this is meant, `AI` is bound to the
    stand-in instead, which the Worker calls in the same way. `changes` replaces whole top-level keys, None removes one.
    """
    configuration = read(DEPLOYED)
    configuration["main"] = str(ROOT / configuration["main"])
    configuration["assets"]["directory"] = str(ROOT / configuration["assets"]["directory"])
    # workerd is to read Pyodide from the development bundle (pyodide_bundle.py), which it calls experimental.
    configuration["compatibility_flags"] += ["python_workers_development", "experimental"]
    if not remote_ai:
        binding = configuration.pop("ai")["binding"]
        configuration["services"] = [{"binding": binding, "service": read(STAND_IN)["name"]}]
    return {key: value for key, value in (configuration | dict(changes or {})).items() if value is not None}
