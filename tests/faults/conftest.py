"""The Worker in bare workerd, with services around it that can fail."""

from collections.abc import Iterator

import pytest

from tests.faults.cases import BINDING, PUBLIC_URL, REST, SPARE
from tests.workerd import REST as REST_API
from tests.workerd import WRITER, Workerd


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """All deployments of the fault matrix."""
    deployments = {
        BINDING: {},
        REST: REST_API | WRITER | {"PUBLIC_URL": PUBLIC_URL, "AI_GATEWAY_ID": "gateway"},
        SPARE: {"FLUX_FALLBACK_MODEL": "lucid-origin"},
    }
    with Workerd(tmp_path_factory.mktemp("faults") / "bare", deployments) as running:
        yield running
