"""The architecture: a pure core, one package that touches the runtime, imports in one direction, separate APIs."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from dev import ROOT

SOURCE = ROOT / "src"
RUNTIME = {"js", "pyodide", "workers", "pyodide_js", "asgi"}


def name_of(file: Path) -> str:
    """The module's name."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(file): ast.parse(file.read_text()) for file in SOURCE.rglob("*.py") if "__pycache__" not in str(file)
}


def imports_of(module: str) -> set[str]:
    """The modules that a module imports by name; ours are named as in `MODULES`."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return found


def is_edge(module: str) -> bool:
    """Whether a module belongs to the edge."""
    return module == "flux.edge" or module.startswith("flux.edge.")


CORE = sorted(name for name in MODULES if name.split(".")[0] == "flux" and not is_edge(name))
OURS = {name: imports_of(name) & MODULES.keys() for name in MODULES}


def test_the_modules_are_found() -> None:
    """Otherwise the tests below would pass without testing anything."""
    assert {"entry", "flux", "flux.app", "flux.pipeline", "flux.endpoints.chat", "flux.edge", "flux.edge.wire"} <= set(
        MODULES
    )
    assert OURS["entry"] == {"flux.edge", "flux.edge.ledger"}
    assert "flux.edge.wire" in OURS["flux.edge"]


IMPORT_EACH = """
import importlib, sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked} or name == "flux.edge":
            raise ImportError(name + " is not there")

sys.meta_path.insert(0, Closed())
before = set(sys.modules)
for name in {modules}:
    importlib.import_module(name)
foreign = {{name.split(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names - {{"flux"}}
assert not foreign, foreign
print("imported", len({modules}))
"""


def test_the_core_imports_without_the_runtime_and_with_the_standard_library_alone() -> None:
    """In a new interpreter without `js`, `pyodide`, `workers` and `flux.edge`."""
    program = IMPORT_EACH.format(blocked=RUNTIME, modules=CORE)
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"imported {len(CORE)}\n", "")


def test_a_core_that_touched_the_runtime_would_be_found() -> None:
    """The same check fails for a module of the edge."""
    program = IMPORT_EACH.format(blocked=RUNTIME, modules=["flux.edge.wire"])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "is not there" in done.stderr


def test_imports_point_one_way() -> None:
    """No module imports itself, directly or through others. Raises `CycleError`, which names the cycle."""
    order = list(TopologicalSorter(OURS).static_order())
    assert order[-1] == "entry"
    assert order.index("flux.app") < order.index("flux.edge")


@pytest.mark.parametrize("module", CORE)
def test_no_module_of_the_core_imports_what_is_outside(module: str) -> None:
    """Neither the edge nor the entry module; and only the app knows the endpoints, only the edge the app."""
    assert not {name for name in OURS[module] if is_edge(name) or name == "entry"}
    assert not {name.split(".")[0] for name in imports_of(module)} & RUNTIME
    assert "flux.app" not in OURS[module]
    if module != "flux.app" and not module.startswith("flux.endpoints"):
        assert not {name for name in OURS[module] if name.startswith("flux.endpoints")}


ENDPOINTS = "flux.endpoints."
APIS = sorted({name.split(".")[2] for name in MODULES if name.startswith(ENDPOINTS) and name.count(".") > 2})
"""The packages in `endpoints`."""
SHARED = "drawing"
"""What all endpoints that draw share: the only module that they may import besides their own."""


def endpoints_in(modules: set[str]) -> set[str]:
    """The packages and modules directly in `endpoints` to which these belong."""
    return {name.split(".")[2] for name in modules if name.startswith(ENDPOINTS)}


def behind(module: str) -> set[str]:
    """All of our modules that are imported along with one."""
    found: set[str] = set()
    waiting = {module}
    while waiting:
        found |= waiting
        waiting = {name for one in waiting for name in OURS[one]} - found
    return found


def test_no_api_imports_another() -> None:
    """What two APIs need is in the modules below them."""
    assert {"chat", "images", "responses"} <= set(APIS)
    for module in MODULES:
        if module.startswith(ENDPOINTS):
            (own,) = endpoints_in({module})
            assert endpoints_in(OURS[module]) <= ({own} if own == SHARED else {own, SHARED}), module


@pytest.mark.parametrize("module", ["plan", "pipeline", "progress", "conversation", "fields", "generation", "chores"])
def test_what_the_apis_share_depends_on_none_of_them(module: str) -> None:
    """Not even indirectly: an API can be removed by deleting its package and its row in `app`."""
    assert not endpoints_in(behind(f"flux.{module}"))


@pytest.mark.parametrize("module", ["plan", "pipeline", "progress"])
def test_drawing_a_picture_knows_no_conversation(module: str) -> None:
    """The steps from a request to a picture are the same for all APIs and languages."""
    talk = {"flux.conversation", "flux.chores", "flux.lines", "flux.notices"}
    assert not {name for name in behind(f"flux.{module}") for one in talk if name == one or name.startswith(f"{one}.")}


@pytest.mark.parametrize("module", [name for name in CORE if name.endswith((".respond", ".parse"))])
def test_what_parses_and_presents_waits_for_nothing(module: str) -> None:
    """A presenter is a function of values, so its texts can be compared with golden ones."""
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(MODULES[module]))


def test_nothing_but_the_entry_module_imports_the_edge() -> None:
    importers = {name for name in MODULES if any(map(is_edge, OURS[name])) and not is_edge(name)}
    assert importers == {"entry"}


WAITING = {
    "flux.app",
    "flux.call",
    "flux.http",
    "flux.ports",
    "flux.absent",
    "flux.pipeline",
    "flux.progress",
    "flux.spending",
}


@pytest.mark.parametrize("module", CORE)
def test_async_marks_waiting_and_appears_nowhere_else(module: str) -> None:
    """Parsing, planning and presenting are functions of values. Only the endpoints and these modules wait."""
    waits = any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(MODULES[module]))
    assert not waits or module in WAITING or module.startswith("flux.endpoints.")


@pytest.mark.parametrize("module", CORE)
def test_no_import_leaves_anything_running_or_random(module: str) -> None:
    """The runtime takes a snapshot after importing, and does not allow random numbers in it."""
    called = {
        ast.unparse(node.func)
        for statement in MODULES[module].body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    }
    assert not {name for name in called if name.split(".")[0] in {"time", "os", "random", "asyncio", "open", "secrets"}}
