"""Models of other makers: the formats of their answers, and their failures, through the binding and through REST."""

import asyncio
import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from flux import pipeline
from tests.faults.cases import CHAT, GENERATIONS, RESPONSES
from tests.worker.service import comment, decoded, unique
from tests.workerd import REST as REST_API
from tests.workerd import Workerd

BANANA, KONTEXT = "google/nano-banana", "black-forest-labs/flux-1-kontext-pro"
EDITS = "/v1/images/edits"
PARTNERS, PARTNERS_REST = "partners", "partners-rest"
BOTH = pytest.mark.parametrize("deployment", [PARTNERS, PARTNERS_REST])

FORMS = ["form data", "form base64", "link ok"]
LEVELS = ["flat", "once", "twice"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """Deployments with the binding and with REST, in a separate process whose memory is measured."""
    deployments = {
        PARTNERS: {"PARTNER_MODELS": "*", "FLUX_FALLBACK_MODEL": "flux-1-schnell", "FLUX_MODEL": BANANA},
        PARTNERS_REST: REST_API | {"PARTNER_MODELS": "*", "AI_GATEWAY_ID": "gateway"},
    }
    with Workerd(tmp_path_factory.mktemp("partners") / "bare", deployments) as running:
        yield running


async def generated(bare: Workerd, prompt: str, *, deployment: str = PARTNERS, **fields: Any) -> Any:
    """The unparsed answer to a generation."""
    async with bare.caller(deployment) as caller:
        body = {"prompt": prompt, "model": KONTEXT, "response_format": "b64_json", **fields}
        return await caller.post(GENERATIONS, json=body)


def picture_in(answer: Any) -> Any:
    """The picture in an answer."""
    assert answer.status_code == 200, answer.text
    return decoded(base64.b64decode(answer.json()["data"][0]["b64_json"]))


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an error, which must not contain upstream text."""
    assert answer.status_code >= 400, answer.text
    assert "secret" not in answer.text
    assert "pictures.example" not in answer.text
    return answer.status_code, answer.json()["error"]["code"]


def outcomes(bare: Workerd, prompt: str) -> list[str]:
    """The outcomes of a prompt's calls."""
    return [call["outcome"] for call in bare.calls(prompt)["calls"]]


def fetched(bare: Workerd) -> list[dict[str, Any]]:
    """The Worker's requests to hosts of pictures."""
    return [one for one in bare.happened()["fetched"] if "//pictures" in one["url"]]


# --- formats --------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("listed", ["one", "many"])
@pytest.mark.parametrize("level", LEVELS)
async def test_an_answer_is_read_in_every_shape(bare: Workerd, deployment: str, level: str, listed: str) -> None:
    """A link, a data URL or plain base64, alone or in a list, at each of three levels."""
    for form in FORMS:
        prompt = unique(f"A cat [[{form}]] [[level {level}]] [[list {listed}]]")
        picture = picture_in(await generated(bare, prompt, deployment=deployment))
        assert comment(picture)["prompt"] == prompt
        assert outcomes(bare, prompt) == ["ok"]


@BOTH
async def test_calls_go_through_a_gateway_that_caches_nothing(bare: Workerd, deployment: str) -> None:
    """The gateway that the owner names, or else the one that every account has."""
    prompt = unique("A gate")
    await generated(bare, prompt, deployment=deployment)
    [call] = bare.calls(prompt)["calls"]
    id = {PARTNERS: "default", PARTNERS_REST: "gateway"}[deployment]
    assert call["options"]["gateway"] == {"id": id, "skipCache": True}


@BOTH
@pytest.mark.parametrize("answer", ["empty", "blank", "null", "number", "garbage", "html", "truncated"])
async def test_what_is_no_picture_is_told_as_none_and_asked_for_once(
    bare: Workerd, deployment: str, answer: str
) -> None:
    prompt = unique(f"A cat [[answer {answer}]]")
    assert refused(await generated(bare, prompt, deployment=deployment)) == (502, "upstream_error")
    assert outcomes(bare, prompt) == ["ok"]


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ok", "redirect", "twice", "thrice", "far", "typed", "chunked"])
async def test_a_link_is_fetched_and_the_bytes_decide_what_it_is(bare: Workerd, kind: str) -> None:
    before = len(fetched(bare))
    prompt = unique(f"A cat [[link {kind}]]")
    assert comment(picture_in(await generated(bare, prompt)))["prompt"] == prompt
    requests = fetched(bare)[before:]
    assert len(requests) == {"redirect": 2, "far": 2, "twice": 3, "thrice": 4}.get(kind, 1)
    for request in requests:
        assert not {"authorization", "cookie", "api-key", "cf-aig-gateway-id"} & request["headers"].keys()


@pytest.mark.parametrize("kind", ["http", "port", "user", "address", "six", "local", "localhost", "script", "long"])
async def test_a_link_that_leads_where_none_should_is_not_fetched(bare: Workerd, kind: str) -> None:
    before = bare.happened()["fetched"]
    prompt = unique(f"A cat [[link {kind}]]")
    assert refused(await generated(bare, prompt)) == (502, "upstream_error")
    assert bare.happened()["fetched"] == before
    assert outcomes(bare, prompt) == ["ok"]


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("private", 1), ("plain", 1), ("nowhere", 1), ("around", 4), ("page", 1), ("large", 1), ("endless", 1),
     ("forbidden", 1), ("half", 1)],
)  # fmt: skip
async def test_a_link_that_does_not_lead_to_a_picture_is_a_failure_that_is_not_repeated(
    bare: Workerd, kind: str, asked: int
) -> None:
    """Each redirect must follow the same rules. A picture that was drawn is not drawn again."""
    before = len(bare.happened()["fetched"])
    prompt = unique(f"A cat [[link {kind}]]")
    assert refused(await generated(bare, prompt)) == (502, "upstream_error")
    assert len(bare.happened()["fetched"]) == before + asked
    assert outcomes(bare, prompt) == ["ok"]
    assert "X-Signature" not in bare.log()


