"""All faults in one table: what fails, what the caller sees, what is stored, and which models are called.

tests/faults/document.py makes docs/faults.md from it, and test_matrix.py checks the running Worker against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flux.words import LANGUAGES

WORDS = LANGUAGES["en"]
CHAT, GENERATIONS, RESPONSES = "/v1/chat/completions", "/v1/images/generations", "/v1/responses"
MCP = "/mcp"
"""The tool `draw`. A case with `stream` is a host that wants progress notifications."""

BINDING, REST, SPARE = "binding", "rest", "spare+images"
"""The deployments: with the `AI` binding; with the REST API and an external writer; with a fallback model and a broken
`IMAGES`."""

PUBLIC_URL = "https://pictures.example"
"""The setting of the REST deployment."""

LATE = "[[delay 1500ms]]"
"""Makes a failure happen after the stream has opened: half a second after the grace period."""


@dataclass(frozen=True)
class Refusal:
    """An error, sent as a status before the stream opens and inside the stream afterwards."""

    status: int
    code: str
    should_retry: bool | None = None
    retry_after: str = ""
    """"seconds", "midnight" (the seconds until 00:00 UTC) or "" for none."""

    def __str__(self) -> str:
        after = {"seconds": ", `Retry-After`", "midnight": ", `Retry-After` until 00:00 UTC", "": ""}[self.retry_after]
        retry = {True: ", retry", False: ", no retry", None: ""}[self.should_retry]
        return f"{self.status} `{self.code}`{after}{retry}"


@dataclass(frozen=True)
class InBand:
    """The same after the stream has opened: a sentence, the error, the end. The Responses API has an event for it."""

    code: str

    def __str__(self) -> str:
        return f"in band: a sentence, `{self.code}`, `[DONE]`"


@dataclass(frozen=True)
class Drawn:
    """A picture in spite of the fault."""

    carried: bool = False
    """Whether it is in the answer itself, as a data URL, instead of behind a link."""
    says: str = ""
    """A sentence that the answer contains."""
    size: str = "1024x1024"
    model: str = "flux-1-schnell"
    told: str = ""
    """Its description in the table."""

    def __str__(self) -> str:
        return f"200, {self.told}"


@dataclass(frozen=True)
class ToolError:
    """A tool result that explains the error to the calling model, streamed or not."""

    says: str

    def __str__(self) -> str:
        return f'200, `isError`: "{self.says}"'


@dataclass(frozen=True)
class Left:
    """The caller has left; the work has ended."""

    def __str__(self) -> str:
        return "nobody is there; the log says 499"


@dataclass(frozen=True)
class Fetched:
    """A picture was drawn, and `GET /image/{key}` has this result."""

    refusal: Refusal | None

    def __str__(self) -> str:
        return f"{self.refusal} at its link" if self.refusal else "a transfer that breaks off, never a whole answer"


@dataclass(frozen=True)
class Case:
    """One fault at one stage."""

    name: str
    seen: Refusal | InBand | Drawn | ToolError | Left | Fetched
    calls: tuple[str, ...] = ("ok",)
    """The outcomes of the model calls, in order; "?" is any outcome."""
    marks: str = ""
    """Marks that cause the fault (dev/ai/README.md, tests/outside.js)."""
    stored: int | None = 0
    """Pictures in KV; None if that depends on timing."""
    deployment: str = BINDING
    path: str = CHAT
    fields: Mapping[str, object] = field(default_factory=dict)
    leaves: str = ""
    """When the caller leaves: during the "upload", when a model is "called" or has "answered", or when the stream has
    "opened" or delivered a "picture"."""


# --- Workers AI, fault by fault -------------------------------------------------------------------

FILTERED = Refusal(400, "content_policy_violation", should_retry=False)
BUSY = Refusal(503, "model_overloaded", should_retry=True, retry_after="seconds")
SPENT = Refusal(429, "insufficient_quota", should_retry=False, retry_after="midnight")
FORBIDDEN = Refusal(502, "upstream_not_authorized", should_retry=False)
HOPELESS = Refusal(502, "upstream_error", should_retry=False)
BROKEN = Refusal(502, "upstream_error", should_retry=True)


@dataclass(frozen=True)
class Fault:
    """One kind of failure of Workers AI."""

    name: str
    marks: str
    refusal: Refusal
    calls: tuple[str, ...]


def _code(code: int, name: str, refusal: Refusal) -> Fault:
    return Fault(f"{code} {name}", f"[[fault {code}]]", refusal, (str(code),) * (3 if refusal is BUSY else 1))


FLAGGED = "Your output has been flagged. Please choose another prompt / input image combination"
"""The filter's message about a drawn picture, not about the prompt. The picture is then drawn once more."""

