"""The table of errors in the contract."""

import pytest

from flux import errors
from flux.errors import ApiError, InvalidConfiguration, UpstreamFailure


def kinds(base: type[ApiError] = ApiError) -> list[type[ApiError]]:
    """Every class of errors."""
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


def raised(kind: type[ApiError]) -> ApiError:
    """An error of a class."""
    return InvalidConfiguration("FLUX_MODEL", "is wrong.") if kind is InvalidConfiguration else kind("Do this.")


@pytest.mark.parametrize(
    ("kind", "status", "family", "code", "retry"),
    [
        (errors.InvalidJson, 400, "invalid_request_error", "invalid_json", None),
        (errors.InvalidRequest, 400, "invalid_request_error", "invalid_value", None),
        (errors.MissingParameter, 400, "invalid_request_error", "missing_required_parameter", None),
        (errors.UnsupportedModel, 400, "invalid_request_error", "unsupported_model", None),
        (errors.ContentPolicyViolation, 400, "invalid_request_error", "content_policy_violation", "false"),
        (errors.PromptRefused, 400, "invalid_request_error", "content_policy_violation", "false"),
        (errors.InvalidApiKey, 401, "invalid_request_error", "invalid_api_key", None),
        (errors.NotFound, 404, "invalid_request_error", "not_found", None),
        (errors.ModelNotFound, 404, "invalid_request_error", "model_not_found", None),
        (errors.PictureExpired, 404, "invalid_request_error", "picture_expired", None),
        (errors.MethodNotAllowed, 405, "invalid_request_error", "method_not_allowed", None),
        (errors.RequestTooLarge, 413, "invalid_request_error", "request_too_large", None),
        (errors.RateLimitExceeded, 429, "rate_limit_error", "rate_limit_exceeded", None),
        (errors.BudgetExceeded, 429, "insufficient_quota", "budget_exceeded", "false"),
        (errors.InsufficientQuota, 429, "insufficient_quota", "insufficient_quota", "false"),
        (errors.InvalidConfiguration, 500, "server_error", "invalid_configuration", "false"),
        (errors.InternalError, 500, "server_error", "internal_error", "true"),
        (errors.UpstreamFailure, 502, "server_error", "upstream_error", "true"),
        (errors.UpstreamRefusal, 502, "server_error", "upstream_error", "false"),
        (errors.UpstreamNotAuthorized, 502, "server_error", "upstream_not_authorized", "false"),
        (errors.ModelOverloaded, 503, "server_error", "model_overloaded", "true"),
        (errors.StorageUnavailable, 503, "server_error", "storage_unavailable", "true"),
        (errors.BudgetUnavailable, 503, "server_error", "budget_unavailable", "true"),
        (errors.ApiKeyNotConfigured, 503, "server_error", "api_key_not_configured", "false"),
    ],
)
def test_a_case_has_its_status_type_code_and_word_on_retries(
    kind: type[ApiError], status: int, family: str, code: str, retry: str | None
) -> None:
    """SDKs retry a 429 and a 5xx by themselves, and a 4xx never."""
    error = raised(kind)
    body = error.body()["error"]
    assert (error.status, body["type"], body["code"]) == (status, family, code)
    assert error.headers().get("x-should-retry") == retry
    assert error.headers(already_retried=True).get("x-should-retry") == (retry and "false")


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_the_four_fields_and_tells_its_reader_nothing_that_is_for_the_log(kind: type[ApiError]) -> None:
    error = raised(kind)
    error.detail = "secret"
    assert error.body()["error"].keys() == {"message", "type", "param", "code"}
    assert "secret" not in str(error.body())
    assert "secret" not in str(error.headers())


def test_headers_of_a_case_go_with_its_word_on_retries() -> None:
    failure = UpstreamFailure("Try again.", retry_after=10, headers={"allow": "GET"})
    assert failure.headers() == {"allow": "GET", "retry-after": "10", "x-should-retry": "true"}
