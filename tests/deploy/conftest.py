"""Fixtures for tests of deployments: an account for one test, and a shared one after its first deployment."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dev.cloudflare.account import Version
from dev.cloudflare.server import StandIn
from tests.deploy.project import KEY, Ended, Project

NAME = "flux-image-api"


class First(NamedTuple):
    """The state after a first deployment, with the key and a budget set, from which other tests start."""

    api: StandIn
    project: Project
    ended: Ended
    version: Version
    """The deployed version."""


@pytest.fixture
def api() -> Iterator[StandIn]:
    """An account without any deployment."""
    with StandIn() as running:
        yield running


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for Node's compile cache."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[First]:
    """`make deploy` and `wrangler secret put API_KEY`, on an account without any deployment."""
    project = Project(tmp_path_factory.mktemp("project"), compiled)
    with StandIn() as running:
        ended = project.run(running, "make", "deploy")
        assert ended.status == 0, ended.printed
        put = project.wrangler(running, "secret", "put", "API_KEY", typed=KEY)
        assert put.status == 0, put.printed
        running.account.put_secret(NAME, {"name": "DAILY_NEURONS", "type": "secret_text", "text": "9500"})
        yield First(running, project, ended, running.account.workers[NAME].deployed())


@pytest.fixture(scope="session")
def version(first: First) -> Version:
    """The version that the first deployment uploaded, with its key and a budget."""
    return first.version
