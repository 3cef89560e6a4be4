"""Which requests go through an AI Gateway: it rejects forms."""

import pytest

from tests.faults.cases import GENERATIONS, REST
from tests.workerd import Workerd


@pytest.mark.parametrize(("model", "logged"), [("flux-1-schnell", True), ("flux-2-klein-4b", False)])
async def test_a_request_of_the_rest_api_names_the_gateway_unless_it_is_a_form(
    bare: Workerd, model: str, *, logged: bool
) -> None:
    """The stand-in answers a form that names a gateway as Cloudflare does, with code 7000."""
    async with bare.caller(REST) as caller:
        response = await caller.post(GENERATIONS, json={"prompt": "a gate", "model": model})
    assert response.status_code == 200, response.text
    request = [one for one in bare.happened()["fetched"] if one["url"].endswith(model)][-1]
    assert request["headers"].get("cf-aig-gateway-id") == ("gateway" if logged else None)