FAULTS = (
    _code(3030, "safety filter", FILTERED),
    _code(8007, "safety filter", FILTERED),
    Fault(
        "3030, the picture was flagged",
        f"[[fault 3030: {FLAGGED}]]",
        FILTERED,
        ("3030", "3030"),
    ),
    Fault("3030, the request is not valid", "[[fault 3030: Input is not valid]]", HOPELESS, ("3030",)),
    Fault(
        "8007, the prompt is too long", "[[fault 8007: This model's maximum context length is 77]]", HOPELESS, ("8007",)
    ),
    Fault("8007, the request is not valid", "[[fault 8007: 400 Bad Request validation errors]]", HOPELESS, ("8007",)),
    Fault("no code, NSFW in the text", "[[fault text The prompt contains NSFW content]]", FILTERED, ("text",)),
    Fault("no code, moderation in the text", "[[fault text The request failed moderation]]", FILTERED, ("text",)),
    _code(3040, "out of capacity", BUSY),
    _code(3007, "time-out", BUSY),
    _code(3008, "aborted", BUSY),
    _code(3046, "time-out", BUSY),
    Fault("no code, connection lost", "[[fault text Network connection lost.]]", BUSY, ("text",) * 3),
    _code(3036, "daily allowance", SPENT),
    _code(4006, "daily allowance", SPENT),
    _code(3023, "account not served", FORBIDDEN),
    _code(3041, "model not allowed", FORBIDDEN),
    _code(5016, "terms not agreed to", FORBIDDEN),
    _code(5018, "model not allowed", FORBIDDEN),
    _code(5035, "not on the free plan", FORBIDDEN),
    _code(7000, "wrong account", FORBIDDEN),
    _code(7003, "wrong account", FORBIDDEN),
    _code(9109, "token not allowed", FORBIDDEN),
    _code(5007, "no such model", HOPELESS),
    _code(5028, "model withdrawn", HOPELESS),
    _code(3042, "model name invalid", HOPELESS),
    _code(3003, "request incomplete", HOPELESS),
    _code(3006, "request too large", HOPELESS),
    _code(5004, "bad base64", HOPELESS),
    _code(5006, "inputs against the schema", HOPELESS),
    _code(3010, "input incomplete", HOPELESS),
    _code(3039, "fine-tune incomplete", HOPELESS),
    _code(5005, "no LoRA", HOPELESS),
    _code(5012, "body not valid", HOPELESS),
    _code(5019, "SDK too old", HOPELESS),
    _code(5021, "prompt too long", HOPELESS),
    _code(8001, "invalid input", HOPELESS),
    _code(3005, "inference server fault", BROKEN),
    _code(3043, "internal error", BROKEN),
    _code(8004, "internal error", BROKEN),
    Fault("no code, unknown text", "[[fault text upstream connect error]]", BROKEN, ("text",)),
    Fault("an empty object", "[[answer empty]]", BROKEN, ("ok",)),
    Fault("an empty picture", "[[answer blank]]", BROKEN, ("ok",)),
    Fault("null", "[[answer null]]", BROKEN, ("ok",)),
    Fault("a number", "[[answer number]]", BROKEN, ("ok",)),
    Fault("no base64", "[[answer garbage]]", BROKEN, ("ok",)),
    Fault("HTML in place of the picture", "[[answer html]]", BROKEN, ("ok",)),
    Fault("half of a picture", "[[answer truncated]]", BROKEN, ("ok",)),
    Fault("a page of HTML with status 500", "[[http 500]]", BROKEN, ("http",)),
    Fault("a hang", "[[hang]]", BUSY, ("aborted",)),
)


def _upstream() -> list[Case]:
    cases = []
    for fault in FAULTS:
        plain = Case(fault.name, fault.refusal, fault.calls, fault.marks)
        cases += [
            plain,
            replace(plain, name=f"{fault.name}, REST API", deployment=REST, path=GENERATIONS),
            replace(
                plain,
                name=f"{fault.name}, after the stream opened",
                seen=InBand(fault.refusal.code),
                marks=f"{LATE} {fault.marks}",
                fields={"stream": True},
            ),
            replace(plain, name=f"{fault.name}, Responses API", path=RESPONSES),
        ]
    return cases


UPSTREAM = tuple(_upstream())

