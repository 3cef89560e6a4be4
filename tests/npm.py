"""The npm packages that only tests use (tests/package.json)."""

from dev import ROOT

FOLDER = ROOT / "tests"
NODE_MODULES = FOLDER / "node_modules"
