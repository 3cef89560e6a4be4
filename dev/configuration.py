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
    """A configuration as wrangler reads it, with paths relative to its file."""
    return tomllib.loads(path.read_text())


def local(*, remote_ai: bool = False, changes: Mapping[str, object] | None = None) -> Configuration:
    """The deployed configuration for local use, with absolute paths.

    `[ai]` makes wrangler require a Cloudflare login. So `AI` is bound to the stand-in, which is called in the same way,
    unless `remote_ai` is set. `changes` replaces top-level keys; None removes a key.
    """
    configuration = read(DEPLOYED)
    configuration["main"] = str(ROOT / configuration["main"])
    configuration["assets"]["directory"] = str(ROOT / configuration["assets"]["directory"])
    # Makes workerd read Pyodide from the development bundle (pyodide_bundle.py). workerd calls this experimental.
    configuration["compatibility_flags"] += ["python_workers_development", "experimental"]
    if not remote_ai:
        binding = configuration.pop("ai")["binding"]
        configuration["services"] = [{"binding": binding, "service": read(STAND_IN)["name"]}]
    return {key: value for key, value in (configuration | dict(changes or {})).items() if value is not None}