_STREAM = {"stream": True}
HANGS = "the model hangs, its fallback draws"
RETRIED = (
    Case(
        "out of capacity twice, then not",
        Drawn(told="a picture"),
        ("3040", "3040", "ok"),
        "[[fault 3040 x2]]",
        stored=1,
    ),
    Case(
        "out of capacity once, in a stream",
        Drawn(told="a picture"),
        ("3040", "ok"),
        "[[fault 3040 x1]]",
        stored=1,
        fields=_STREAM,
    ),
    Case(
        "a failure within the grace of a stream",
        FILTERED,
        ("3030",),
        "[[fault 3030]]",
        fields=_STREAM,
    ),
    Case(
        "a failure within the grace of an images stream",
        SPENT,
        ("3036",),
        "[[fault 3036]]",
        path=GENERATIONS,
        fields=_STREAM,
    ),
    Case(
        "a failure after an images stream opened",
        InBand("insufficient_quota"),
        ("3036",),
        f"{LATE} [[fault 3036]]",
        path=GENERATIONS,
        fields=_STREAM,
    ),
    Case(
        "out of capacity after an images stream opened",
        InBand("model_overloaded"),
        ("3040",) * 3,
        f"{LATE} [[fault 3040]]",
        path=GENERATIONS,
        fields=_STREAM,
    ),
    Case(
        "a failure within the grace of a response's stream",
        SPENT,
        ("3036",),
        "[[fault 3036]]",
        path=RESPONSES,
        fields=_STREAM,
    ),
    Case(
        "a failure after a response's stream opened",
        InBand("insufficient_quota"),
        ("3036",),
        f"{LATE} [[fault 3036]]",
        path=RESPONSES,
        fields=_STREAM,
    ),
    Case(
        "out of capacity once, in a response's stream",
        Drawn(told="a picture"),
        ("3040", "ok"),
        "[[fault 3040 x1]]",
        stored=1,
        path=RESPONSES,
        fields=_STREAM,
    ),
    Case(
        "the picture was flagged, drawn again it is not",
        Drawn(told="a picture"),
        ("3030", "ok"),
        f"[[fault 3030 x1: {FLAGGED}]]",
        stored=1,
    ),
    Case(
        "one of two pictures fails",
        Drawn(says="1 of 2 pictures could not be drawn", told="the other one, and `warnings` say what failed"),
        ("?", "?"),
        "[[fault 3005 x1]]",
        stored=1,
        path=GENERATIONS,
        fields={"n": 2},
    ),
    Case(
        "one of two pictures fails, in an images stream",
        Drawn(says="1 of 2 pictures could not be drawn", told="the other one, and `warnings` say what failed"),
        ("?", "?"),
        f"{LATE} [[fault 3005 x1]]",
        stored=1,
        path=GENERATIONS,
        fields={"n": 2, "stream": True},
    ),
    Case(
        "one of two pictures of a chat fails",
        Drawn(says="1 of 2 pictures could not be drawn", told="the other one, and a line says what failed"),
        ("?", "?"),
        "[[fault 3005 x1]] --n 2",
        stored=1,
    ),
    Case(
        "one of two pictures of a response fails",
        Drawn(says="1 of 2 pictures could not be drawn", told="the other one, and an item with the status `failed`"),
        ("?", "?"),
        "[[fault 3005 x1]] --n 2",
        stored=None,
        path=RESPONSES,
    ),
    Case("both of two pictures fail", BROKEN, ("3005", "3005"), "[[fault 3005]]", path=GENERATIONS, fields={"n": 2}),
    Case(
        "the model is full, its fallback is not",
        Drawn(model="lucid-origin", told="a picture by the fallback, which the answer names"),
        ("3040", "ok"),
        "[[fault 3040 on flux-1-schnell]]",
        stored=1,
        deployment=SPARE,
    ),
    Case("the model and its fallback are full", BUSY, ("3040",) * 4, "[[fault 3040]]", deployment=SPARE),
    Case(
        HANGS,
        Drawn(model="lucid-origin", told="a picture by the fallback; the first call is stopped"),
        ("aborted", "ok"),
        "[[hang on flux-1-schnell]] [[delay 4s]]",
        stored=1,
        deployment=SPARE,
    ),
    Case(
        "the model is full, its fallback answers with HTML",
        BROKEN,
        ("3040", "ok"),
        "[[fault 3040 on flux-1-schnell]] [[answer html]]",
        deployment=SPARE,
    ),
    Case("the safety filter, with a fallback", FILTERED, ("3030",), "[[fault 3030]]", deployment=SPARE),
    Case("the allowance, with a fallback", SPENT, ("3036",), "[[fault 3036]]", deployment=SPARE),
    Case("REST API: status 429 without a code", BUSY, ("http",) * 3, "[[http 429]]", deployment=REST),
    Case("REST API: status 503 without a code", BUSY, ("http",) * 3, "[[http 503]]", deployment=REST),
    Case("REST API: status 504 without a code", BUSY, ("http",) * 3, "[[http 504]]", deployment=REST),
    Case("REST API: status 401 without a code", FORBIDDEN, ("http",), "[[http 401]]", deployment=REST),
    Case("REST API: status 403 without a code", FORBIDDEN, ("http",), "[[http 403]]", deployment=REST),
    Case("REST API: a redirect", BROKEN, ("http",), "[[http redirect]]", deployment=REST),
    Case("REST API: a page of HTML with status 200", BROKEN, ("http",), "[[http 200]]", deployment=REST),
)

