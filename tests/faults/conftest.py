"""The Worker with an outside that fails, in bare workerd."""

from collections.abc import Iterator

import pytest

from tests.bare import REST as REST_API
from tests.bare import WRITER, Bare
from tests.faults.cases import BINDING, PUBLIC_URL, REST, SPARE


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """All deployments of the fault matrix."""
    deployments = {
        BINDING: {},
        REST: REST_API | WRITER | {"PUBLIC_URL": PUBLIC_URL},
        SPARE: {"FLUX_FALLBACK_MODEL": "lucid-origin"},
    }
    with Bare(tmp_path_factory.mktemp("faults") / "bare", deployments) as running:
        yield running
