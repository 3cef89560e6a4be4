"""All errors that the service returns, as rows, with the responses and the table made from them."""

from dataclasses import dataclass
from typing import Any

from flux import upstream
from flux.call import RATE_LIMIT_SECONDS
from flux.endpoints import pictures
from flux.errors import (
    ApiError,
    ApiKeyNotConfigured,
    BudgetExceeded,
    BudgetUnavailable,
    InternalError,
    InvalidApiKey,
    InvalidConfiguration,
    InvalidJson,
    InvalidRequest,
    MethodNotAllowed,
    MissingParameter,
    ModelNotFound,
    NotFound,
    PictureExpired,
    PreviousResponseNotFound,
    RateLimitExceeded,
    StorageUnavailable,
    UnsupportedModel,
)
from flux.fields import RANGES
from flux.http import body_timeout, text_too_large
from flux.text import MAX_DEPTH

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One error."""

    error: ApiError
    """An example. Its class defines status, type, code and the advice on retries."""
    when: str


def _upstream(code: int) -> ApiError:
    """The error for a code of Workers AI. `Retry-After` is computed at run time, so any number will do here."""
    kind, message = upstream.BY_CODE[code]
    waits = upstream.failure("", code=code).retry_after is not None
    return kind(message, retry_after=upstream.RETRY_AFTER if waits else None)


ROWS = {
    row.error.code: row
    for row in (
        Row(
            InvalidJson("The body is not valid JSON (line 1)."),
            f"The body is not a JSON object, or is nested deeper than {MAX_DEPTH} levels.",
        ),
        Row(
            MissingParameter("Send a 'prompt' that says what to draw.", param="prompt"),
            "`messages`, the prompt, or the picture of an edit is missing or empty.",
        ),
        Row(
            InvalidRequest("'n' must be a whole number from {} to {}.".format(*RANGES["n"]), param="n"),
            "A field has the wrong type, is out of range, or holds a picture that cannot be read.",
        ),
        Row(
            UnsupportedModel(
                "@cf/black-forest-labs/flux-1-schnell takes no pictures. These do: @cf/black-forest-labs/flux-2-dev, "
                "@cf/black-forest-labs/flux-2-klein-4b, @cf/black-forest-labs/flux-2-klein-9b.",
                param="model",
            ),
            "An edit is asked of a model that takes no pictures.",
        ),
        Row(
            PreviousResponseNotFound(
                "This is not the id of a response of this service. Send the conversation as 'input'.",
                param="previous_response_id",
            ),
            "The response that is to be continued is not of this service, or its picture has expired.",
        ),
        Row(_upstream(3030), "The safety filter refused the prompt. It always refuses the same words."),
        Row(
            InvalidApiKey("Wrong or missing API key. Send it as 'Authorization: Bearer KEY'."),
            "The key is wrong or missing.",
        ),
        Row(
            NotFound("There is no such picture."),
            "There never was such a picture, or there is nothing at this path.",
        ),
        Row(PictureExpired(pictures.EXPIRED), "The picture's time is over."),
        Row(
            ModelNotFound("There is no model 'sora' here. GET /v1/models lists those there are.", param="model"),
            "The model that is asked for is not served here. In a chat or a response only one of another maker causes "
            "this, which the owner has not enabled (`PARTNER_MODELS`): other names mean the default model.",
        ),
        Row(MethodNotAllowed("Use one of: POST, OPTIONS."), "The path exists, for other methods: see `Allow`."),
        Row(body_timeout(), "The body did not come to its end."),
        Row(
            text_too_large(),
            "The body is over its limit.",
        ),
        Row(
            RateLimitExceeded(
                "Too many pictures in a short time for this key. Wait a minute and try again.",
                retry_after=RATE_LIMIT_SECONDS,
            ),
            "This key asked for too many pictures in a minute.",
        ),
        Row(
            BudgetExceeded(
                "Today's budget of this service is used up: nothing is left. It resets at 00:00 UTC.",
                retry_after=21_600,
            ),
            "The deployment's budget of the day, or that of this key, is used up until 00:00 UTC.",
        ),
        Row(_upstream(3036), "The account's allowance of Workers AI is used up until 00:00 UTC."),
        Row(
            InvalidConfiguration("FLUX_NUM_STEPS", "must be a whole number from {} to {}.".format(*RANGES["steps"])),
            "A variable of the deployment is wrong; the message names it. For its owner.",
        ),
        Row(
            InternalError(
                "Something went wrong on our side. Give the service's owner the request id 3f0c1d2e4b5a69788796a5b4."
            ),
            "A bug of the service.",
        ),
        Row(upstream.no_picture(""), "The model failed, or answered with something that is no picture."),
        Row(_upstream(3041), "The deployment's Cloudflare account or token may not use the model. For its owner."),
        Row(_upstream(3040), "The model is out of capacity or did not answer in time, after our own retries."),
        Row(
            ApiKeyNotConfigured(
                "This deployment has no API key yet. Its owner sets one with: npx wrangler secret put API_KEY"
            ),
            "The deployment has no key yet, so it lets nobody in.",
        ),
        Row(
            StorageUnavailable.because(""),
            "The store of pictures did not answer; the picture may well exist.",
        ),
        Row(BudgetUnavailable.because(""), "There is a budget, and the ledger that counts it did not answer."),
    )
}
"""By code. Within each kind they are ordered by status."""

_MAY_RETRY = {None: "", True: "`true`, on a retry `false`", False: "`false`"}


def table() -> str:
    """All errors as a Markdown table."""
    lines = [
        f"| {row.error.status} | `{row.error.code}` | {'yes' if row.error.retry_after else ''} "
        f"| {_MAY_RETRY[row.error.should_retry]} | {row.when} |"
        for row in ROWS.values()
    ]
    return "\n".join(
        ("| Status | `code` | `Retry-After` | `x-should-retry` | When |", "| --- | --- | --- | --- | --- |", *lines)
    )


KEY = "q6Zf2m0XgYw1cT8dB4hJ7A-1vuhmo0.jpg"
"""The key of a picture."""

# --- headers and responses ------------------------------------------------------------------------

HEADERS: Json = {
    "x-request-id": {
        "description": "Names this request in the deployment's log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
        "example": "3f0c1d2e4b5a69788796a5b4",
    },
    "server-timing": {
        "description": "Milliseconds of each step and of the whole (W3C Server Timing). Streams open too early for it.",
        "schema": {"type": "string"},
        "example": "draw;dur=1012, keep;dur=35, total;dur=1050",
    },
    "x-cost-neurons": {
        "description": "Neurons that the answer cost by the price list. Absent where no price is published; "
        "streams that opened before the picture was there tell it in their `usage`.",
        "schema": {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"},
        "example": "57.6",
    },
    "x-cost-dollars": {
        "description": "The same in dollars, at $0.011 for 1,000 neurons or the price of a model of another maker.",
        "schema": {"type": "string", "pattern": r"^\d+(\.\d{1,6})?$"},
        "example": "0.000634",
    },
    "x-budget-remaining-neurons": {
        "description": "What is left of the budget that ends first, where one is set.",
        "schema": {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"},
        "example": "8809.6",
    },
    "retry-after": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
        "example": upstream.RETRY_AFTER,
    },
    "x-should-retry": {
        "description": "Whether to send the request once more; OpenAI's SDKs obey it. A request that says it is a "
        "retry (`x-stainless-retry-count`) is told `false`, since each try may cost a picture.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "www-authenticate": {
        "description": "The scheme to use (RFC 9110, 11.6.1).",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "etag": {
        "description": "Strong; the picture behind a key never changes.",
        "required": True,
        "schema": {"type": "string"},
        "example": f'"{KEY}"',
    },
    "cache-control": {
        "description": "`max-age` is what is left of the picture's life.",
        "required": True,
        "schema": {"type": "string"},
        "example": "public, max-age=1800, must-revalidate, immutable",
    },
    "content-disposition": {
        "description": "`inline`, with `?download` `attachment`; with a file name.",
        "required": True,
        "schema": {"type": "string"},
        "example": f'inline; filename="{KEY}"',
    },
    "content-length": {"description": "Bytes.", "required": True, "schema": {"type": "integer", "minimum": 1}},
}


def headers(*names: str) -> Json:
    """References to headers for a response."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("x-request-id", *names)}