# --- the prompt writer ----------------------------------------------------------------------------

_UNWRITTEN = Drawn(says=WORDS.writer_failed, told="the original prompt was drawn, and the answer says so")
_OPTIMIZE = {"optimize": True}


def _writer(name: str, mark: str, seen: Drawn = _UNWRITTEN, calls: tuple[str, ...] = ("?", "ok")) -> list[Case]:
    case = Case(f"the writer {name}", seen, calls, mark, stored=1, fields=_OPTIMIZE)
    return [case, replace(case, name=f"the external writer {name}", deployment=REST)]


WRITER = (
    *_writer("fails", "[[writer 500]]"),
    *_writer("is out of capacity", "[[writer 3040]]"),
    *_writer("answers a page of HTML", "[[writer html]]"),
    *_writer("answers without a message", "[[writer empty]]"),
    *_writer("answers nothing", "[[writer blank]]"),
    *_writer("answers no text", "[[writer object]]"),
    *_writer("answers with thousands of nested objects", "[[writer deep]]"),
    *_writer("thinks until its tokens end", "[[writer thinking]]"),
    *_writer("hangs", "[[writer hang]]", calls=("aborted", "ok")),
    *_writer(
        "has its prompt refused by the filter",
        "[[writer refused]]",
        Drawn(says=WORDS.rewrite_refused, told="the original prompt was drawn, and the answer says so"),
        ("ok", "3030", "ok"),
    ),
    Case(
        "the external writer redirects",
        _UNWRITTEN,
        ("write", "ok"),
        "[[write redirect]]",
        stored=1,
        deployment=REST,
        fields=_OPTIMIZE,
    ),
    Case(
        "the external writer is behind a broken proxy",
        _UNWRITTEN,
        ("write", "ok"),
        "[[write 502]]",
        stored=1,
        deployment=REST,
        fields=_OPTIMIZE,
    ),
    Case(
        "the writer hangs, in a stream",
        _UNWRITTEN,
        ("aborted", "ok"),
        "[[writer hang]]",
        stored=1,
        fields={"optimize": True, "stream": True},
    ),
)

# --- storage and Images ---------------------------------------------------------------------------

_CARRIED = Drawn(carried=True, says=WORDS.not_stored, told="the picture is in the answer as a data URL, which says so")
_CARRIED_IMAGE = Drawn(carried=True, told="`url` is a data URL")
STORAGE = (
    Case("KV fails a put", _CARRIED, marks="[[put 500]]"),
    Case("KV fails a put, in a stream", _CARRIED, marks=f"{LATE} [[put 500]]", fields=_STREAM),
    Case("KV fails a put, Images API", _CARRIED_IMAGE, marks="[[put 500]]", path=GENERATIONS),
    Case("KV fails a put, Responses API", _CARRIED, marks="[[put 500]]", path=RESPONSES),
    Case("KV refuses a put: too many writes", _CARRIED, marks="[[put 429]]"),
    Case("KV refuses a put: too large", _CARRIED, marks="[[put 413]]"),
    Case("KV never answers a put", _CARRIED, marks="[[put hang]]"),
    Case(
        "KV is down, and nothing was to be stored",
        Drawn(carried=True, told="`b64_json`"),
        marks="[[put 500]]",
        path=GENERATIONS,
        fields={"response_format": "b64_json"},
    ),
    Case(
        "KV fails a get",
        Fetched(Refusal(503, "storage_unavailable", should_retry=True, retry_after="seconds")),
        marks="[[get 500]]",
        stored=1,
    ),
    Case(
        "KV refuses a get: too many reads",
        Fetched(Refusal(503, "storage_unavailable", should_retry=True, retry_after="seconds")),
        marks="[[get 429]]",
        stored=1,
    ),
    Case(
        "KV never answers a get",
        Fetched(Refusal(503, "storage_unavailable", should_retry=True, retry_after="seconds")),
        marks="[[get hang]]",
        stored=1,
    ),
    Case("KV breaks off a get", Fetched(None), marks="[[get half]]", stored=1),
    Case("the picture has expired", Fetched(Refusal(404, "not_found")), marks="[[get gone]]", stored=1),
    Case(
        "Images fails a cut",
        Drawn(told="the picture as it was drawn; the answer names its true size"),
        marks="3:2",
        stored=1,
        deployment=SPARE,
    ),
    Case(
        "Images never answers",
        Drawn(told="the picture as it was drawn; the answer names its true size"),
        marks="[[cut hang]] 3:2",
        stored=1,
        deployment=SPARE,
    ),
    Case(
        "there is no Images binding",
        Drawn(told="the picture as it was drawn; the answer names its true size"),
        marks="3:2",
        stored=1,
    ),
)

