"""Workers AI's failures and the answers that they deserve."""

import asyncio

import pytest

from flux import upstream
from flux.errors import ApiError, UpstreamFailure
from tests.builders import NOW

MIDNIGHT = "21600"
"""Seconds from `NOW` to 00:00 UTC."""

REFUSED = (400, "content_policy_violation", "invalid_request_error", {"x-should-retry": "false"})
BUSY = (503, "model_overloaded", "server_error", {"retry-after": "10", "x-should-retry": "true"})
SPENT = (429, "insufficient_quota", "insufficient_quota", {"retry-after": MIDNIGHT, "x-should-retry": "false"})
FORBIDDEN = (502, "upstream_not_authorized", "server_error", {"x-should-retry": "false"})
HOPELESS = (502, "upstream_error", "server_error", {"x-should-retry": "false"})
UNKNOWN = (502, "upstream_error", "server_error", {"x-should-retry": "true"})

CODES = {
    **dict.fromkeys((3030, 8007), REFUSED),
    **dict.fromkeys((3040, 3007, 3008), BUSY),
    **dict.fromkeys((3036, 4006), SPENT),
    **dict.fromkeys((3023, 3041, 5016, 5018, 5035, 10000), FORBIDDEN),
    **dict.fromkeys((3003, 3006, 3042, 5004, 5006, 5007), HOPELESS),
    **dict.fromkeys((3005, 8001, 9999), UNKNOWN),
}
SECRET = "/srv/inference/secret.py token=abc"


def told(error: ApiError) -> tuple[int, str, str, dict[str, str]]:
    """What a caller sees of a failure but its sentence."""
    body = error.body()["error"]
    return error.status, body["code"], body["type"], error.headers()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("code", "answer"), CODES.items())
@pytest.mark.parametrize(
    "text", ["{}: {}", "AiError: {}: {}", "InferenceUpstreamError: {} : {}", "error (a1b2-1234) {}: {}"]
)
def test_a_code_in_the_text_means_its_answer(code: int, answer: object, text: str) -> None:
    """However the runtime wraps it. The text is for the log; the caller never reads it."""
    failure = upstream.failure(text.format(code, SECRET))
    assert told(failure) == answer
    assert failure.upstream_code == code
    assert SECRET in failure.detail
    assert SECRET not in str(failure.body())


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("code", "answer"), CODES.items())
def test_a_code_that_the_answer_tells_needs_none_in_the_text(code: int, answer: object) -> None:
    """As in the REST API's envelope."""
    failure = upstream.failure("3040: not this one", code=code)
    assert told(failure) == answer
    assert failure.upstream_code == code


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("status", "answer"),
    [(401, FORBIDDEN), (403, FORBIDDEN), (408, BUSY), (429, BUSY), (503, BUSY), (504, BUSY), (500, UNKNOWN),
     (502, UNKNOWN), (520, UNKNOWN), (400, UNKNOWN), (0, UNKNOWN)],
)  # fmt: skip
def test_a_status_decides_where_there_is_no_code_that_we_know(status: int, answer: object) -> None:
    assert told(upstream.failure("<html>Bad gateway</html>", status=status)) == answer
    assert told(upstream.failure("something", status=status, code=7777)) == answer
    assert told(upstream.failure("something", status=429, code=3030)) == REFUSED


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Network connection lost.", BUSY),
        ("Error: network connection lost", BUSY),
        ("Input prompt contains NSFW content", REFUSED),
        ("1101: 3040: Capacity temporarily exceeded", BUSY),  # an id in front that is no code of ours
        ("12345: 3030: NSFW", REFUSED),
        ("3030: Input prompt contains NSFW content", REFUSED),
        ("3030: Error: oneOf at '/' not met: input is not valid", HOPELESS),  # the code stands for more than the filter
        ("3030: Sequence too long", HOPELESS),
        ("at 10:30 something failed", UNKNOWN),
        ("3030", UNKNOWN),
        ("13040: no", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_text_decides_where_there_is_neither(text: str, answer: object) -> None:
    """The first code that we know wins."""
    assert told(upstream.failure(text)) == answer


async def test_the_allowance_returns_at_midnight_utc(clock: None) -> None:
    """Never in zero seconds: at midnight itself a new day has just begun, and was used up."""
    await asyncio.sleep(21_599)
    assert upstream.failure("3036: used up").retry_after == 1
    await asyncio.sleep(1)
    assert upstream.failure("3036: used up").retry_after == 86_400
    assert (NOW + 21_600) % 86_400 == 0


def test_an_answer_that_is_no_picture_may_be_asked_for_once_more() -> None:
    failure = upstream.no_picture("text/html")
    assert told(failure) == UNKNOWN
    assert (failure.detail, failure.upstream_code) == ("text/html", 0)


def test_a_model_that_outlasts_our_patience_is_overloaded() -> None:
    assert told(upstream.timed_out()) == BUSY


def test_what_may_be_asked_again_once_is_not_asked_a_third_time() -> None:
    """Each try may cost the owner a picture; the SDKs say when a request is itself a retry."""
    failure = upstream.failure("3040: busy")
    assert failure.headers(already_retried=True) == {"retry-after": "10", "x-should-retry": "false"}


def test_long_upstream_texts_do_not_fill_the_log() -> None:
    assert len(upstream.failure("x" * 100_000).detail) <= 500


def test_each_failure_is_one_that_the_core_expects_of_a_model() -> None:
    assert all(isinstance(upstream.failure(f"{code}: x"), UpstreamFailure) for code in CODES)
