"""Failures of models of other makers, and which of them are retried."""

import pytest

from flux import partner_failures
from flux.errors import (
    ModelOverloaded,
    ModelUnheard,
    OutputFlagged,
    PromptRefused,
    UpstreamFailure,
    UpstreamNotAuthorized,
    UpstreamRefusal,
)
from flux.pipeline import TRIES
from tests.builders import SCHNELL, Service
from tests.fakes import Painter

BANANA = "google/nano-banana"


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (UpstreamNotAuthorized, "Payment error", {}),
        (UpstreamNotAuthorized, "402: Payment Required", {}),
        (UpstreamNotAuthorized, "insufficient credits", {}),
        (UpstreamNotAuthorized, "what nobody has seen", {"status": 402}),
        (UpstreamNotAuthorized, "what nobody has seen", {"code": 402}),
        (UpstreamNotAuthorized, "2009: Unauthorized", {}),
        (UpstreamNotAuthorized, "what nobody has seen", {"status": 401}),
        (UpstreamNotAuthorized, "2001: Please configure AI Gateway in the Cloudflare dashboard", {}),
        (UpstreamNotAuthorized, "10000: Authentication error", {}),
        (UpstreamNotAuthorized, "Could not route to /x, perhaps your object identifier is invalid?", {"code": 7003}),
        (UpstreamRefusal, "User Input Error", {"code": 7003, "status": 400}),
        (UpstreamRefusal, "5007: No such model x/y or task", {}),
        (UpstreamRefusal, "not here", {"status": 404}),
        (ModelOverloaded, "Too many requests", {}),
        (ModelOverloaded, "slow down", {"status": 429}),
        (ModelUnheard, "3007: Request timeout", {}),
        (ModelUnheard, "<html>", {"status": 504}),
        (PromptRefused, "Request blocked by content moderation", {}),
        (OutputFlagged, "Your output has been flagged", {}),
        (UpstreamFailure, "<html>Payment error</html>", {}),
        (UpstreamFailure, "what nobody has seen", {"status": 503}),
        (UpstreamFailure, "what nobody has seen", {}),
    ],
)
def test_a_failure_is_told_by_what_is_known_of_it(kind: type, text: str, told: dict[str, int]) -> None:
    failure = partner_failures.failure(text, **told)
    assert type(failure) is kind
    assert text[:20] not in failure.message
    assert failure.detail == text


@pytest.mark.parametrize(
    ("state", "code", "kind"),
    [
        ("Failed", "provider_unavailable", ModelOverloaded),
        ("Failed", "provider_error", UpstreamFailure),
        ("Failed", "content_moderation", PromptRefused),
        ("Running", "", UpstreamFailure),
    ],
)
def test_an_answer_that_says_failed_is_a_failure(state: str, code: str, kind: type) -> None:
    assert type(partner_failures.of_state(state, code, "It went wrong.")) is kind


@pytest.mark.parametrize(
    ("failure", "calls"),
    [
        ("Too many requests", TRIES),
        ("Failed provider_unavailable: try later", TRIES),
        ("3007: Request timeout", 1),
        ("network connection lost", 1),
        ("what nobody has seen", 1),
        ("Your output has been flagged", 1),
        ("Payment error", 1),
    ],
)
async def test_what_may_have_drawn_is_asked_for_once(failure: str, calls: int) -> None:
    """Pictures of these models are expensive, and nobody should pay twice for one."""
    service = Service(variables={"PARTNER_MODELS": "*"}, painter=Painter(*[partner_failures.failure(failure)] * 9))
    assert (await service.generate(model=BANANA)).status >= 400
    assert [drawing.model.id for drawing in service.painter.drawings] == [BANANA] * calls


@pytest.mark.parametrize(("failure", "models"), [("Too many requests", [BANANA, SCHNELL]), ("3007: x", [BANANA])])
async def test_a_fallback_is_asked_only_where_nothing_was_drawn(failure: str, models: list[str]) -> None:
    variables = {"PARTNER_MODELS": "*", "FLUX_MODEL": BANANA, "FLUX_FALLBACK_MODEL": SCHNELL}
    service = Service(variables=variables, painter=Painter(partner_failures.failure(failure)))
    await service.generate()
    assert [drawing.model.id for drawing in service.painter.drawings] == models


async def test_a_picture_that_was_flagged_is_not_drawn_again_of_the_persons_own_words() -> None:
    """A refused prompt is, because nothing was drawn."""
    for text, calls in (("Your output has been flagged", 1), ("Input prompt contains NSFW content", 2)):
        variables = {"PARTNER_MODELS": "*", "PROMPT_OPTIMIZATION": "true"}
        service = Service(variables=variables, painter=Painter(partner_failures.failure(text)))
        await service.generate(model=BANANA)
        assert len(service.painter.drawings) == calls


async def test_a_model_of_another_maker_is_waited_for_longer() -> None:
    """Three minutes, compared with one for Workers AI."""
    service = Service(variables={"PARTNER_MODELS": "*"}, painter=Painter(seconds=170))
    assert (await service.generate(model=BANANA)).status == 200
    late = Service(variables={"PARTNER_MODELS": "*"}, painter=Painter(seconds=190))
    answer = await late.generate(model=BANANA)
    assert (answer.status, len(late.painter.drawings)) == (503, 1)
