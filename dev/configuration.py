"""The local configuration, derived from the deployed one so that bindings, assets and dates cannot drift apart."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = ROOT / "dev" / "ai" / "wrangler.toml"
STAND_IN_NAME = "workers-ai-stand-in"

Configuration = dict[str, Any]


def deployed() -> Configuration:
    """What `wrangler deploy` reads."""
    return tomllib.loads((ROOT / "wrangler.toml").read_text())


def local(*, remote_ai: bool = False, changes: Mapping[str, object] | None = None) -> Configuration:
    """The deployed configuration as wrangler is to run it here, with absolute paths.

    `[ai]` makes wrangler ask for a Cloudflare login, so unless `remote_ai` is set the binding `AI` is a service binding
    to the stand-in, which the Worker calls in just the same way. `changes` replaces whole top-level keys, for tests:
    None leaves a key out.
    """
    configuration = deployed()
    configuration["main"] = str(ROOT / configuration["main"])
    configuration["assets"]["directory"] = str(ROOT / configuration["assets"]["directory"])
    # Read Pyodide from the development bundle (pyodide_bundle.py), which workerd calls experimental.
    configuration["compatibility_flags"] += ["python_workers_development", "experimental"]
    if not remote_ai:
        ai = configuration.pop("ai")
        configuration["services"] = [{"binding": ai["binding"], "service": STAND_IN_NAME}]
    configuration |= changes or {}
    return {key: value for key, value in configuration.items() if value is not None}
