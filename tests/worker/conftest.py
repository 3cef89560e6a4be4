"""Servers that tests share: the Worker in real workerd, and the stand-in that draws."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from dev import configuration, serve
from tests.worker.service import KEY, PATIENCE_SECONDS, Ledger, Service, Start

DRAWING_MS = 20
"""Tests that depend on time set their own delay with `[[delay 6s]]`."""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serve.Server]:
    """The stand-in for Workers AI as a separate server, so that it can be reached over HTTP."""
    with serve.stand_in(tmp_path_factory.mktemp("stand-in"), vars={"DELAY_MS": DRAWING_MS}) as server:
        yield server


@pytest.fixture(scope="session")
def ledger(stand_in: serve.Server) -> Ledger:
    """All model calls of all Workers under test."""
    return Ledger(stand_in.url)


@pytest.fixture(scope="session")
def start(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts Workers. Each start takes seconds, so tests with the same configuration share one."""

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
    """The Worker as deployed, except for the rate limit, so that tests do not wait for each other."""
    with start() as running:
        yield running


def limited_to(pictures: int) -> dict[str, object]:
    """The rate limit of the deployed configuration with a different number of pictures."""
    [limiter] = configuration.read(configuration.DEPLOYED)["ratelimits"]
    return {"ratelimits": [{**limiter, "simple": {**limiter["simple"], "limit": pictures}}]}
