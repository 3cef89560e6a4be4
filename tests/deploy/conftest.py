"""What rehearsals share: an account of Cloudflare's that is theirs alone, and a clone to deploy from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cloudflare.account import Version
from dev.cloudflare.server import StandIn
from tests.deploy.project import KEY, Project


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


@pytest.fixture(scope="session")
def version(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Version:
    """The version that answers after a first deployment and `wrangler secret put API_KEY`."""
    project = Project(tmp_path_factory.mktemp("project"), compiled)
    with StandIn() as running:
        deployed = project.run(running, "make", "deploy")
        assert deployed.status == 0, deployed.printed
        put = project.wrangler(running, "secret", "put", "API_KEY", typed=KEY)
        assert put.status == 0, put.printed
        return running.account.workers["flux-image-api"].deployed()
