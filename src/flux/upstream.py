"""Maps Workers AI's failures to our errors, as tables.

The codes are from developers.cloudflare.com/workers-ai/platform/errors, and from published answers of the live service.
A failure's own text goes into the log, never to the caller.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from flux.errors import (
    InsufficientQuota,
    ModelOverloaded,
    ModelUnheard,
    OutputFlagged,
    PromptRefused,
    UpstreamFailure,
    UpstreamNotAuthorized,
    UpstreamRefusal,
)
from flux.ledger import seconds_left

RETRY_AFTER = 10
"""How long callers should wait if the model is out of capacity, in seconds."""

Row = tuple[type[UpstreamFailure], str]
"""An error class and the message for the caller."""

_REFUSED: Row = (
    PromptRefused,
    "The safety filter refused this prompt. It can be wrong about harmless words: rephrase the prompt.",
)
_FLAGGED: Row = (
    OutputFlagged,
    (
        "The safety filter refused the picture that was drawn. It judges the prompt together with the pictures that "
        "were sent: change the prompt, or send other pictures."
    ),
)
BUSY: Row = (ModelOverloaded, "The model is out of capacity. Try again in a few seconds.")
SLOW: Row = (ModelUnheard, "The model did not answer in time. Try again in a few seconds.")
_LOST: Row = (ModelUnheard, BUSY[1])
_SPENT: Row = (
    InsufficientQuota,
    "This service's daily allowance of Workers AI is used up. It resets at 00:00 UTC.",
)
_FORBIDDEN: Row = (
    UpstreamNotAuthorized,
    (
        "This service's Cloudflare account or API token is not allowed to use the model. The service's owner should "
        "check the account, its plan and CF_API_TOKEN."
    ),
)
_WRONG_ACCOUNT: Row = (
    UpstreamNotAuthorized,
    "Cloudflare does not find this service's account. The service's owner should check CF_ACCOUNT_ID.",
)
_GONE: Row = (
    UpstreamRefusal,
    "Workers AI no longer serves this model. Choose another one from GET /v1/models.",
)
_TOO_LARGE: Row = (UpstreamRefusal, "The model refused the pictures as too large. Send smaller ones.")
_TOO_LONG: Row = (
    UpstreamRefusal,
    "The prompt is too long for this model. Shorten it, or choose another model.",
)
MISUNDERSTOOD: Row = (
    UpstreamRefusal,
    (
        "The model refused the request. Choose another model. If that does not help, give the service's owner the "
        "request id."
    ),
)
UNKNOWN: Row = (UpstreamFailure, "The model failed. Try once more, or choose another model.")
_NO_PICTURE = "The model did not return a picture. Try once more, or choose another model."

BY_CODE: dict[int, Row] = {
    # Documented.
    3003: MISUNDERSTOOD,  # the request is incomplete
    3006: _TOO_LARGE,
    3007: SLOW,
    3008: SLOW,
    3023: _FORBIDDEN,
    3036: _SPENT,
    3039: MISUNDERSTOOD,  # files of a fine-tuned model are missing
    3040: BUSY,
    3041: _FORBIDDEN,
    3042: _GONE,
    5004: MISUNDERSTOOD,  # base64 of a wrong type
    5005: MISUNDERSTOOD,  # no LoRA with this model
    5007: _GONE,
    5016: _FORBIDDEN,
    5018: _FORBIDDEN,
    5019: MISUNDERSTOOD,  # "deprecated SDK version"
    5035: _FORBIDDEN,
    # Seen in live answers.
    3005: UNKNOWN,  # "Internal server error"
    3010: MISUNDERSTOOD,  # "Invalid or incomplete input for the model"
    3030: _REFUSED,  # the filter of the older models
    3043: UNKNOWN,  # "Internal server error"
    3046: SLOW,  # "Request timeout", with status 408
    4006: _SPENT,  # sent by the live service in place of the documented 3036
    5006: MISUNDERSTOOD,  # does not match the model's schema
    5012: MISUNDERSTOOD,  # "Request body failed validation", with status 422
    5021: _TOO_LONG,  # "exceeded context window limit"
    5028: _GONE,  # "This model was deprecated on ..."
    8001: MISUNDERSTOOD,  # always sent for a form through AI Gateway
    8004: UNKNOWN,  # "Internal server error"
    8007: MISUNDERSTOOD,  # "BadRequestError" of the inference server, also for its safety filter
    # From Cloudflare's API in front of Workers AI.
    2009: _FORBIDDEN,  # AI Gateway's "Unauthorized"
    6003: _FORBIDDEN,  # "Invalid request headers": a token that is malformed
    6111: _FORBIDDEN,  # "Invalid format for Authorization header"
    7000: _WRONG_ACCOUNT,  # "No route for that URI"
    7003: _WRONG_ACCOUNT,  # "Could not route to ..., perhaps your object identifier is invalid?"
    9106: _FORBIDDEN,  # "Authentication failed", with status 400
    9107: _FORBIDDEN,
    9109: _FORBIDDEN,  # "Unauthorized to access requested resource"
    10000: _FORBIDDEN,  # "Authentication error"
}


def compiled(*rows: tuple[str, Row]) -> "Texts":
    """Compiled patterns, each with its row."""
    return tuple((re.compile(words, re.DOTALL), row) for words, row in rows)


Texts = tuple[tuple[re.Pattern[str], Row], ...]
BY_TEXT: Texts = compiled(
    # "Your output has been flagged. Please choose another prompt / input image combination", of FLUX.2.
    (r"\b(output|generated)\b.*(nsfw|flagged|moderation)|input image combination", _FLAGGED),
    (r"nsfw|flagged|moderation", _REFUSED),
    (r"context length|context window|sequence too long", _TOO_LONG),
    (r"validation error|input is not valid", MISUNDERSTOOD),
    (r"no route for that uri|could not route to", _WRONG_ACCOUNT),
    (r"daily free allocation", _SPENT),
    (r"network connection lost", _LOST),
)
"""By the lower-case text of the model or the runtime, if there is no known code. The first match counts."""
SEVERAL_MEANINGS = (3030, 7003, 8007)
"""Codes with more than one meaning: their text is checked first."""
BY_STATUS: dict[int, Row] = {
    401: _FORBIDDEN,
    403: _FORBIDDEN,
    408: SLOW,
    410: _GONE,
    413: _TOO_LARGE,
    429: BUSY,
    503: _LOST,
    504: SLOW,
}
"""By HTTP status, if the REST API's answer has nothing else that is known."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The tables for one service."""

    by_code: Mapping[int, Row]
    by_text: Texts
    by_status: Mapping[int, Row]


