"""Workers AI's failures -> ours, as a table.

Codes: developers.cloudflare.com/workers-ai/platform/errors, and those that are only seen live
(3030, 8007, 4006, 5006, 10000). A failure's own text goes into the log, never to the caller.
"""

import re
import time

from flux.errors import (
    InsufficientQuota,
    ModelOverloaded,
    PromptRefused,
    UpstreamFailure,
    UpstreamNotAuthorized,
    UpstreamRefusal,
)

RETRY_AFTER = 10
"""Seconds a caller is told to wait when the model is out of capacity."""

_REFUSED = (
    PromptRefused,
    (
        "The safety filter refused this prompt. It reads the words alone and can be wrong about harmless ones: "
        "say it differently."
    ),
)
_BUSY = (ModelOverloaded, "The model is out of capacity. Try again in some seconds.")
_SLOW = (ModelOverloaded, "The model did not answer in time. Try again in some seconds.")
_SPENT = (
    InsufficientQuota,
    "This service's allowance of Workers AI for today is used up. It starts afresh at 00:00 UTC.",
)
_FORBIDDEN = (
    UpstreamNotAuthorized,
    (
        "This service's Cloudflare account or token may not use the model. Its owner has to look at the account, "
        "its plan and CF_API_TOKEN."
    ),
)
_GONE = (
    UpstreamRefusal,
    "Workers AI does not serve this model any more. Choose another one from GET /v1/models.",
)
_TOO_LARGE = (UpstreamRefusal, "The model refused the pictures as too large. Send smaller ones.")
_UNKNOWN = (UpstreamFailure, "The model failed. Try once more, or choose another model.")
_MISUNDERSTOOD = (UpstreamRefusal, "The model refused the request. Choose another model, or tell us the request id.")
_NO_PICTURE = "The model's answer was no picture. Try once more, or choose another model."

FILTER = 3030

BY_CODE: dict[int, tuple[type[UpstreamFailure], str]] = {
    FILTER: _REFUSED,
    8007: _REFUSED,
    3040: _BUSY,
    3007: _SLOW,
    3008: _SLOW,
    3036: _SPENT,
    4006: _SPENT,
    3023: _FORBIDDEN,
    3041: _FORBIDDEN,
    5016: _FORBIDDEN,
    5018: _FORBIDDEN,
    5035: _FORBIDDEN,
    10000: _FORBIDDEN,  # the REST API's "Authentication error"
    5007: _GONE,
    3042: _GONE,
    3006: _TOO_LARGE,
    3003: _MISUNDERSTOOD,
    5004: _MISUNDERSTOOD,
    5006: _MISUNDERSTOOD,
}
BY_STATUS = {401: _FORBIDDEN, 403: _FORBIDDEN, 408: _SLOW, 429: _BUSY, 503: _BUSY, 504: _SLOW}
"""By HTTP status, for an answer of the REST API that has no code we know."""
BY_TEXT = (("network connection lost", _BUSY), ("nsfw", _REFUSED))
"""By what the runtime or the model says where there is no code at all."""
NOT_THE_FILTER = ("input is not valid", "sequence too long")
"""What 3030 says of a request instead of its prompt: the code stands for more than the filter."""

_CODE = re.compile(r"\b(\d{4,5})\s*:")


def failure(text: str, *, code: int = 0, status: int = 0) -> UpstreamFailure:
    """The failure that upstream's text means; `code` and `status` where the answer tells them."""
    codes = [code] if code else [int(found) for found in _CODE.findall(text[:500])]
    known = next((one for one in codes if one in BY_CODE), 0)
    kind, message = _UNKNOWN
    if known == FILTER and any(words in text.lower() for words in NOT_THE_FILTER):
        kind, message = _MISUNDERSTOOD
    elif known:
        kind, message = BY_CODE[known]
    elif status in BY_STATUS:
        kind, message = BY_STATUS[status]
    else:
        for words, row in BY_TEXT:
            if words in text.lower():
                kind, message = row
                break
    return kind(
        message,
        upstream_code=known or next(iter(codes), 0),
        retry_after=_retry_after(kind),
        detail=text[:500],
    )


def no_picture(what: str) -> UpstreamFailure:
    """The failure of a model that answered with something else; `what` it was, for the log."""
    return UpstreamFailure(_NO_PICTURE, detail=what)


def timed_out() -> ModelOverloaded:
    """The failure of a model that did not answer within our own patience."""
    return ModelOverloaded(_SLOW[1], retry_after=RETRY_AFTER, detail="time-out")


def _retry_after(kind: type[UpstreamFailure]) -> int | None:
    if kind is InsufficientQuota:
        return 86_400 - int(time.time()) % 86_400
    return RETRY_AFTER if kind is ModelOverloaded else None
