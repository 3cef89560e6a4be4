"""Servers that the tests share: the Worker in real workerd, and the stand-in that it draws with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from dev import configuration, serve
from tests.worker.service import KEY, PATIENCE_SECONDS, Ledger, Service, Start

DRAWING_MS = 20
"""A test in which time is the point asks for its own with `[[delay 6s]]`."""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serve.Server]:
    """The stand-in for Workers AI as a server of its own, so that its HTTP door is open."""
    with serve.stand_in(tmp_path_factory.mktemp("stand-in"), vars={"DELAY_MS": DRAWING_MS}) as server:
        yield server


@pytest.fixture(scope="session")
def ledger(stand_in: serve.Server) -> Ledger:
    """Every model call of every Worker under test."""
    return Ledger(stand_in.url)


@pytest.fixture(scope="session")
def start(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts Workers. Each costs seconds, so tests of one configuration share one."""

    @contextmanager
    def started(
        *,
        vars: Mapping[str, object] | None = None,
        changes: Mapping[str, object] | None = None,
        key: str = KEY,
    ) -> Iterator[Service]:
        with serve.start(
            tmp_path_factory.mktemp("worker"),
            ai=stand_in,
            vars={"API_KEY": key, **(vars or {})},
            changes={**limited_to(1_000_000), **(changes or {})},
        ) as server:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            with httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE_SECONDS) as http:
                yield Service(server, http)

    return started


@pytest.fixture(scope="session")
def service(start: Start) -> Iterator[Service]:
    """The Worker as it is deployed, but for the rate limit: no test is to wait for another's pictures."""
    with start() as running:
        yield running


def limited_to(pictures: int) -> dict[str, object]:
    """The deployed configuration's rate limit, with another number of pictures in its period."""
    [limiter] = configuration.read(configuration.DEPLOYED)["ratelimits"]
    return {"ratelimits": [{**limiter, "simple": {**limiter["simple"], "limit": pictures}}]}
