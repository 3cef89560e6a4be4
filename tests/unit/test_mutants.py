"""The changes of `make mutants`: each has one place and one kind, and a seed always gives the same ones."""

from pathlib import Path

import pytest

from dev import ROOT, mutants


def made(source: str, kind: str) -> list[str]:
    """The source after each change of a kind."""
    return [change.made(source.encode()).decode() for change in mutants.changes(source.encode()) if change.kind == kind]


@pytest.mark.parametrize(
    ("kind", "source", "after"),
    [
        ("comparison", "a < b", ["(a <= b)"]),
        ("comparison", "a == b", ["(a != b)"]),
        ("comparison", "a is None", ["(a is not None)"]),
        ("comparison", "a not in b", ["(a in b)"]),
        ("comparison", "0 < a <= b", ["(0 <= a <= b)", "(0 < a < b)"]),
        ("condition", "a and b", ["(a or b)"]),
        ("condition", "not a", ["(a)"]),
        ("condition", "if a:\n    b", ["if (not a):\n    b"]),
        ("condition", "while a:\n    b", ["while (not a):\n    b"]),
        ("condition", "a if b else c", ["a if (not b) else c"]),
        ("condition", "[a for a in b if a]", ["[a for a in b if (not a)]"]),
        ("arithmetic", "a + b", ["(a - b)"]),
        ("arithmetic", "a // b", ["(a * b)"]),
        ("constant", "a = 3", ["a = 4", "a = 2"]),
        ("constant", "a = 0.5", ["a = 1.5", "a = -0.5"]),
        ("constant", "a = True", ["a = False"]),
        ("constant", "a = 'b'", ["a = 'bx'"]),
        ("constant", "a = b'c'", ["a = b'cx'"]),
        ("result", "def f():\n    return a", ["def f():\n    return None"]),
        ("statement", "a.append(b)", ["pass"]),
        ("statement", "a += b", ["pass"]),
        ("statement", "a.b = c", ["pass"]),
        ("statement", "raise a", ["pass"]),
        ("statement", "while a:\n    continue", ["while a:\n    pass"]),
    ],
)
def test_a_change_of_each_kind_is_made(kind: str, source: str, after: list[str]) -> None:
    assert made(source, kind) == after


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "a: 'int'",
        "def f(a: Literal[1]) -> Literal[2]: ...",
        "@dataclass(frozen=True)\nclass A: ...",
        "f'{a + 1}'",
        "a = b",
        "def f():\n    return",
        "def f():\n    return None",
    ],
)
def test_what_changes_no_result_is_left_alone(source: str) -> None:
    """F-strings are not changed either, because Python 3.11 gives wrong positions for their parts."""
    assert mutants.changes(source.encode()) == []


def test_a_change_names_its_line_and_leaves_the_others_as_they_are() -> None:
    """Also after characters of several bytes, and across lines."""
    source = "a = '一只猫'; b = c\nd = '猫' and (\n    e == f\n)\ng = h\n"
    (change,) = [change for change in mutants.changes(source.encode()) if change.kind == "comparison"]
    assert (change.line, change.before, change.after) == (3, "e == f", "(e != f)")
    assert change.made(source.encode()).decode() == source.replace("e == f", "(e != f)")


def test_a_change_is_shown_in_one_line() -> None:
    (change,) = [change for change in mutants.changes(b"(a ==\n    b)") if change.kind == "comparison"]
    assert str(change) == ".:1: `a == b` -> `(a != b)`"


def test_only_the_core_is_changed() -> None:
    files = mutants.core(ROOT)
    assert Path("src/flux/app.py") in files
    assert Path("src/flux/endpoints/chat/parse.py") in files
    assert not [file for file in files if "edge" in file.parts or file.name == "entry.py"]


@pytest.fixture(scope="module")
def chosen() -> list[mutants.Change]:
    return mutants.chosen(ROOT, 1, 60)


def test_a_seed_chooses_the_same_changes_again(chosen: list[mutants.Change]) -> None:
    assert mutants.chosen(ROOT, 1, 60) == chosen
    assert mutants.chosen(ROOT, 2, 60) != chosen


def test_the_chosen_changes_are_of_every_kind_and_differ(chosen: list[mutants.Change]) -> None:
    assert {change.kind for change in chosen} == mutants.KINDS.keys()
    assert len({(change.file, change.start, change.after) for change in chosen}) == 60


def test_the_core_can_be_compiled_after_each_change(chosen: list[mutants.Change]) -> None:
    for change in chosen:
        source = (ROOT / change.file).read_bytes()
        assert change.made(source) != source
        compile(change.made(source), str(change.file), "exec")


def test_all_tests_of_the_core_are_run_and_those_that_name_the_module_first() -> None:
    """In each of the two runs, the fast ones first."""
    tests = mutants.tests_of_the_core(ROOT)
    assert {"test_app", "test_prompt", "test_budgets"} <= set(tests)
    assert not {"test_npm", "test_deploy", "test_mutants"} & set(tests)
    seconds = {name: float(-at) for at, name in enumerate(tests)}
    first, then = mutants.stages(ROOT, Path("src/flux/prompt.py"), seconds)
    assert first[0] == "test_prompt"
    assert sorted(first + then) == tests
    assert then == sorted(then, key=seconds.__getitem__)


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("app.py", "test_app"),
        ("chores/titles.py", "test_chores"),
        ("endpoints/chat/respond.py", "test_chat"),
        ("endpoints/mcp/protocol.py", "test_mcp"),
        ("endpoints/usage.py", "test_usage"),
    ],
)
def test_the_tests_of_a_module_are_found_by_its_name_or_its_package_s(file: str, test: str) -> None:
    seconds = dict.fromkeys(mutants.tests_of_the_core(ROOT), 1.0)
    first, _ = mutants.stages(ROOT, Path("src/flux", file), seconds)
    assert test in first[:2]
