"""What the tests of deployments share: an account that is theirs alone, and the first deployment to another one."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dev.cloudflare.account import Version
from dev.cloudflare.server import StandIn
from tests.deploy.project import KEY, Ended, Project

NAME = "flux-image-api"


class First(NamedTuple):
    """A first deployment, after which the key and a budget were set: the state that others begin with."""

    api: StandIn
    project: Project
    ended: Ended
    version: Version
    """That answers."""


@pytest.fixture
def api() -> Iterator[StandIn]:
    """An account on which nothing has been deployed yet."""
    with StandIn() as running:
        yield running


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Node keeps what it has compiled."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[First]:
    """`make deploy` and `wrangler secret put API_KEY`, to an account on which nothing had been deployed."""
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
    """What the first deployment uploaded, with its key and a budget."""
    return first.version
