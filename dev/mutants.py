"""Checks whether the unit tests notice random changes to the core: `make mutants SEED=1 COUNT=20`.

Each mutant is one change to one file of src/flux without edge/, made in a copy of the project. It is caught if a unit
test fails or takes far longer than before. Survivors are listed at the end: either a test is missing, or the change
makes no difference.
"""

import argparse
import ast
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import cache_from_source
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

from dev import ROOT

CORE = Path("src", "flux")
UNIT_TESTS = Path("tests", "unit")
NO_NAMES = {"flux", "endpoints", "__init__", "parse", "respond"}
"""Module names that are too general: such modules are identified by their package, and packages by their modules."""
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", ".git", ".venv*", ".local", ".*_cache", ".wrangler")
MAX_MEMORY = 4 << 30
"""Most bytes for one run: a mutant may fill a list endlessly."""
SLOWER, MORE_SECONDS = 3, 20
"""Time limit of a run: this many times its share of the unchanged run's time, plus this many seconds."""

# --- changes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One change to a file, whose bytes from `start` to `end` are replaced by `after`."""

    kind: str
    start: int
    end: int
    line: int
    before: str
    after: str
    file: Path = Path()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {_shown(self.before)} -> {_shown(self.after)}"

    def made(self, source: bytes) -> bytes:
        """The file's content with the change."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def _shown(code: str) -> str:
    return " ".join(code.split()).join("``")


COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}
NOT_RUN = ("annotation", "returns", "decorator_list")
"""Fields of the syntax tree in which changes have no effect."""


def changes(source: bytes) -> list[Change]:
    """All possible changes to a file."""
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found = []
    for node, (kind, changed) in product(_nodes(ast.parse(source)), KINDS.items()):
        for old, new in changed(node):
            start = starts[old.lineno - 1] + old.col_offset
            end = starts[(old.end_lineno or old.lineno) - 1] + (old.end_col_offset or 0)
            after = ast.unparse(new) if isinstance(new, ast.Pass | ast.Constant) else f"({ast.unparse(new)})"
            found.append(Change(kind, start, end, old.lineno, source[start:end].decode(), after))
    return found


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and its descendants, except docstrings and f-strings, for which Python 3.11 gives wrong positions."""
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if (
                isinstance(child, ast.AST)
                and name not in NOT_RUN
                and not (docstring or isinstance(child, ast.JoinedStr))
            ):
                yield from _nodes(child)


Found = Iterator[tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]]
"""The node to replace, and its replacement."""


def _comparisons(node: ast.AST) -> Found:
    if isinstance(node, ast.Compare):
        for at, one in enumerate(node.ops):
            changed = [*node.ops[:at], COMPARISONS[type(one)](), *node.ops[at + 1 :]]
            yield node, ast.Compare(node.left, changed, node.comparators)


def _conditions(node: ast.AST) -> Found:
    match node:
        case ast.BoolOp(operator, values):
            yield node, ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield node, operand
        case ast.If(test) | ast.While(test) | ast.IfExp(test):
            yield test, ast.UnaryOp(ast.Not(), test)
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield test, ast.UnaryOp(ast.Not(), test)


def _arithmetic(node: ast.AST) -> Found:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield node, ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)


def _constants(node: ast.AST) -> Found:
    match node:
        case ast.Constant(bool() as value):
            yield node, ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield node, ast.Constant(value + 1)
            yield node, ast.Constant(value - 1)
        case ast.Constant(str() as value):
            yield node, ast.Constant(f"{value}x")
        case ast.Constant(bytes() as value):
            yield node, ast.Constant(value + b"x")


def _results(node: ast.AST) -> Found:
    if isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield node.value, ast.Constant(None)


def _statements(node: ast.AST) -> Found:
    if isinstance(node, ast.stmt) and _can_be_left_out(node):
        yield node, ast.Pass()


KINDS: dict[str, Callable[[ast.AST], Found]] = {
    "comparison": _comparisons,
    "condition": _conditions,
    "arithmetic": _arithmetic,
    "constant": _constants,
    "result": _results,
    "statement": _statements,
}


def _can_be_left_out(node: ast.stmt) -> bool:
    """Whether a statement defines no name that later code needs."""
    match node:
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Assign(targets):
            return all(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)
    return False


def core(root: Path) -> list[Path]:
    """The files of the core, relative to the project's root."""
    edge = root / CORE / "edge"
    return [file.relative_to(root) for file in sorted((root / CORE).rglob("*.py")) if edge not in file.parents]


