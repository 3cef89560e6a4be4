"""What goes wrong, and the answer it deserves: raised deep, rendered once by `app`.

The shape is OpenAI's: four fields, always. `x-should-retry` and `Retry-After` are what the OpenAI
SDKs obey; a class that sets neither leaves the decision to the client. `type` and `code` follow
OpenAI's own words where it has one for the case.
"""

from typing import Any


class ApiError(Exception):
    """A failure that knows its own answer; the message tells the caller what to do.

    The message never holds upstream text, a path or a key: what is for the owner's eyes goes into
    `detail`, which is logged and not sent.
    """

    status = 500
    type = "server_error"
    code = "internal_error"
    should_retry: bool | None = None
    """What `x-should-retry` says; None leaves it out."""
    may_have_cost = False
    """Whether a model may have drawn although it failed so, for which Cloudflare then charges."""

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
        """Seconds, sent as `Retry-After`."""
        self.detail = detail
        self.extra_headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The answer's JSON: `{"error": {"message", "type", "param", "code"}}`."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def headers(self, *, already_retried: bool = False) -> dict[str, str]:
        """Headers that steer the client's own retries.

        `already_retried` is true where the request says that it is itself a retry: what may be
        asked again once is not asked a third time, since each try may cost its owner a picture.
        """
        headers = dict(self.extra_headers)
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.should_retry is not None:
            may_retry = self.should_retry and not already_retried
            headers["x-should-retry"] = "true" if may_retry else "false"
        return headers


# --- the caller ---------------------------------------------------------------------------------


class InvalidRequest(ApiError):
    """A value that cannot be used; `param` names the field."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"


class InvalidJson(InvalidRequest):
    """The body is no JSON that we take."""

    code = "invalid_json"


class MissingParameter(InvalidRequest):
    """A required field is absent or empty."""

    code = "missing_required_parameter"


class UnsupportedModel(InvalidRequest):
    """The model exists and cannot do what is asked."""

    code = "unsupported_model"


class ContentPolicyViolation(InvalidRequest):
    """The safety filter refused the prompt, or the picture that was drawn of it: a client should not send it again."""

    code = "content_policy_violation"
    should_retry = False


class RequestTooLarge(InvalidRequest):
    """The body passed its limit."""

    status = 413
    code = "request_too_large"


class RequestTimeout(InvalidRequest):
    """The body did not come: the connection may be better the next time."""

    status = 408
    code = "request_timeout"
    should_retry = True


class InvalidApiKey(InvalidRequest):
    """No key, or one that is not ours."""

    status = 401
    code = "invalid_api_key"


class NotFound(InvalidRequest):
    """Nothing lives at this address, or no longer."""

    status = 404
    code = "not_found"


class PictureExpired(NotFound):
    """There was such a picture; its time is over."""

    code = "picture_expired"


class ModelNotFound(NotFound):
    """A model was named that we do not serve."""

    code = "model_not_found"


class MethodNotAllowed(InvalidRequest):
    """The path exists for other methods; `Allow` names them."""

    status = 405
    code = "method_not_allowed"


class PreviousResponseNotFound(InvalidRequest):
    """The response that is named holds no picture of ours, or no longer."""

    code = "previous_response_not_found"


class RateLimitExceeded(ApiError):
    """The key drew more than its share of the last minute."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetExceeded(ApiError):
    """What the owner lets be spent in a day is used up: over until 00:00 UTC."""

    status = 429
    type = "insufficient_quota"
    code = "budget_exceeded"
    should_retry = False


# --- upstream -----------------------------------------------------------------------------------


class UpstreamFailure(ApiError):
    """Workers AI failed; `upstream_code` is its own number, 0 where it gave none."""

    status = 502
    code = "upstream_error"
    should_retry = True
    may_have_cost = True

    def __init__(self, message: str, *, upstream_code: int = 0, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.upstream_code = upstream_code


class UpstreamRefusal(UpstreamFailure):
    """Workers AI will say the same next time: the model is gone, or we asked for what it does not take."""

    should_retry = False
    may_have_cost = False


class ModelOverloaded(UpstreamFailure):
    """Out of capacity: worth another try, and another model."""

    status = 503
    code = "model_overloaded"
    may_have_cost = False


class ModelUnheard(ModelOverloaded):
    """Too slow, or the connection broke: nobody knows whether it has drawn."""

    may_have_cost = True


class UpstreamNotAuthorized(UpstreamFailure):
    """The account, its plan or its token may not use the model."""

    code = "upstream_not_authorized"
    should_retry = False
    may_have_cost = False


class InsufficientQuota(UpstreamFailure):
    """The account's allowance of the day is used up: over until 00:00 UTC."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"
    should_retry = False
    may_have_cost = False


class PromptRefused(ContentPolicyViolation, UpstreamFailure):
    """`ContentPolicyViolation` as the model upstream reports it."""

    may_have_cost = False


class OutputFlagged(PromptRefused):
    """The filter refused what was drawn: another seed may draw something that it lets pass."""

    may_have_cost = True


class StorageUnavailable(ApiError):
    """KV did not answer a read: the picture may well exist, so this is not a 404."""

    status = 503
    code = "storage_unavailable"
    should_retry = True

    @classmethod
    def because(cls, detail: str) -> "StorageUnavailable":
        """With the sentence for callers; `detail` is for the log."""
        return cls("The store did not answer. Try again in a few seconds.", retry_after=5, detail=detail)


class BudgetUnavailable(ApiError):
    """The ledger did not answer: an owner who set a budget expects it to hold even then."""

    status = 503
    code = "budget_unavailable"
    should_retry = True

    @classmethod
    def because(cls, detail: str) -> "BudgetUnavailable":
        """With the sentence for callers; `detail` is for the log."""
        return cls("The service's ledger did not answer. Try again in a few seconds.", retry_after=5, detail=detail)


# --- us -----------------------------------------------------------------------------------------


class InvalidConfiguration(ApiError):
    """A variable of the Worker is wrong; `variable` names it, `/health` shows it."""

    code = "invalid_configuration"
    should_retry = False

    def __init__(self, variable: str, problem: str) -> None:
        """`problem` completes the sentence that begins with the variable's name."""
        super().__init__(f"{variable} {problem}")
        self.variable = variable
        self.problem = problem


class ApiKeyNotConfigured(ApiError):
    """Closed until its owner sets a key: without one nobody gets in."""

    status = 503
    code = "api_key_not_configured"
    should_retry = False


class InternalError(ApiError):
    """A bug of ours, told apart from everything else by the request id alone."""

    should_retry = True
