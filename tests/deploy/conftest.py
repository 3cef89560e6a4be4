"""What rehearsals share: an account of Cloudflare's that is theirs alone, and a clone to deploy from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cloudflare.server import StandIn
from tests.deploy.project import Project


@pytest.fixture
def api() -> Iterator[StandIn]:
    """An account on which nothing has been deployed yet."""
    with StandIn() as running:
        yield running


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Node keeps what it has compiled."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def project(tmp_path: Path, compiled: Path) -> Project:
    """A clone in which everything is installed."""
    return Project(tmp_path, compiled)
