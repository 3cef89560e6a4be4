"""What makes the Worker run on a desk: the local runtime, its launcher, and the stand-in for Workers AI."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"

LOCAL = ROOT / ".local"
"""Everything that make and the launcher generate, but for what npm and venv keep in places of their own."""
BUNDLE_FOLDER = LOCAL / "bundle"
PYTHON_MODULES = LOCAL / "python_modules"
"""The Workers SDK, which wrangler packs with the Worker."""


def with_tools(path: str) -> str:
    """A PATH on which the pinned node and wrangler come first; npm 9 and 10 link no `node` into .bin."""
    return os.pathsep.join([*map(str, NODE_MODULES.glob("node-*/bin")), str(NODE_MODULES / ".bin"), path])