# --- MCP ------------------------------------------------------------------------------------------

_FILTER = ToolError("The safety filter refused this prompt.")
TOOLS = (
    Case("the safety filter, MCP", _FILTER, ("3030",), "[[fault 3030]]", path=MCP),
    Case("the safety filter, MCP, with progress", _FILTER, ("3030",), "[[fault 3030]]", path=MCP, fields=_STREAM),
    Case(
        "the safety filter after progress was told, MCP",
        _FILTER,
        ("3030",),
        f"{LATE} [[fault 3030]]",
        path=MCP,
        fields=_STREAM,
    ),
    Case(
        "out of capacity, MCP",
        ToolError("The model is out of capacity."),
        ("3040",) * 3,
        "[[fault 3040]]",
        path=MCP,
    ),
    Case(
        "the daily allowance, MCP",
        ToolError("This service's daily allowance of Workers AI is used up."),
        ("3036",),
        "[[fault 3036]]",
        path=MCP,
    ),
    Case("out of capacity once, MCP", Drawn(told="a picture"), ("3040", "ok"), "[[fault 3040 x1]]", 1, path=MCP),
    Case(
        "KV fails a put, MCP", Drawn(carried=True, told="the whole picture, and no link"), marks="[[put 500]]", path=MCP
    ),
    Case(
        "Images fails a preview, MCP",
        Drawn(told="the picture itself, which is small enough, and its link"),
        stored=1,
        deployment=SPARE,
        path=MCP,
    ),
    Case(
        "Images never answers, MCP",
        Drawn(told="the picture itself, which is small enough, and its link"),
        marks="[[cut hang]]",
        stored=1,
        deployment=SPARE,
        path=MCP,
    ),
)

# --- callers that leave ---------------------------------------------------------------------------

_SLOW = "[[delay 20s]]"
LEAVING = (
    Case("while sending the body", Left(), (), leaves="upload"),
    Case("while the writer writes", Left(), ("aborted",), "[[writer hang]]", fields=_OPTIMIZE, leaves="called"),
    Case("before a stream opened", Left(), ("aborted",), _SLOW, fields=_STREAM, leaves="called"),
    Case("after the stream opened", Left(), ("aborted",), _SLOW, fields=_STREAM, leaves="opened"),
    Case(
        "after an images stream opened",
        Left(),
        ("aborted",),
        _SLOW,
        path=GENERATIONS,
        fields=_STREAM,
        leaves="opened",
    ),
    Case(
        "after a response's stream opened",
        Left(),
        ("aborted",),
        _SLOW,
        path=RESPONSES,
        fields=_STREAM,
        leaves="opened",
    ),
    Case("after a host heard of progress", Left(), ("aborted",), _SLOW, path=MCP, fields=_STREAM, leaves="opened"),
    Case("while a tool draws, without a stream", Left(), ("aborted",), _SLOW, path=MCP, leaves="called"),
    Case("while drawing, without a stream", Left(), ("aborted",), _SLOW, leaves="called"),
    Case("while drawing over the REST API", Left(), ("aborted",), _SLOW, deployment=REST, leaves="called"),
    Case("while three are drawn", Left(), ("aborted",) * 3, _SLOW, path=GENERATIONS, fields={"n": 3}, leaves="called"),
    Case("before a second try", Left(), ("3040",), "[[fault 3040]]", leaves="answered"),
    Case(
        "after the first of two pictures",
        Left(),
        ("?", "?"),
        f"{LATE} [[fault 3040 x1]]",
        stored=1,
        path=GENERATIONS,
        fields={"n": 2, "stream": True},
        leaves="picture",
    ),
    Case("while the picture is stored", Left(), ("ok",), "[[put hang]]", leaves="answered"),
)

CASES = (*UPSTREAM, *RETRIED, *WRITER, *STORAGE, *TOOLS, *LEAVING)