async def test_a_link_that_does_not_answer_is_not_waited_for_long(bare: Workerd) -> None:
    """Whether it stalls at the beginning or in the middle. Both run at the same time because they take long."""
    prompts = [unique(f"A cat [[link {kind}]]") for kind in ("hang", "stall")]
    answers = await asyncio.gather(*(generated(bare, prompt) for prompt in prompts))
    assert [refused(answer) for answer in answers] == [(502, "upstream_error")] * 2
    assert [outcomes(bare, prompt) for prompt in prompts] == [["ok"]] * 2


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_the_link_is_never_handed_on(bare: Workerd, path: str) -> None:
    prompt = unique("A cat [[link ok]]")
    bodies: dict[str, dict[str, Any]] = {
        CHAT: {"messages": [{"role": "user", "content": prompt}]},
        RESPONSES: {"input": prompt},
    }
    async with bare.caller(PARTNERS) as caller:
        answer = await caller.post(path, json={"model": BANANA, **bodies[path]})
    assert answer.status_code == 200
    assert "pictures.example" not in answer.text
    assert "X-Signature" not in answer.text


# --- failures -------------------------------------------------------------------------------------

OWNERS = (502, "upstream_not_authorized")
FAILURES = [
    ("[[fault 402]]", OWNERS, 1),
    ("[[fault 2009]]", OWNERS, 1),
    ("[[fault 2001]]", OWNERS, 1),
    ("[[fault 5007]]", (502, "upstream_error"), 1),
    ("[[fault 429]]", (503, "model_overloaded"), 3),
    ("[[state provider_unavailable]]", (503, "model_overloaded"), 3),
    ("[[state something_else]]", (502, "upstream_error"), 1),
    ("[[state content_moderation]]", (400, "content_policy_violation"), 1),
    ("[[fault text upstream connect error]]", (502, "upstream_error"), 1),
    ("[[fault 3007]]", (503, "model_overloaded"), 1),
    ("[[fault 3030: Your output has been flagged]]", (400, "content_policy_violation"), 1),
    ("[[fault 5006]]", (502, "upstream_error"), 1),
]


@BOTH
@pytest.mark.parametrize(("mark", "told", "calls"), FAILURES, ids=[mark for mark, *_ in FAILURES])
async def test_a_failure_is_told_and_only_one_that_drew_nothing_is_repeated(
    bare: Workerd, deployment: str, mark: str, told: tuple[int, str], calls: int
) -> None:
    """If the owner has to act, the caller gets a sentence and the log has the cause."""
    prompt = unique(f"A cat {mark}")
    answer = await generated(bare, prompt, deployment=deployment)
    assert refused(answer) == told
    assert len(outcomes(bare, prompt)) == calls
    assert {call["model"] for call in bare.calls(prompt)["calls"]} == {KONTEXT}
    if told == OWNERS:
        [line] = [one for one in bare.log_lines() if one["request_id"] == answer.headers["x-request-id"]]
        assert line["detail"]
        assert line["detail"] not in answer.text


