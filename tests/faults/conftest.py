"""The Worker with an outside that fails, in bare workerd."""

from collections.abc import Iterator

import pytest

from tests.faults.cases import BINDING, PARTNERS, PARTNERS_REST, PUBLIC_URL, REST, SPARE
from tests.workerd import REST as REST_API
from tests.workerd import WRITER, Workerd


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """All deployments of the fault matrix."""
    deployments = {
        BINDING: {},
        REST: REST_API | WRITER | {"PUBLIC_URL": PUBLIC_URL, "AI_GATEWAY_ID": "gateway"},
        SPARE: {"FLUX_FALLBACK_MODEL": "lucid-origin"},
        PARTNERS: {"PARTNER_MODELS": "*", "FLUX_FALLBACK_MODEL": "flux-1-schnell", "FLUX_MODEL": "google/nano-banana"},
        PARTNERS_REST: REST_API | {"PARTNER_MODELS": "*", "AI_GATEWAY_ID": "gateway"},
    }
    with Workerd(tmp_path_factory.mktemp("faults") / "bare", deployments) as running:
        yield running
