"""pywrangler deploys the pinned SDK even if there is a newer one."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from dev import ROOT

SDK = "workers-runtime-sdk"
PROJECT = (ROOT / "pyproject.toml").read_text()
[PIN] = tomllib.loads(PROJECT)["project"]["dependencies"]
PINNED = PIN.removeprefix(f"{SDK}==")
NEWER = "99.0.0"

COMPILE = """\
import json
from pywrangler.resolve import resolve_requirements
print(json.dumps(dict(resolve_requirements().requirements)))
"""
"""The part of `pywrangler sync` that chooses versions, in pywrangler's own code."""

UV = """\
#!{python}
# uv itself. The interpreter and the index that pywrangler names come from outside the package registries: this resolves
# for its own interpreter, among the wheels of one folder.
import os, sys
arguments = sys.argv[1:]
arguments[arguments.index("--python") + 1] = sys.executable
del arguments[(index := arguments.index("--extra-index-url")) : index + 2]
os.execv("{uv}", ["uv", *arguments, "--no-index", "--find-links", "{wheels}", "--no-cache"])
"""


def wheel(folder: Path, version: str) -> None:
    """A wheel of the SDK with only what resolving versions needs: its name and metadata."""
    name = f"workers_runtime_sdk-{version}"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {SDK}\nVersion: {version}\n")
        packed.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{name}.dist-info/RECORD", "")


@pytest.mark.parametrize(("pinned", "deployed"), [(True, PINNED), (False, NEWER)])
def test_pywrangler_compiles_the_pin(tmp_path: Path, pinned: bool, deployed: str) -> None:
    """Without the pin it takes the newest version, which shows that a newer one was available."""
    (tmp_path / "pyproject.toml").write_text(PROJECT if pinned else PROJECT.replace(f'["{PIN}"]', "[]", 1))
    shutil.copy(ROOT / "wrangler.toml", tmp_path)
    wheels, path = tmp_path / "wheels", tmp_path / "bin"
    wheels.mkdir()
    path.mkdir()
    for version in (PINNED, NEWER):
        wheel(wheels, version)
    tools = Path(sys.executable).parent
    (path / "uv").write_text(UV.format(python=sys.executable, uv=tools / "uv", wheels=wheels))
    (path / "uv").chmod(0o755)

    compiled = subprocess.run(
        [sys.executable, "-c", COMPILE],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout
    assert json.loads(compiled.stdout.splitlines()[-1]) == {SDK: deployed}
    [locked] = tomllib.loads((tmp_path / "pylock.toml").read_text())["packages"]
    assert (locked["name"], locked["version"]) == (SDK, deployed)
