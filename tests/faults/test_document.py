"""The table in docs/faults.md is the one in cases.py."""

from tests.faults.cases import CASES
from tests.faults.document import PAGE, page


def test_the_page_says_what_is_tested() -> None:
    assert PAGE.read_text() == page(), "write it with: PYTHONPATH=src .venv/bin/python -m tests.faults.document"


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
