"""Development tools: the local runtime, its launcher, and stand-ins for Workers AI and Cloudflare's API."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"
BIN = NODE_MODULES / ".bin"
"""wrangler and the pinned node that runs it. This folder comes first in the PATH of both."""

LOCAL = ROOT / ".local"
"""Everything that make and the launcher generate, except the folders of npm and venv."""
BUNDLE_FOLDER = LOCAL / "bundle"
PYTHON_MODULES = LOCAL / "python_modules"
"""The Workers SDK, which wrangler packs with the Worker."""