WORKERS_AI = Rows(BY_CODE, BY_TEXT, BY_STATUS)

_CODE = re.compile(r"\b(\d{4,5})\s*:")
MAX_DETAIL = 500
"""Most characters of a failure's text that are examined and logged."""


def failure(text: str, *, code: int = 0, status: int = 0, rows: Rows = WORKERS_AI) -> UpstreamFailure:
    """The error for a text from upstream; `code` and `status` are given if the answer contains them."""
    text = text[:MAX_DETAIL]
    codes = [code] if code else [int(found) for found in _CODE.findall(text)]
    known = next((one for one in codes if one in rows.by_code), 0)
    kind, message = _row(text, known, status, rows)
    return kind(
        message,
        upstream_code=known or next(iter(codes), 0),
        retry_after=_retry_after(kind),
        detail=text,
    )


def _row(text: str, code: int, status: int, rows: Rows) -> Row:
    if not code or code in SEVERAL_MEANINGS:
        said = text.lower()
        is_page = said.lstrip().startswith("<")  # from a proxy: its text says nothing about the model
        for words, row in () if is_page else rows.by_text:
            if words.search(said):
                return row
    return rows.by_code.get(code) or rows.by_status.get(status) or UNKNOWN


def no_picture(what: str) -> UpstreamFailure:
    """The error for an answer without a picture. `what` describes the answer, for the log."""
    return UpstreamFailure(_NO_PICTURE, detail=what)


def timed_out() -> ModelUnheard:
    """The error for a model that did not answer within our time limit."""
    return ModelUnheard(SLOW[1], retry_after=RETRY_AFTER, detail="time-out")


def _retry_after(kind: type[UpstreamFailure]) -> int | None:
    if kind is InsufficientQuota:
        return seconds_left(time.time())
    return RETRY_AFTER if issubclass(kind, ModelOverloaded) else None