@BOTH
@pytest.mark.parametrize("mark", ["fault 429 x2", "state provider_unavailable x2"])
async def test_what_drew_nothing_is_asked_again_until_it_works(bare: Workerd, deployment: str, mark: str) -> None:
    prompt = unique(f"A cat [[{mark}]]")
    picture_in(await generated(bare, prompt, deployment=deployment))
    assert outcomes(bare, prompt)[-1] == "ok"
    assert len(outcomes(bare, prompt)) == 3


@pytest.mark.parametrize(
    ("mark", "models"),
    [
        ("[[fault 429 on nano-banana]]", [BANANA, "@cf/black-forest-labs/flux-1-schnell"]),
        ("[[fault 3007 on nano-banana]]", [BANANA]),
    ],
)
async def test_a_fallback_draws_only_where_the_first_model_drew_nothing(
    bare: Workerd, mark: str, models: list[str]
) -> None:
    """The default of this deployment is a model of another maker."""
    prompt = unique(f"A cat {mark}")
    await generated(bare, prompt, model="dall-e-3")
    assert [call["model"] for call in bare.calls(prompt)["calls"]] == models


# --- memory ---------------------------------------------------------------------------------------

IN_FLIGHT = 16
MAX_WAITING, MAX_GROWTH = 75, 128
"""In MiB, including garbage: what sixteen requests may take while the models draw, and until the last picture is
delivered. An isolate has 128."""


def photo(size: int) -> str:
    """A caller's picture of this many bytes, as a data URL: a JPEG with comments."""
    file = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 120, 40)).save(file, "JPEG")
    data, comments = file.getvalue(), b""
    while (left := size - len(data) - len(comments)) > 4:
        text = b"A byte of a picture. " * 3000
        comments += b"\xff\xfe" + (length := min(left, len(text)) - 2).to_bytes(2, "big") + text[: length - 2]
    return f"data:image/jpeg;base64,{base64.b64encode(data[:2] + comments + data[2:]).decode()}"


@BOTH
async def test_sixteen_in_flight_stay_within_an_isolates_memory(bare: Workerd, deployment: str) -> None:
    """Each has the largest possible input picture, and an output picture of two megabytes behind a link."""
    prompt, picture = unique("A cat [[delay 3s]] [[bytes 2mb]] [[link ok]]"), photo(pipeline.MAX_IN_TEXT)
    await edited(bare, unique("Warm up [[bytes 2mb]]"), picture, deployment=deployment)
    before, grown = bare.resident(), list[float]()

    async def watched() -> None:
        while True:
            grown.append(bare.resident() - before)
            await asyncio.sleep(0.05)

    watch = asyncio.create_task(watched())
    edits = [asyncio.create_task(edited(bare, prompt, picture, deployment=deployment)) for _ in range(IN_FLIGHT)]
    try:
        await asyncio.wait(edits, timeout=2.5)
        waiting = max(grown)
        assert [edit.done() for edit in edits] == [False] * IN_FLIGHT
        for answer in await asyncio.gather(*edits):
            assert answer.status_code == 200, answer.text
    finally:
        watch.cancel()
    assert outcomes(bare, prompt) == ["ok"] * IN_FLIGHT
    assert (waiting < MAX_WAITING, max(grown) < MAX_GROWTH) == (True, True), (waiting, max(grown))


async def test_a_heavier_picture_that_cannot_be_made_smaller_is_refused(bare: Workerd) -> None:
    """These deployments have no Images binding."""
    prompt = unique("A cat")
    answer = await edited(bare, prompt, photo(pipeline.MAX_IN_TEXT + 100))
    assert refused(answer) == (400, "invalid_value")
    assert f"{pipeline.MAX_IN_TEXT} bytes" in answer.json()["error"]["message"]
    assert not outcomes(bare, prompt)


async def edited(bare: Workerd, prompt: str, picture: str, *, deployment: str = PARTNERS) -> Any:
    """The answer to an edit."""
    async with bare.caller(deployment) as caller:
        body = {"prompt": prompt, "model": "flux-2-max", "image": picture, "response_format": "url"}
        return await caller.post(EDITS, json=body)