def _response(description: str, *codes: str) -> Json:
    errors = [ROWS[code].error for code in codes]
    extra = ["server-timing"]
    if any(error.retry_after for error in errors):
        extra.append("retry-after")
    if any(error.should_retry is not None for error in errors):
        extra.append("x-should-retry")
    if InvalidApiKey.code in codes:
        extra.append("www-authenticate")
    narrowed = {"properties": {"error": {"properties": {"code": {"enum": list(codes)}}}}}
    return {
        "description": description,
        "headers": headers(*extra),
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error", **narrowed},
                "examples": {error.code: {"value": error.body()} for error in errors},
            }
        },
    }


RESPONSES: Json = {
    "Invalid": _response(
        "The request cannot be followed; `param` names the field, the message says what to send.",
        "invalid_json",
        "invalid_value",
        "missing_required_parameter",
        "unsupported_model",
        "previous_response_not_found",
        "content_policy_violation",
    ),
    "Unauthorized": _response("No valid API key.", "invalid_api_key"),
    "UnknownModel": _response("There is no such model here.", "model_not_found"),
    "TooSlow": _response("The body did not come to its end.", "request_timeout"),
    "TooLarge": _response("The body is over its limit.", "request_too_large"),
    "TooMany": _response(
        "Too much was asked for: by this key in a minute, of the budget, or of the account today.",
        "rate_limit_exceeded",
        "budget_exceeded",
        "insufficient_quota",
    ),
    "ServerError": _response("A bug of the service.", "internal_error"),
    "Misconfigured": _response(
        "A variable of the deployment is wrong, or a bug of the service.", "invalid_configuration", "internal_error"
    ),
    "UpstreamFailed": _response(
        "Workers AI failed in a way that waiting does not mend.", "upstream_error", "upstream_not_authorized"
    ),
    "Overloaded": _response(
        "The model is busy, the store of pictures or the ledger did not answer, or the deployment has no API key yet.",
        "model_overloaded",
        "storage_unavailable",
        "budget_unavailable",
        "api_key_not_configured",
    ),
    "Closed": _response("The deployment has no API key yet.", "api_key_not_configured"),
    "LedgerUnavailable": _response(
        "The ledger did not answer, or the deployment has no API key yet.",
        "budget_unavailable",
        "api_key_not_configured",
    ),
    "StorageUnavailable": _response("The store of pictures did not answer.", "storage_unavailable"),
}


def drawing() -> Json:
    """The errors of every operation that draws."""
    names = {
        "400": "Invalid",
        "401": "Unauthorized",
        "404": "UnknownModel",
        "408": "TooSlow",
        "413": "TooLarge",
        "429": "TooMany",
        "500": "Misconfigured",
        "502": "UpstreamFailed",
        "503": "Overloaded",
    }
    return references(names)


def protected() -> Json:
    """The errors of every operation that needs a key."""
    return references({"401": "Unauthorized", "500": "Misconfigured", "503": "Closed"})


def references(names: dict[str, str]) -> Json:
    """Responses by status, as references to components."""
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
