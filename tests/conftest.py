"""The order of all tests."""

import pytest

UNIT_TESTS = "tests/unit/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the unit tests last: with files side by side, the long ones should not begin at the end."""
    items.sort(key=lambda item: item.nodeid.startswith(UNIT_TESTS))
