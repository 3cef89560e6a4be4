"""Maps failures of AI Gateway and its providers to our errors, before the tables of Workers AI are tried.

The rows are documented (developers.cloudflare.com/ai-gateway), or marked "seen" if other clients reported them.
Failures that nobody has published have no row; they are reported as unknown.
"""

from flux import upstream
from flux.errors import UpstreamFailure, UpstreamNotAuthorized, UpstreamRefusal
from flux.upstream import BUSY, MISUNDERSTOOD, SLOW, UNKNOWN, Row, Rows, compiled

_NO_CREDITS: Row = (
    UpstreamNotAuthorized,
    (
        "This service's AI Gateway credits do not pay for the model. The service's owner should check the credits "
        "and the payment method in Cloudflare's dashboard."
    ),
)
_NO_KEY: Row = (
    UpstreamNotAuthorized,
    (
        "The model's provider refused this service's credentials. The service's owner should check the AI Gateway, its "
        "provider keys and CF_API_TOKEN."
    ),
)
_NO_GATEWAY: Row = (
    UpstreamNotAuthorized,
    (
        "Cloudflare does not find this service's AI Gateway. The service's owner should check AI_GATEWAY_ID and the "
        "gateways in Cloudflare's dashboard."
    ),
)
_NO_MODEL: Row = (
    UpstreamRefusal,
    "Cloudflare no longer offers this model. Choose another one from GET /v1/models.",
)

ROWS = Rows(
    by_code={
        **upstream.WORKERS_AI.by_code,
        402: _NO_CREDITS,
        429: BUSY,
        2001: _NO_GATEWAY,  # "Please configure AI Gateway in the Cloudflare dashboard": seen
        2009: _NO_KEY,
        5007: _NO_MODEL,
        7003: MISUNDERSTOOD,  # seen with inputs that a model does not take
    },
    by_text=(
        *compiled(
            (r"provider_unavailable|provider (is )?(currently )?unavailable", BUSY),
            (r"payment (error|required)|insufficient (credit|balance)|^\W*402\b", _NO_CREDITS),
            (r"configure ai gateway|gateway (was )?not found|no such gateway", _NO_GATEWAY),
            (r"too many requests|rate limit", BUSY),
            (r"user input error", MISUNDERSTOOD),
        ),
        *upstream.WORKERS_AI.by_text,
    ),
    by_status={
        **upstream.WORKERS_AI.by_status,
        400: MISUNDERSTOOD,
        401: _NO_KEY,
        402: _NO_CREDITS,
        403: _NO_KEY,
        404: _NO_MODEL,
        429: BUSY,
        503: UNKNOWN,
        504: SLOW,
    },
)


def failure(text: str, *, code: int = 0, status: int = 0) -> UpstreamFailure:
    """Like `upstream.failure`."""
    return upstream.failure(text, code=code, status=status, rows=ROWS)


def of_state(state: str, code: str, message: str) -> UpstreamFailure:
    """The failure in an answer whose state is not "Completed": `{state, error: {code, message}}`."""
    return failure(f"{state} {code}: {message}")
