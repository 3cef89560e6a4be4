"""Assembles workerd's *development* Pyodide bundle from the npm package `pyodide`.

Without it workerd downloads Cloudflare's bundle whenever a Python Worker starts locally. workerd reads
`pyodide_dev.capnp.bin` from the folder named by `--pyodide-bundle-disk-cache-dir` if a Worker has the compatibility
flag `python_workers_development`. All of this is internal to workerd and changes between its versions. So each
assumption is checked here, and an unsupported version stops with an explanation. A deployed Worker never uses any of
it.
"""

import json
import re
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dev import BUNDLE_FOLDER, NODE_MODULES

FILE_NAME = "pyodide_dev.capnp.bin"
VERSIONS = {"pyodide": "314.0.6", "workerd": "1.20261117.1"}
"""The npm packages that were tested together. wrangler 4.164.0 includes this workerd."""

# workerd forbids what Emscripten's glue code does: compile WebAssembly from bytes, draw random numbers at start-up, and
# read a clock that stands still during a request. It offers these instead.
IMPORTS = """\
import { addEventListener, getRandomValues, location, monotonicDateNow, newWasmModule, patchedLoadLibData,
         wasmInstantiate } from "pyodide-internal:builtin_wrappers";
"""
LOAD_LIB_DATA = """\
function loadLibData() {
  const libData = patchedLoadLibData(Module, libName, flags.rpath);
  return flags.loadAsync ? Promise.resolve(libData) : libData;
}
"""
REPLACEMENTS = (
    (r"new WebAssembly\.Module\b", "newWasmModule"),
    (r"\bWebAssembly\.instantiate\b", "wasmInstantiate"),
    (r"\bDate\.now\b", "monotonicDateNow"),
    (r"\bcrypto\.getRandomValues\(", "getRandomValues(Module, "),
    (r"\breportUndefinedSymbols\(\)", "Module.reportUndefinedSymbolsNoOp()"),
    (r"\bgetMemory\(", "Module.getMemoryPatched(Module, libName, "),
    (r"function loadLibData\(\)\{.*?\}(?=function getExports\(\))", LOAD_LIB_DATA),
    (r"export default _createPyodideModule;", "export { _createPyodideModule, _createPyodideModule as default };"),
)


class WrongVersion(Exception):
    """The installed npm packages are not the versions that this file supports."""

    def __init__(self, found: str) -> None:
        together = " and ".join(f"{name} {version}" for name, version in VERSIONS.items())
        super().__init__(
            f"{found}, but {__name__} knows {together}. Pin those in package.json, or change it for new ones."
        )


class Module(NamedTuple):
    """One module of the bundle. `member` is the field of the schema's union that holds its content."""

    name: str
    member: int
    content: bytes


def assemble(packages: Path, folder: Path) -> Path:
    """Write the bundle made from the npm packages in `packages` into `folder`, and return its path.

    Raises WrongVersion if the packages are not the pinned ones.
    """
    for name, version in VERSIONS.items():
        installed = json.loads((packages / name / "package.json").read_text())["version"]
        if installed != version:
            raise WrongVersion(f"{name} {installed} is installed")
    pyodide = packages / "pyodide"
    glue = adapt((pyodide / "pyodide.asm.mjs").read_text())
    message = encode(
        [
            Module("pyodideRuntime-internal:pyodide.asm", SRC, glue.encode()),
            Module("pyodideRuntime-internal:pyodide.asm.wasm", WASM, (pyodide / "pyodide.asm.wasm").read_bytes()),
            Module("pyodideRuntime-internal:python_stdlib.zip", DATA, (pyodide / "python_stdlib.zip").read_bytes()),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE_NAME}.part"
    unfinished.write_bytes(message)
    return unfinished.replace(folder / FILE_NAME)


def adapt(glue: str) -> str:
    """Adapt Emscripten's module so that workerd runs it. Raises WrongVersion if a passage to replace is missing."""
    for pattern, replacement in REPLACEMENTS:
        glue, found = re.subn(pattern, replacement, glue, flags=re.DOTALL)
        if not found:
            raise WrongVersion(f"pyodide.asm.mjs has nothing like {pattern}")
    return IMPORTS + glue


SRC, WASM, DATA = 0, 1, 2
INTERNAL = 2
WORD = 8
MODULE_DATA, MODULE_POINTERS = 1, 4
STRUCT_POINTER, LIST_POINTER = 0, 1
BYTES, COMPOSITE = 2, 7


def encode(modules: Sequence[Module]) -> bytes:
    """Write the bundle as a Cap'n Proto message of one segment (capnproto.org/encoding.html).

    workerd's schema,

        struct Bundle { modules @0 :List(Module); }
        struct Module {
          name @0 :Text;
          union { src @1 :Data; wasm @4 :Data; data @5 :Data; json @6 :Text; }
          tsDeclaration @3 :Text;
          type @2 :ModuleType;      # enum: bundle, builtin, internal
          compileCache @7 :Data;
        }

    which makes a Module one word of data (its type, then which member of the union) and four pointers: the name, the
    member, and two that stay null. Names and contents lie behind the list, each padded to whole words.
    """
    list_words = len(modules) * (MODULE_DATA + MODULE_POINTERS)
    head = bytearray()
    head += struct.pack("<iHH", STRUCT_POINTER, 0, 1)  # the root pointer, to the next word: no data, one pointer
    head += struct.pack("<iI", LIST_POINTER, list_words << 3 | COMPOSITE)
    head += struct.pack("<iHH", len(modules) << 2, MODULE_DATA, MODULE_POINTERS)
    tail = bytearray()
    tail_start = len(head) // WORD + list_words
    for module in modules:
        head += struct.pack("<HHI", INTERNAL, module.member, 0)
        for content in (module.name.encode() + b"\0", module.content):
            distance = tail_start + len(tail) // WORD - (len(head) // WORD + 1)  # counted from the end of the pointer
            head += struct.pack("<iI", distance << 2 | LIST_POINTER, len(content) << 3 | BYTES)
            tail += content + b"\0" * (-len(content) % WORD)
        head += bytes(2 * WORD)
    words = (len(head) + len(tail)) // WORD
    return struct.pack("<II", 0, words) + head + tail  # the number of segments minus one, and the size of each


if __name__ == "__main__":
    try:
        assemble(NODE_MODULES, BUNDLE_FOLDER)
    except WrongVersion as wrong:
        sys.exit(str(wrong))
