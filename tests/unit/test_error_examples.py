"""The examples of errors in public/openapi.json are what the service returns."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dev.description.refusals import ROWS
from flux import picture, upstream
from flux.http import MAX_TEXT, body_timeout
from flux.ports import LedgerFailed
from tests.builders import EDITS, GENERATIONS, NOW, SCHNELL, Answer, Service, form_posted, request
from tests.fakes import Allowance, Painter, Posted, Shelf, Tally, data_of, painted

pytestmark = pytest.mark.usefixtures("clock")

PHOTO = data_of(painted("A photo", 64, 64).blob)


class SilentBody(Posted):
    async def document(self, *_limit: int) -> Any:
        raise body_timeout()


def failing(failure: Exception) -> Awaitable[Answer]:
    """The answer to a generation with a model that fails."""
    painter = Painter()
    painter.refuses = lambda _drawing: failure
    return Service(painter=painter).generate()


def busy(seconds: int) -> Shelf:
    """A store that takes this long."""
    shelf = Shelf()
    shelf.read_seconds = seconds
    return shelf


async def spent() -> Answer:
    """The answer when a budget of exactly five pictures is used up."""
    service = Service(variables={"DAILY_NEURONS": "288"})
    await service.generate(n=5)
    return await service.generate()


ASKED: dict[str, Callable[[], Awaitable[Answer]]] = {
    "invalid_json": lambda: Service().post(GENERATIONS, "{"),
    "missing_required_parameter": lambda: Service().post(GENERATIONS, {}),
    "invalid_value": lambda: Service().generate(n=11),
    "unsupported_model": lambda: Service().ask(
        form_posted(EDITS, {"prompt": "A cat", "model": SCHNELL}, [("image", PHOTO)])
    ),
    "previous_response_not_found": lambda: Service().post(
        "/v1/responses", {"input": "A cat", "previous_response_id": "resp_x"}
    ),
    "content_policy_violation": lambda: failing(upstream.failure("3030: NSFW")),
    "invalid_api_key": lambda: Service().get("/v1/models", key="wrong"),
    "not_found": lambda: Service().get(f"/image/{picture.new_id(NOW + 60)}.jpg", key=None),
    "picture_expired": lambda: Service().get(f"/image/{picture.new_id(NOW - 60)}.jpg", key=None),
    "model_not_found": lambda: Service().generate(model="sora"),
    "method_not_allowed": lambda: Service().get(GENERATIONS),
    "request_timeout": lambda: Service().ask(request(GENERATIONS, "POST", body=SilentBody(b""))),
    "request_too_large": lambda: Service().generate("x" * MAX_TEXT),
    "rate_limit_exceeded": lambda: Service(limiter=Allowance(0)).generate(),
    "api_key_not_configured": lambda: Service(variables={"API_KEY": ""}).generate(),
    "budget_exceeded": spent,
    "insufficient_quota": lambda: failing(upstream.failure("3036: used up")),
    "invalid_configuration": lambda: Service(variables={"FLUX_NUM_STEPS": "many"}).generate(),
    "internal_error": lambda: failing(KeyError("x")),
    "upstream_error": lambda: failing(upstream.no_picture("html")),
    "upstream_not_authorized": lambda: failing(upstream.failure("3041: no")),
    "model_overloaded": lambda: failing(upstream.failure("3040: busy")),
    "storage_unavailable": lambda: Service(store=busy(60)).get(f"/image/{picture.new_id(NOW + 60)}.jpg", key=None),
    "budget_unavailable": lambda: Service(
        variables={"DAILY_NEURONS": "100"}, tally=Tally(LedgerFailed("x"))
    ).generate(),
}  # fmt: skip


@pytest.mark.parametrize("code", ROWS)
async def test_an_example_is_what_the_service_says(code: str) -> None:
    answer = await ASKED[code]()
    example = ROWS[code].error
    said = answer.text.replace(answer.headers["x-request-id"], "3f0c1d2e4b5a69788796a5b4")
    assert Answer(answer.status, {}, said).error == example.body()["error"]
    assert answer.status == example.status
    assert ("retry-after" in answer.headers) == ("retry-after" in example.headers())
