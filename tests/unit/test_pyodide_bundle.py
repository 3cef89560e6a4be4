"""The bundle from which workerd reads Pyodide: each assumption about the npm packages is checked."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from dev import NODE_MODULES, pyodide_bundle
from dev.pyodide_bundle import FILE_NAME, VERSIONS, WrongVersion

GLUE = (
    "async function _createPyodideModule(){new WebAssembly.Module(a);WebAssembly.instantiate(a);Date.now();"
    "crypto.getRandomValues(view);reportUndefinedSymbols();getMemory(size+1);"
    "function loadLibData(){if(handle){return 1}return readBinary(libFile)}function getExports(){return loadLibData()}"
    "}export default _createPyodideModule;"
)

Packages = Callable[..., Path]


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    """Builds a node_modules folder with small packages of the expected versions."""

    def build(*, glue: str = GLUE, versions: dict[str, str] = VERSIONS) -> Path:
        for name, version in versions.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "package.json").write_text(json.dumps({"version": version}))
        (tmp_path / "pyodide" / "pyodide.asm.mjs").write_text(glue)
        (tmp_path / "pyodide" / "pyodide.asm.wasm").write_bytes(b"\0asm")
        (tmp_path / "pyodide" / "python_stdlib.zip").write_bytes(b"PK stdlib")
        return tmp_path

    return build


def decode(message: bytes) -> list[tuple[str, int, int, bytes]]:
    """Name, type, union member and content of each module, decoded as described in capnproto.org/encoding.html."""

    def target(at: int) -> tuple[int, int]:
        low, high = struct.unpack_from("<iI", segment, at)
        return at + 8 + (low >> 2) * 8, high

    segments, words = struct.unpack_from("<II", message)
    segment = message[8:]
    assert (segments, words * 8) == (0, len(segment))
    modules, composite = target(target(0)[0])
    assert composite & 7 == 7
    count, data_words, pointers = struct.unpack_from("<iHH", segment, modules)
    assert (composite >> 3, data_words, pointers) == ((count >> 2) * 5, 1, 4)
    found = []
    for at in range(modules + 8, modules + 8 + (count >> 2) * 40, 40):
        kind, member = struct.unpack_from("<HH", segment, at)
        contents = []
        for pointer in (at + 8, at + 16):
            start, size = target(pointer)
            assert size & 7 == 2
            contents.append(segment[start : start + (size >> 3)])
        assert segment[at + 24 : at + 40] == bytes(16)
        found.append((contents[0].removesuffix(b"\0").decode(), kind, member, contents[1]))
    return found


def test_the_bundle_holds_the_three_modules_of_the_runtime(packages: Packages, tmp_path: Path) -> None:
    """The glue as source, the interpreter as WebAssembly, the library as data. All of them are internal."""
    path = pyodide_bundle.assemble(packages(), tmp_path / "bundle")
    glue, *rest = decode(path.read_bytes())
    assert path.name == FILE_NAME
    assert glue[:3] == ("pyodideRuntime-internal:pyodide.asm", 2, 0)
    assert rest == [
        ("pyodideRuntime-internal:pyodide.asm.wasm", 2, 1, b"\0asm"),
        ("pyodideRuntime-internal:python_stdlib.zip", 2, 2, b"PK stdlib"),
    ]


def test_the_glue_asks_workerd_for_what_it_forbids() -> None:
    """None of Emscripten's own calls remain, and functions keep their arguments."""
    adapted = pyodide_bundle.adapt(GLUE)
    assert adapted.startswith("import { addEventListener,")
    for forbidden in ("WebAssembly.", "Date.now", "crypto.", " reportUndefinedSymbols()", "readBinary", "default _"):
        assert forbidden not in adapted
    assert "getRandomValues(Module, view)" in adapted
    assert "Module.getMemoryPatched(Module, libName, size+1)" in adapted
    assert "function getExports(){return loadLibData()}" in adapted


@pytest.mark.parametrize(
    "passage",
    [
        "new WebAssembly.Module(a)",
        "WebAssembly.instantiate(a)",
        "Date.now()",
        "crypto.getRandomValues(view)",
        "reportUndefinedSymbols()",
        "getMemory(size+1)",
        "function getExports()",
        "export default",
    ],
)
def test_glue_without_a_passage_to_replace_is_refused(passage: str) -> None:
    """The glue code of another version must not result in an incomplete bundle."""
    with pytest.raises(WrongVersion, match=r"pyodide\.asm\.mjs has nothing like .* Pin those in package\.json"):
        pyodide_bundle.adapt(GLUE.replace(passage, ""))


@pytest.mark.parametrize("package", VERSIONS)
def test_another_version_is_refused_by_name(package: str, packages: Packages, tmp_path: Path) -> None:
    """The message names the installed version and the supported ones."""
    with pytest.raises(
        WrongVersion, match=rf"{package} 1\.0\.0 is installed, but .* knows pyodide 314\.0\.6 and workerd"
    ):
        pyodide_bundle.assemble(packages(versions=VERSIONS | {package: "1.0.0"}), tmp_path / "bundle")


def test_the_installed_glue_has_every_passage() -> None:
    """The pinned pyodide can be adapted."""
    adapted = pyodide_bundle.adapt((NODE_MODULES / "pyodide" / "pyodide.asm.mjs").read_text())
    assert "new WebAssembly.Module(" not in adapted
