"""All errors, each with the answer it produces: raised where they are found, rendered once in `app`.

The format is OpenAI's: always four fields. OpenAI's SDKs obey `x-should-retry` and `Retry-After`; a class that sets
neither leaves the decision to the client. `type` and `code` are OpenAI's own values wherever it has one for the case.
"""

from typing import Any


class ApiError(Exception):
    """An error that knows its own answer. The message tells the caller what to do.

    The message never contains text from upstream, a path or a key. Information for the owner goes into `detail`, which
    is logged and not sent.
    """

    status = 500
    type = "server_error"
    code = "internal_error"
    should_retry: bool | None = None
    """The value of `x-should-retry`; None leaves the header out."""
    may_have_cost = False
    """Whether the model may have drawn in spite of this failure. Cloudflare charges for such pictures."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        detail: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after
        """In seconds, sent as `Retry-After`."""
        self.detail = detail
        self.extra_headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON body: `{"error": {"message", "type", "param", "code"}}`."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def headers(self, *, already_retried: bool = False) -> dict[str, str]:
        """Headers that control the client's own retries.

        `already_retried` is true if the request says that it is a retry. Errors that may be retried once are then not
        retried again, since each attempt may cost the owner a picture.
        """
        headers = dict(self.extra_headers)
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.should_retry is not None:
            may_retry = self.should_retry and not already_retried
            headers["x-should-retry"] = "true" if may_retry else "false"
        return headers


# --- the caller's errors ------------------------------------------------------------------------


class InvalidRequest(ApiError):
    """A value that cannot be used. `param` names the field."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"


class InvalidJson(InvalidRequest):
    """The body is not acceptable JSON."""

    code = "invalid_json"


class MissingParameter(InvalidRequest):
    """A required field is absent or empty."""

    code = "missing_required_parameter"


class UnsupportedModel(InvalidRequest):
    """The model exists but cannot do what is requested."""

    code = "unsupported_model"


class ContentPolicyViolation(InvalidRequest):
    """The safety filter refused the prompt or the picture drawn from it. Clients should not send it again."""

    code = "content_policy_violation"
    should_retry = False


class RequestTooLarge(InvalidRequest):
    """The body exceeds its limit."""

    status = 413
    code = "request_too_large"


class RequestTimeout(InvalidRequest):
    """The body did not arrive in time. The connection may be better on the next try."""

    status = 408
    code = "request_timeout"
    should_retry = True


class InvalidApiKey(InvalidRequest):
    """The key is missing or wrong."""

    status = 401
    code = "invalid_api_key"


class NotFound(InvalidRequest):
    """Nothing exists at this address, or it is gone."""

    status = 404
    code = "not_found"


class PictureExpired(NotFound):
    """The picture existed and has expired."""

    code = "picture_expired"


class ModelNotFound(NotFound):
    """The request names a model that is not served here."""

    code = "model_not_found"


class MethodNotAllowed(InvalidRequest):
    """The path exists for other methods, which `Allow` names."""

    status = 405
    code = "method_not_allowed"


class PreviousResponseNotFound(InvalidRequest):
    """The named response contains no picture of this service, or its picture has expired."""

    code = "previous_response_not_found"


class RateLimitExceeded(ApiError):
    """The key used up its pictures for this minute."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetExceeded(ApiError):
    """The owner's daily budget is used up. It resets at 00:00 UTC."""

    status = 429
    type = "insufficient_quota"
    code = "budget_exceeded"
    should_retry = False


# --- upstream -----------------------------------------------------------------------------------


class UpstreamFailure(ApiError):
    """Workers AI failed. `upstream_code` is its own error number, or 0 if it gave none."""

    status = 502
    code = "upstream_error"
    should_retry = True
    may_have_cost = True

    def __init__(self, message: str, *, upstream_code: int = 0, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.upstream_code = upstream_code


class UpstreamRefusal(UpstreamFailure):
    """Workers AI would fail again: the model is gone, or it does not accept our request."""

    should_retry = False
    may_have_cost = False


class ModelOverloaded(UpstreamFailure):
    """Out of capacity: worth retrying, or trying another model."""

    status = 503
    code = "model_overloaded"
    may_have_cost = False


class ModelUnheard(ModelOverloaded):
    """Too slow, or the connection broke: whether the model has drawn is unknown."""

    may_have_cost = True


class UpstreamNotAuthorized(UpstreamFailure):
    """The account, its plan or its token does not allow the model."""

    code = "upstream_not_authorized"
    should_retry = False
    may_have_cost = False


class InsufficientQuota(UpstreamFailure):
    """The account's daily allowance is used up. It resets at 00:00 UTC."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"
    should_retry = False
    may_have_cost = False


class PromptRefused(ContentPolicyViolation, UpstreamFailure):
    """A `ContentPolicyViolation` reported by the model."""

    may_have_cost = False


class OutputFlagged(PromptRefused):
    """The filter refused the drawn picture. Another seed may give one that passes."""

    may_have_cost = True


class StorageUnavailable(ApiError):
    """KV did not answer a read. The picture may well exist, so this is not a 404."""

    status = 503
    code = "storage_unavailable"
    should_retry = True

    @classmethod
    def because(cls, detail: str) -> "StorageUnavailable":
        """The error with its message for callers; `detail` is for the log."""
        return cls("The store did not answer. Try again in a few seconds.", retry_after=5, detail=detail)


class BudgetUnavailable(ApiError):
    """The ledger did not answer. An owner who sets a budget expects it to be enforced even then."""

    status = 503
    code = "budget_unavailable"
    should_retry = True

    @classmethod
    def because(cls, detail: str) -> "BudgetUnavailable":
        """The error with its message for callers; `detail` is for the log."""
        return cls("The service's ledger did not answer. Try again in a few seconds.", retry_after=5, detail=detail)


# --- our errors ---------------------------------------------------------------------------------


class InvalidConfiguration(ApiError):
    """A variable of the Worker is wrong. `variable` names it; `/health` shows the problem."""

    code = "invalid_configuration"
    should_retry = False

    def __init__(self, variable: str, problem: str) -> None:
        """`problem` completes the sentence that starts with the variable's name."""
        super().__init__(f"{variable} {problem}")
        self.variable = variable
        self.problem = problem


class ApiKeyNotConfigured(ApiError):
    """No key is set: until the owner sets one, every request is refused."""

    status = 503
    code = "api_key_not_configured"
    should_retry = False


class InternalError(ApiError):
    """A bug in this service. The request id identifies it in the log."""

    should_retry = True