def chosen(root: Path, seed: int, count: int) -> list[Change]:
    """So many changes, reproducible by seed. All kinds are equally likely."""
    chance = random.Random(seed)  # noqa: S311 - not for security
    kinds: dict[str, list[Change]] = defaultdict(list)
    for file in core(root):
        for change in changes((root / file).read_bytes()):
            kinds[change.kind].append(replace(change, file=file))
    for found in kinds.values():
        chance.shuffle(found)
    return [kinds[chance.choice(sorted(kinds))].pop() for _ in range(count)]


# --- runs of the tests ----------------------------------------------------------------------------


def tests_of_the_core(root: Path) -> list[str]:
    """The test files that import the core, directly or through helpers."""
    files = sorted((root / UNIT_TESTS).glob("test_*.py"))
    return [
        file.stem for file in files if re.search(r"^(?:from|import) (?:flux|tests)\b", file.read_text(), re.MULTILINE)
    ]


def stages(root: Path, file: Path, seconds: dict[str, float]) -> Iterator[list[str]]:
    """The tests in the order in which they run: first those that name the module or its package."""
    modules = {file.stem, file.parent.name} - NO_NAMES
    pattern = re.compile(rf"\b(?:test_)?(?:{'|'.join(sorted(modules))})\b")
    tests = {name: (root / UNIT_TESTS / f"{name}.py").read_text() for name in sorted(seconds, key=seconds.__getitem__)}
    naming = [name for name, text in tests.items() if pattern.search(f"{name} {text}")]
    yield sorted(naming, key=lambda name: not pattern.fullmatch(name))
    yield [name for name in tests if name not in naming]


PASS, FAIL, LATE = "SURVIVED", "caught", "timed out"
"""Outcomes of a test run. A time-out counts as caught, because the change may have made a loop endless."""


class Copy:
    """A copy of the project in which the tests run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seconds = dict.fromkeys(tests_of_the_core(root), 600.0)
        """Seconds that each test file takes; far too many until measured."""

    def outcome(self, tests: Iterable[str], *options: str) -> str:
        """The outcome of these tests."""
        tests = list(tests)
        limit = SLOWER * sum(self.seconds[name] for name in tests) + MORE_SECONDS
        command = [
            *(sys.executable, "-m", "pytest", "-x", "-q", "--hypothesis-seed=0", "--hypothesis-profile=mutants"),
            *("-p", "pytest_asyncio.plugin", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider"),
            *(options or ("--tb=no",)),
            *(str(UNIT_TESTS / f"{name}.py") for name in tests),
        ]
        # Without plug-ins of other packages, which take three seconds to import.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as run:
            try:
                output, _ = run.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return LATE
        if options and run.returncode:
            sys.exit(f"The tests do not pass on the unchanged code:\n{output}")
        return FAIL if run.returncode else PASS

    def measure(self) -> None:
        """Run all tests on the unchanged code, which must pass them."""
        report = self.root / "report.xml"
        self.outcome(self.seconds, f"--junitxml={report}")
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        for test in ET.parse(report).iter("testcase"):  # noqa: S314 - written by pytest
            self.seconds[test.attrib["classname"].split(".")[2]] += float(test.attrib["time"])

    def outcome_of(self, change: Change) -> str:
        """The outcome of all tests with a change."""
        file = self.root / change.file
        source = file.read_bytes()
        try:
            _write(file, change.made(source))
            outcomes = (self.outcome(tests) for tests in stages(self.root, change.file, self.seconds) if tests)
            return next((one for one in outcomes if one != PASS), PASS)
        finally:
            _write(file, source)


def _write(file: Path, source: bytes) -> None:
    """Write a file. Ensures that Python does not use an older compiled file with the same time stamp and length."""
    file.write_bytes(source)
    Path(cache_from_source(str(file))).unlink(missing_ok=True)


def main(seed: int, count: int) -> None:
    """Try the changes and list the survivors."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(shutil.copytree(ROOT, Path(folder, "copy"), ignore=LEFT_OUT, symlinks=True))
        copy.measure()
        print(f"{len(copy.seconds)} test files pass on the unchanged code, in {sum(copy.seconds.values()):.0f} s")
        survivors = []
        for number, change in enumerate(chosen(copy.root, seed, count), 1):
            begun = time.monotonic()
            outcome = copy.outcome_of(change)
            survivors += [change] * (outcome == PASS)
            print(f"{number}/{count} {outcome} in {time.monotonic() - begun:.0f} s: {change}", flush=True)
    print(f"\n{count - len(survivors)} of {count} caught. These survived:" if survivors else f"\nAll {count} caught.")
    print(*survivors, sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    arguments = parser.parse_args()
    main(arguments.seed, arguments.count)
