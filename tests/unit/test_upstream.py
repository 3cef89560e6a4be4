"""Workers AI's failures and the answers to callers."""

import asyncio
import re

import pytest

from dev import ROOT
from flux import partner_failures, upstream
from flux.errors import ApiError, OutputFlagged, PromptRefused, UpstreamFailure
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
    3030: REFUSED,
    **dict.fromkeys((3040, 3007, 3008, 3046), BUSY),
    **dict.fromkeys((3036, 4006), SPENT),
    **dict.fromkeys((3023, 3041, 5016, 5018, 5035), FORBIDDEN),
    **dict.fromkeys((2009, 6003, 6111, 7000, 7003, 9106, 9107, 9109, 10000), FORBIDDEN),
    **dict.fromkeys((3003, 3006, 3010, 3039, 3042, 5004, 5005, 5006, 5007, 5012, 5019, 5021, 5028), HOPELESS),
    **dict.fromkeys((8001, 8007), HOPELESS),
    **dict.fromkeys((3005, 3043, 8004, 9999), UNKNOWN),
}
SECRET = "/srv/inference/secret.py token=abc"


def told(error: ApiError) -> tuple[int, str, str, dict[str, str]]:
    """What a caller sees of a failure, except its message."""
    body = error.body()["error"]
    return error.status, body["code"], body["type"], error.headers()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("code", "answer"), CODES.items())
@pytest.mark.parametrize(
    "text", ["{}: {}", "AiError: {}: {}", "InferenceUpstreamError: {} : {}", "error (a1b2-1234) {}: {}"]
)
def test_a_code_in_the_text_means_its_answer(code: int, answer: object, text: str) -> None:
    """However the runtime wraps it. The text goes into the log, never to the caller."""
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
     (410, HOPELESS), (413, HOPELESS), (502, UNKNOWN), (520, UNKNOWN), (400, UNKNOWN), (0, UNKNOWN)],
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
        ("1101: 3040: Capacity temporarily exceeded", BUSY),  # the number before it is not one of the codes
        ("12345: 3030: NSFW", REFUSED),
        ("3030: Input prompt contains NSFW content", REFUSED),
        ("3030: Error: oneOf at '/' not met: input is not valid", HOPELESS),  # the code has other meanings, too
        ("3030: Sequence too long: 9003 > 8192", HOPELESS),
        ("8007: Input prompt contains NSFW content.", REFUSED),
        ("8007: This model's maximum context length is 24000 tokens.", HOPELESS),
        ("8007: 400 Bad Request validation errors", HOPELESS),
        ("5006: Error: the prompt 'a flagged parcel' is too long", HOPELESS),  # the code has only one meaning
        ("Your request was rejected by our moderation system", REFUSED),
        ("The prompt was flagged", REFUSED),
        ("No route for that URI", FORBIDDEN),
        ("Could not route to /client/v4/accounts/x/ai/run, perhaps your object identifier is invalid?", FORBIDDEN),
        ("This model's maximum context length is 77 tokens", HOPELESS),
        ("<html><title>Flagged by the firewall</title>", UNKNOWN),
        ("at a moderate load", UNKNOWN),
        ("at 10:30 something failed", UNKNOWN),
        ("3030", UNKNOWN),
        ("13040: no", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_text_decides_where_there_is_neither(text: str, answer: object) -> None:
    """The first known code counts."""
    assert told(upstream.failure(text)) == answer


@pytest.mark.usefixtures("clock")
def test_a_used_up_allowance_is_known_by_its_text_where_the_code_is_new() -> None:
    """By code and status alone it would be a busy model, which is tried three times."""
    said = "you have used up your daily free allocation of 10,000 neurons"
    assert told(upstream.failure(said, status=429, code=4999)) == SPENT


@pytest.mark.parametrize(
    "text",
    [
        "3030: Your output has been flagged. Please choose another prompt / input image combination",
        "AiError: AiError: Your output has been flagged. Please choose another prompt (1b2c)",
        "3030: Choose another prompt / input image combination",
        "8007: The generated image was flagged",
        "Your output contains NSFW content",
    ],
)
def test_a_flagged_picture_is_told_from_a_refused_prompt(text: str) -> None:
    """Another seed may draw something else. The message says which of the two was refused."""
    failure = upstream.failure(text)
    assert isinstance(failure, OutputFlagged)
    assert told(failure) == REFUSED
    assert {"prompt", "pictures"} <= set(failure.message.replace(",", "").split())
    assert "words" not in failure.message


@pytest.mark.parametrize("text", ["3030: Input prompt contains NSFW content", "3030: no", "8007: nsfw", "flagged"])
def test_a_refused_prompt_is_no_flagged_picture(text: str) -> None:
    failure = upstream.failure(text)
    assert isinstance(failure, PromptRefused)
    assert not isinstance(failure, OutputFlagged)


@pytest.mark.parametrize(
    ("failure", "variable"),
    [
        (upstream.failure("No route for that URI", code=7000, status=400), "CF_ACCOUNT_ID"),
        (upstream.failure("Could not route to /x", code=7003, status=404), "CF_ACCOUNT_ID"),
        (upstream.failure("Authentication error", code=10000, status=401), "CF_API_TOKEN"),
        (upstream.failure("Invalid request headers", code=6003, status=400), "CF_API_TOKEN"),
    ],
)
def test_a_wrong_account_and_a_wrong_token_name_their_variable(failure: UpstreamFailure, variable: str) -> None:
    assert told(failure) == FORBIDDEN
    assert variable in failure.message


@pytest.mark.parametrize("text", ["8007: maximum context length is 77", "3030: Sequence too long", "5021: exceeded"])
def test_a_prompt_that_is_too_long_is_called_so(text: str) -> None:
    assert "too long" in upstream.failure(text).message


def test_every_code_of_the_stand_in_has_its_row() -> None:
    """The stand-in has the codes of Cloudflare's documentation, and others that were seen."""
    table = (ROOT / "dev" / "ai" / "faults.js").read_text()
    codes = {int(code) for code in re.findall(r"^ +\[?\s*(\d{3,4}),", table, re.MULTILINE)}
    assert len(codes) > 25
    assert codes <= set(partner_failures.ROWS.by_code)
    assert codes - set(upstream.BY_CODE) == {402, 429, 2001}  # from AI Gateway, for models of other makers


async def test_the_allowance_returns_at_midnight_utc(clock: None) -> None:
    """Never zero seconds: at midnight a new day has just begun."""
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
    """Each retry may cost the owner a picture. The SDKs say when a request is a retry."""
    failure = upstream.failure("3040: busy")
    assert failure.headers(already_retried=True) == {"retry-after": "10", "x-should-retry": "false"}


def test_long_upstream_texts_do_not_fill_the_log() -> None:
    assert len(upstream.failure("x" * 100_000).detail) <= 500


def test_each_failure_is_one_that_the_core_expects_of_a_model() -> None:
    assert all(isinstance(upstream.failure(f"{code}: x"), UpstreamFailure) for code in CODES)
