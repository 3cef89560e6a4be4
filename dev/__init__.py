"""What makes the Worker run on a desk: the local runtime, its launcher, and the stand-in for Workers AI."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"
BIN = NODE_MODULES / ".bin"
"""wrangler, and the pinned node that runs it: first on the PATH of both."""

LOCAL = ROOT / ".local"
"""Everything that make and the launcher generate, but for what npm and venv keep in places of their own."""
BUNDLE_FOLDER = LOCAL / "bundle"
PYTHON_MODULES = LOCAL / "python_modules"
"""The Workers SDK, which wrangler packs with the Worker."""
