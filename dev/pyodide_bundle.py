"""Assemble workerd's *development* Pyodide bundle from the npm package `pyodide`.

Without it workerd downloads Cloudflare's own bundle whenever a Python Worker starts on a desk. workerd reads
`pyodide_dev.capnp.bin` from the folder named by `--pyodide-bundle-disk-cache-dir` when a Worker has the compatibility
flag `python_workers_development`. All of this is internal to workerd and changes between its versions: whatever is
assumed here is checked, and a wrong version stops with a sentence. A deployed Worker never uses any of it.
"""

import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "pyodide_dev.capnp.bin"
PYODIDE_VERSION = "314.0.6"
WORKS_TOGETHER = f"pyodide {PYODIDE_VERSION} goes with wrangler 4.164.0 (workerd 1.20261117.1); pin both in package.json"

# workerd forbids what Emscripten's glue assumes: compiling WebAssembly from bytes, randomness while starting, clocks
# that stand still during a request. It offers these names instead, in its own `builtin_wrappers` module.
IMPORTS = (
    "import { addEventListener, getRandomValues, location, monotonicDateNow, newWasmModule, patchedLoadLibData,"
    ' wasmInstantiate } from "pyodide-internal:builtin_wrappers";\n'
)
REPLACEMENTS: tuple[tuple[str, str], ...] = (
    (r"new WebAssembly\.Module\b", "newWasmModule"),
    (r"\bWebAssembly\.instantiate\b", "wasmInstantiate"),
    (r"\bDate\.now\b", "monotonicDateNow"),
    (r"\bcrypto\.getRandomValues\(", "getRandomValues(Module, "),
    (r"\breportUndefinedSymbols\(\)", "Module.reportUndefinedSymbolsNoOp()"),
    (r"\bgetMemory\(", "Module.getMemoryPatched(Module, libName, "),
    (
        r"function loadLibData\(\)\{.*?\}(?=function getExports\(\))",
        "function loadLibData(){var libData=patchedLoadLibData(Module, libName, flags.rpath);"
        "return flags.loadAsync?Promise.resolve(libData):libData}",
    ),
    (r"export default _createPyodideModule;", "export { _createPyodideModule, _createPyodideModule as default };"),
)


class WrongVersion(Exception):
    """The installed npm packages are not the ones that this file knows how to put together."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}: {WORKS_TOGETHER}")


class Module(NamedTuple):
    """A row of the bundle: `member` is the field of the schema's union that `content` goes into."""

    name: str
    member: int
    content: bytes


# The union { src @1, wasm @4, data @5, json @6 } and the enum { bundle @0, builtin @1, internal @2 } of the schema
#     struct Bundle { modules @0 :List(Module); }
#     struct Module { name @0 :Text; union {...} tsDeclaration @3 :Text; type @2 :ModuleType; compileCache @7 :Data; }
SRC, WASM, DATA = 0, 1, 2
TYPE_INTERNAL = 2
WORD = 8
MODULE_DATA_WORDS, MODULE_POINTERS = 1, 4  # type and union tag; name, content, tsDeclaration, compileCache


def assemble(package: Path, folder: Path) -> Path:
    """Write the bundle made from the npm package in `package` into `folder`, and return its path.

    Raises WrongVersion when the package is not the pinned one or its glue code is not as expected.
    """
    version = json.loads((package / "package.json").read_text())["version"]
    if version != PYODIDE_VERSION:
        raise WrongVersion(f"pyodide {version} is installed")
    prefix = "pyodideRuntime-internal:"
    glue = adapt((package / "pyodide.asm.mjs").read_text())
    bundle = encode(
        [
            Module(prefix + "pyodide.asm", SRC, glue.encode()),
            Module(prefix + "pyodide.asm.wasm", WASM, (package / "pyodide.asm.wasm").read_bytes()),
            Module(prefix + "python_stdlib.zip", DATA, (package / "python_stdlib.zip").read_bytes()),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    unfinished = path.with_suffix(".part")  # renamed when whole: two servers may start at the same time
    unfinished.write_bytes(bundle)
    return unfinished.replace(path)


def adapt(glue: str) -> str:
    """Make Emscripten's module loadable by workerd; each passage to replace must be there."""
    for pattern, replacement in REPLACEMENTS:
        glue, found = re.subn(pattern, replacement, glue, flags=re.DOTALL)
        if not found:
            raise WrongVersion(f"pyodide.asm.mjs has nothing like {pattern}")
    return IMPORTS + glue


def encode(modules: Sequence[Module]) -> bytes:
    """Encode the modules as one unpacked, single-segment Cap'n Proto message (capnproto.org/encoding.html)."""
    size = MODULE_DATA_WORDS + MODULE_POINTERS
    words_of_list = len(modules) * size
    head = bytearray()
    head += struct.pack("<iHH", 0, 0, 1)  # root: a struct with one pointer, right behind this word
    head += struct.pack("<iI", 0 << 2 | 1, words_of_list << 3 | 7)  # modules: a list of inline structs
    head += struct.pack("<iHH", len(modules) << 2, MODULE_DATA_WORDS, MODULE_POINTERS)  # the list's tag
    next_word = len(head) // WORD + words_of_list  # contents lie behind the list, in order
    contents = bytearray()
    for module in modules:
        head += struct.pack("<HHI", TYPE_INTERNAL, module.member, 0)
        for text in (module.name.encode() + b"\0", module.content):
            here = len(head) // WORD
            # A pointer counts words from its own end; a list of bytes has element size code 2.
            head += struct.pack("<iI", (next_word - here - 1) << 2 | 1, len(text) << 3 | 2)
            contents += text.ljust(-(-len(text) // WORD) * WORD, b"\0")
            next_word += -(-len(text) // WORD)
        head += struct.pack("<QQ", 0, 0)  # no tsDeclaration, no compileCache
    segment = bytes(head + contents)
    return struct.pack("<II", 0, len(segment) // WORD) + segment  # one segment, its size in words


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    try:
        assemble(root / "node_modules" / "pyodide", root / ".local" / "bundle")
    except WrongVersion as wrong:
        raise SystemExit(str(wrong)) from None
