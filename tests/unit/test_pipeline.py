"""Rewrite, draw, resize, store: the outcome of a plan if everything works, and if something fails."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from PIL import Image

from flux import catalog, upstream
from flux.absent import NoModel, NoPictureStore, NoResizer, NoRewriter
from flux.errors import (
    ApiError,
    InsufficientQuota,
    InvalidConfiguration,
    InvalidRequest,
    ModelOverloaded,
    OutputFlagged,
    PromptRefused,
    UpstreamFailure,
    UpstreamNotAuthorized,
)
from flux.picture import Picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Pipeline, Report, Result, Storage, unheard, usable
from flux.plan import Plan
from flux.ports import ImageModel, NotStored, PictureStore, PromptRewriter, ResizeFailed, Resizer, RewriteFailed
from flux.sizes import Size
from flux.spending import Spending
from flux.trace import Trace
from tests.builders import FLUX_2, KLEIN, NOW, ORIGIN, PHOENIX, SCHNELL, SDXL, plan_of
from tests.fakes import Bytes, Painter, Rewriter, Scissors, Shelf, data_of, encoded, opened, painted, shows

pytestmark = pytest.mark.usefixtures("clock")

BUSY = upstream.failure("3040: Capacity temporarily exceeded")
REFUSED = upstream.failure("3030: NSFW")
SPENT = upstream.failure("3036: used up")
FORBIDDEN = upstream.failure("5018: no")
UNKNOWN = upstream.failure("500: no idea")


@dataclass
class Work:
    """The outcome of a plan, and what was observed on the way."""

    result: Result
    reports: list[Report]
    trace: Trace
    seconds: float
    """In virtual time."""


async def made(
    plan: Plan,
    model: ImageModel | None = None,
    *,
    writer: PromptRewriter | None = None,
    resizer: Resizer | None = None,
    store: PictureStore | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    base_url: str | None = ORIGIN,
) -> Work:
    """Carry out a plan, with fakes for the ports that the test does not set."""
    reports: list[Report] = []
    trace = Trace("id")
    pipeline = Pipeline(model or Painter(), writer or Rewriter(), resizer or Scissors(), store or Shelf(), pause)
    began = time.time()
    storage = Storage(base_url, lifetime=1800) if base_url else None
    result = await pipeline.run(plan, trace, Spending(trace), storage, reports.append)
    return Work(result, reports, trace, time.time() - began)


async def failed(plan: Plan, model: ImageModel, **ports: Any) -> ApiError:
    """The error with which a plan fails."""
    with pytest.raises(ApiError) as failure:
        await made(plan, model, **ports)
    return failure.value


# --- when everything works ------------------------------------------------------------------------


async def test_a_plan_becomes_a_stored_picture_of_its_prompt_and_size() -> None:
    store = Shelf()
    work = await made(plan_of("A cat", size=Size(768, 512)), store=store)
    (generated,) = work.result.pictures
    ((key, (kept, expires)),) = store.pictures.items()
    assert generated.url == f"{ORIGIN}/image/{key}.jpg"
    assert kept == generated.picture
    assert expires == NOW + 1800
    assert opened(kept).size == (kept.width, kept.height) == (768, 512)
    assert shows(kept, "A cat")
    assert work.result.final_prompt == FinalPrompt("A cat", writer=None)
    assert work.result.model.id == SCHNELL


async def test_what_is_known_is_reported_as_soon_as_it_is() -> None:
    """The prompt before drawing; a picture after it is stored, because KV caches a miss for a minute."""
    store = Shelf(2.0)
    told: list[tuple[float, type, int]] = []
    pipeline = Pipeline(Painter(seconds=5), Rewriter("Hi", 3.0), Scissors(), store)
    await pipeline.run(
        plan_of(optimize=True),
        Trace("id"),
        Spending(Trace("id")),
        Storage(ORIGIN, lifetime=60),
        lambda what: told.append((time.time() - NOW, type(what), len(store.pictures))),
    )
    assert told == [(3.0, FinalPrompt, 0), (10.0, GeneratedPicture, 1)]


async def test_nothing_is_stored_where_no_links_are_wanted() -> None:
    store = Shelf()
    work = await made(plan_of(), store=store, base_url=None)
    assert [one.url for one in work.result.pictures] == [None]
    assert store.pictures == {}


async def test_several_pictures_are_drawn_side_by_side() -> None:
    """Each is a different picture with its own key and seed, in the order of the seeds."""
    painter, store = Painter(9.0, 6.0, 3.0), Shelf()
    work = await made(plan_of(n=3, model=FLUX_2, seed=7), painter, store=store)
    assert work.seconds == pytest.approx(9)
    assert [drawing.inputs["seed"] for drawing in painter.drawings] == [7, 8, 9]
    assert len({data_of(one.picture.blob) for one in work.result.pictures}) == 3
    assert [one.url for one in work.result.pictures] == [
        f"{ORIGIN}/image/{key}.jpg" for key in reversed(store.pictures)
    ]
    assert [report for report in work.reports if isinstance(report, GeneratedPicture)] == list(
        reversed(work.result.pictures)
    )


async def test_a_single_picture_has_the_seed_that_was_asked_for() -> None:
    painter = Painter()
    await made(plan_of(model=FLUX_2, seed=7), painter)
    assert [drawing.inputs["seed"] for drawing in painter.drawings] == [7]


async def test_a_request_counts_what_it_costs() -> None:
    work = await made(plan_of(n=2, size=Size(512, 512), optimize=True), Painter(1.0, BUSY), writer=Rewriter("Hi", 2.0))
    assert work.trace.facts.pictures == 2
    assert work.trace.facts.model_calls == 3
    assert work.trace.facts.bytes == sum(one.picture.blob.size for one in work.result.pictures)
    assert work.trace.steps.keys() == {"write", "draw", "cut", "keep"}
    assert work.trace.steps["write"] == pytest.approx(2000)


# --- the writer -----------------------------------------------------------------------------------


async def test_an_optimised_prompt_is_the_writers() -> None:
    writer = Rewriter('"A fluffy cat"')
    work = await made(plan_of("Cat", optimize=True), writer=writer)
    assert writer.prompts == ["Cat"]
    assert work.result.final_prompt == FinalPrompt("A fluffy cat", writer=writer.name)
    assert shows(work.result.pictures[0].picture, "A fluffy cat")


@pytest.mark.parametrize(
    ("variables", "longest"),
    [({}, 2048), ({"FLUX_MODEL": SDXL}, 8192), ({"FLUX_FALLBACK_MODEL": SDXL}, 8192)],
)
async def test_the_writer_is_sent_no_more_than_a_model_of_the_plan_could_take(
    variables: dict[str, str], longest: int
) -> None:
    """Cut between words. There is a limit even if the model publishes none."""
    writer = Rewriter()
    await made(plan_of("word " * 200_000, optimize=True, variables=variables), writer=writer)
    [sent] = writer.prompts
    assert longest - 5 <= len(sent) <= longest
    assert sent.endswith("word")


async def test_the_writer_is_not_asked_without_need() -> None:
    writer = Rewriter()
    await made(plan_of(), writer=writer)
    assert writer.prompts == []


BAD_WRITERS: dict[str, tuple[PromptRewriter, str]] = {
    "answers 500": (Rewriter("", RewriteFailed("HTTP 500")), "HTTP 500"),
    "is too slow": (Rewriter("Late", 10.1), "time-out"),
    "answers nothing": (Rewriter(""), "unusable"),
    "answers white space": (Rewriter(" \n"), "unusable"),
    "answers a page": (Rewriter("<!DOCTYPE html><h1>502</h1>"), "unusable"),
    "is not there": (NoRewriter(), "no text model"),
}


@pytest.mark.parametrize("trouble", BAD_WRITERS)
async def test_a_writer_that_fails_costs_no_picture(trouble: str) -> None:
    """The user's own prompt is drawn, and the answer can say so. The reason is only in the log."""
    writer, reason = BAD_WRITERS[trouble]
    work = await made(plan_of("A cat", optimize=True), writer=writer)
    assert work.result.final_prompt == FinalPrompt("A cat", writer=None, writer_failed=True)
    assert shows(work.result.pictures[0].picture, "A cat")
    assert work.trace.facts.writer_error == reason
    assert work.seconds <= 10


async def test_a_writer_that_takes_its_time_is_heard() -> None:
    work = await made(plan_of(optimize=True), writer=Rewriter("Just in time", 9.9))
    assert work.result.final_prompt.prompt == "Just in time"


async def test_a_long_answer_is_cut_at_a_word_to_what_the_model_takes() -> None:
    work = await made(plan_of(optimize=True), writer=Rewriter("fluffy " * 714))
    assert 2000 < len(work.result.final_prompt.prompt) <= 2048
    assert work.result.final_prompt.prompt.endswith("fluffy")


@pytest.mark.parametrize("optimize", [True, False])
async def test_the_prompt_that_is_told_is_the_prompt_that_is_drawn(*, optimize: bool) -> None:
    """However long the original prompt is."""
    painter = Painter()
    work = await made(plan_of("word " * 1000, optimize=optimize), painter, writer=Rewriter("long " * 1000))
    assert painter.drawings[0].prompt == work.result.final_prompt.prompt


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        ("A cat", "A cat"),
        (" A cat\n\non a   sofa ", "A cat on a sofa"),
        ('"A cat"', "A cat"),
        ("“A cat”", "A cat"),
        ("«A cat»", "A cat"),
        ("'A cat'", "A cat"),
        ('A cat that says "hi"', 'A cat that says "hi"'),
        ("```\nA cat\n```", "A cat"),
        ("```text\nA cat\n```", "A cat"),
        ("`A cat`", "A cat"),
        ("Prompt: A cat", "A cat"),
        ("**Prompt:** A cat", "A cat"),
        ('Here is the improved prompt:\n\n"A cat"', "A cat"),
        ("Here's a prompt for you: A cat: sleeping", "A cat: sleeping"),
        ("Film still: a cat at 10:30", "Film still: a cat at 10:30"),
        ("<think>The user wants a cat.</think>\n\nA cat", "A cat"),
        ("The user wants a cat.</think>A cat", "A cat"),
        ("<think>The user wants", ""),
        ("<html><body>502 Bad Gateway</body></html>", ""),
        ("", ""),
        ("``` ```", ""),
        ("A \ud83d cat", "A \ufffd cat"),
    ],
)
def test_the_prompt_in_a_text_models_answer(answer: str, prompt: str) -> None:
    """Models put reasoning and announcements before it, and put it in quotes or a code fence."""
    assert usable(answer) == prompt


# --- the safety filter ----------------------------------------------------------------------------


async def test_a_refused_rewrite_is_followed_by_the_persons_own_words_once() -> None:
    """The filter reads only the text, so it may accept the user's words after refusing the rewriter's."""
    painter = Painter(REFUSED)
    work = await made(plan_of("A cat", optimize=True), painter, writer=Rewriter("A wild cat"))
    assert [drawing.prompt for drawing in painter.drawings] == ["A wild cat", "A cat"]
    assert work.result.notices == ("rewrite_refused",)
    assert work.result.final_prompt == FinalPrompt("A cat", writer=None)
    assert shows(work.result.pictures[0].picture, "A cat")


async def test_what_was_drawn_of_a_rewrite_is_kept_where_others_are_refused() -> None:
    """Each picture has the prompt that it shows, and every stored picture is reported."""
    painter, store = Painter(5.0, 1.0, 5.0), Shelf()
    painter.refuses = lambda drawing: REFUSED if len(painter.drawings) == 3 and drawing.prompt == "A wild cat" else None
    plan = plan_of("A cat", n=3, optimize=True)
    work = await made(plan, painter, writer=Rewriter("A wild cat"), store=store)
    prompts = [one.final_prompt.prompt for one in work.result.pictures]
    assert sorted(prompts) == ["A cat", "A wild cat", "A wild cat"]
    assert all(shows(one.picture, one.final_prompt.prompt) for one in work.result.pictures)
    assert {one.url for one in work.result.pictures} == {f"{ORIGIN}/image/{key}.jpg" for key in store.pictures}
    assert work.result.notices == ("rewrite_refused",)


async def test_a_rewrite_that_was_refused_once_is_not_tried_for_the_pictures_that_are_not_begun() -> None:
    painter = Painter()
    painter.refuses = lambda drawing: REFUSED if drawing.prompt == "A wild cat" else None
    work = await made(plan_of("A cat", n=10, optimize=True), painter, writer=Rewriter("A wild cat"))
    assert len(work.result.pictures) == 10
    assert [drawing.prompt for drawing in painter.drawings].count("A wild cat") <= 4


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("n", [1, 3])
async def test_a_refused_prompt_of_the_persons_own_is_never_tried_twice(n: int, *, optimize: bool) -> None:
    painter = Painter()
    painter.refuses = lambda _drawing: REFUSED
    failure = await failed(plan_of("A cat", n=n, optimize=optimize), painter, writer=Rewriter("A wild cat"))
    assert isinstance(failure, PromptRefused)
    assert (failure.status, failure.code) == (400, "content_policy_violation")
    own = [drawing for drawing in painter.drawings if drawing.prompt == "A cat"]
    assert len(own) <= n
    assert len(painter.drawings) <= n * (2 if optimize else 1)


def flagged() -> ApiError:
    """The filter's refusal of a picture, not of the prompt."""
    return OutputFlagged("The safety filter refused the picture.", upstream_code=3030)


@pytest.mark.parametrize(("model", "seeded"), [(SCHNELL, False), (FLUX_2, True)])
async def test_a_picture_that_the_filter_flags_is_drawn_once_more(model: str, *, seeded: bool) -> None:
    """With another seed if the model takes one. The log counts it."""
    painter = Painter(flagged())
    work = await made(plan_of(model=model), painter)
    assert len(work.result.pictures) == 1
    assert ["seed" in drawing.inputs for drawing in painter.drawings] == [False, seeded]
    assert work.trace.facts.redrawn == 1


async def test_a_picture_that_is_flagged_twice_is_refused() -> None:
    painter = Painter(flagged(), flagged())
    failure = await failed(plan_of(), painter)
    assert isinstance(failure, OutputFlagged)
    assert len(painter.drawings) == 2


async def test_with_a_seed_of_the_callers_the_same_picture_would_be_flagged_again() -> None:
    painter = Painter(flagged())
    assert isinstance(await failed(plan_of(model=FLUX_2, seed=7), painter), OutputFlagged)
    assert len(painter.drawings) == 1


async def test_a_seed_that_the_model_does_not_take_does_not_matter() -> None:
    painter = Painter(flagged())
    await made(plan_of(seed=7), painter)
    assert len(painter.drawings) == 2


async def test_one_picture_that_is_flagged_twice_does_not_stop_the_others() -> None:
    work = await made(plan_of(n=6), Painter(flagged(), flagged()))
    assert (len(work.result.pictures), len(work.result.failures)) == (5, 1)


# --- a model out of capacity ----------------------------------------------------------------------


async def test_capacity_is_tried_three_times_with_growing_and_jittered_waits() -> None:
    painter, waits = Painter(BUSY, BUSY), list[float]()

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    work = await made(plan_of(), painter, pause=pause)
    assert len(work.result.pictures) == 1
    assert len(painter.drawings) == 3
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


async def test_waits_differ_so_that_callers_do_not_come_back_together() -> None:
    waits = list[float]()

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    for _ in range(8):
        await made(plan_of(), Painter(BUSY), pause=pause)
    assert len(set(waits)) == 8


async def test_a_model_that_stays_out_of_capacity_is_a_503_that_says_when_to_come_back() -> None:
    painter = Painter(*[BUSY] * 5)
    failure = await failed(plan_of(), painter)
    assert isinstance(failure, ModelOverloaded)
    assert failure.retry_after
    assert len(painter.drawings) == 3


async def test_the_fallback_draws_when_the_model_is_out_of_capacity() -> None:
    """At once, called with its own names, and reported as the one that drew."""
    painter = Painter(BUSY)
    work = await made(plan_of(variables={"FLUX_FALLBACK_MODEL": SDXL}, size=Size(768, 512)), painter)
    assert [drawing.model.id for drawing in painter.drawings] == [SCHNELL, SDXL]
    assert work.seconds == 0
    assert painter.drawings[-1].inputs.keys() >= {"width", "height", "num_steps"}
    assert work.result.model.id == SDXL
    assert work.result.pictures[0].picture.size == "768x512"
    assert work.trace.facts.fallback_from == 3040


@pytest.mark.parametrize(("model", "fallback"), [(FLUX_2, SCHNELL), (SCHNELL, SDXL)])
async def test_after_a_fallback_the_prompt_that_is_told_is_the_one_that_was_drawn(model: str, fallback: str) -> None:
    """The fallback may take a shorter or a longer prompt than the first model."""
    prompt = "word " * 1000
    painter = Painter(BUSY)
    variables = {"FLUX_MODEL": model, "FLUX_FALLBACK_MODEL": fallback}
    work = await made(plan_of(prompt, variables=variables), painter)
    first, last = painter.drawings[0].prompt, painter.drawings[-1].prompt
    assert len(first) != len(last)
    assert work.result.final_prompt.prompt == last
    assert [report.prompt for report in work.reports if isinstance(report, FinalPrompt)] == [first, last]


async def test_the_pictures_that_go_in_are_made_smaller_for_the_model_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once each, however many pictures are drawn."""
    monkeypatch.setitem(catalog.MODELS, KLEIN, replace(catalog.MODELS[KLEIN], max_image_side=400))
    painter, resizer = Painter(), Scissors()
    painter.refuses = lambda drawing: BUSY if drawing.model.id == FLUX_2 else None
    variables = {"FLUX_MODEL": FLUX_2, "FLUX_FALLBACK_MODEL": KLEIN}
    await made(plan_of(n=2, variables=variables, images=(painted("Large", 2000, 1000),)), painter, resizer=resizer)
    sides = {drawing.model.id: max(opened(drawing.images[0]).size) for drawing in painter.drawings}
    assert sides == {FLUX_2: 511, KLEIN: 400}
    assert [side for side, _, _ in resizer.fits] == [511, 400]


async def test_a_model_is_asked_to_queue_a_call_only_where_no_fallback_follows() -> None:
    """The fallback itself may queue the call, and is tried three times."""
    painter = Painter(BUSY, BUSY, BUSY)
    await made(plan_of(variables={"FLUX_FALLBACK_MODEL": SDXL}), painter)
    asked = [(drawing.model.id, drawing.reject_if_busy) for drawing in painter.drawings]
    assert asked == [(SCHNELL, True), (SDXL, False), (SDXL, False), (SDXL, False)]
    alone = Painter()
    await made(plan_of(), alone)
    assert [drawing.reject_if_busy for drawing in alone.drawings] == [False]


async def test_the_fallbacks_failure_is_the_answer_when_it_fails_too() -> None:
    painter = Painter(BUSY, SPENT)
    failure = await failed(plan_of(variables={"FLUX_FALLBACK_MODEL": SDXL}), painter)
    assert isinstance(failure, InsufficientQuota)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(SPENT, InsufficientQuota), (FORBIDDEN, UpstreamNotAuthorized), (UNKNOWN, UpstreamFailure),
     (upstream.no_picture("html"), UpstreamFailure), (REFUSED, PromptRefused)],
)  # fmt: skip
async def test_what_a_second_try_cannot_mend_is_asked_once(outcome: Exception, kind: type[ApiError]) -> None:
    """Neither the same model nor the fallback is called: each call costs a picture."""
    painter = Painter(outcome)
    failure = await failed(plan_of(variables={"FLUX_FALLBACK_MODEL": SDXL}), painter)
    assert isinstance(failure, kind)
    assert len(painter.drawings) == 1


async def test_a_model_that_hangs_is_given_up_after_a_minute_and_not_asked_again() -> None:
    painter = Painter(1e6)
    began = time.time()
    failure = await failed(plan_of(), painter)
    assert isinstance(failure, ModelOverloaded)
    assert time.time() - began == pytest.approx(60)
    assert len(painter.drawings) == painter.fate.ended_early == 1


async def test_after_a_hang_the_fallback_still_draws() -> None:
    work = await made(plan_of(variables={"FLUX_FALLBACK_MODEL": SDXL}), Painter(1e6))
    assert work.result.model.id == SDXL
    assert work.seconds == pytest.approx(60)


class SlowAndBusy(Painter):
    """Takes a few seconds each time to report that it is out of capacity."""

    async def draw(self, *asked: Any, **_options: Any) -> Any:
        self.drawings.append(asked[0])
        await asyncio.sleep(self._seconds)
        raise BUSY


async def test_no_try_of_a_model_begins_later_than_15_seconds_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is waiting, and a fallback may be faster. The time of day does not matter."""
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    painter = SlowAndBusy(seconds=8)
    await failed(plan_of(), painter)
    assert len(painter.drawings) == 2


@pytest.mark.parametrize(("seconds", "tries"), [(14.5, 2), (14.625, 1)])
async def test_the_wait_before_a_try_is_a_part_of_the_15_seconds(
    seconds: float, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is half a second here."""
    monkeypatch.setattr(random, "random", lambda: 0.0)
    painter = SlowAndBusy(seconds=seconds)
    await failed(plan_of(), painter)
    assert len(painter.drawings) == tries


# --- several pictures, some of which fail ---------------------------------------------------------


def unknown() -> ApiError:
    """A failure of one call that says nothing about the next one."""
    return upstream.failure("500: no idea")


async def test_those_that_were_drawn_are_delivered_in_their_order() -> None:
    """With the failures. Each keeps its index among all pictures, and so its seed."""
    painter = Painter(9.0, unknown(), 3.0)
    work = await made(plan_of(n=3, model=FLUX_2, seed=7), painter)
    assert [one.index for one in work.result.pictures] == [0, 2]
    assert [failure.message for failure in work.result.failures] == [unknown().message]
    assert [report.index for report in work.reports if isinstance(report, GeneratedPicture)] == [2, 0]
    assert (work.trace.facts.pictures, work.trace.facts.failed) == (2, 1)
    assert work.trace.facts.error == "upstream_error"


async def test_where_none_was_drawn_the_first_failure_is_raised() -> None:
    """First in the order of the pictures, not in time."""
    painter = Painter()
    painter.refuses = lambda drawing: BROKEN_BY_SEED[int(drawing.inputs["seed"])]
    failure = await failed(plan_of(n=2, model=FLUX_2, seed=7), painter)
    assert failure.message == upstream.no_picture("html").message


BROKEN_BY_SEED = {7: upstream.no_picture("html"), 8: unknown()}


async def test_at_most_four_are_drawn_at_once() -> None:
    """A Worker has six connections. The next picture begins as soon as one is finished."""
    painter = Painter(8.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0)
    work = await made(plan_of(n=10), painter)
    assert len(work.result.pictures) == 10
    assert work.seconds == pytest.approx(8)
    painter = Painter(*[5.0] * 10)
    assert (await made(plan_of(n=10), painter)).seconds == pytest.approx(15)


@pytest.mark.parametrize(
    "text", ["3036: used up", "5018: no", "5007: No such model", "3030: NSFW"], ids=lambda text: text[:4]
)
async def test_what_fails_for_all_is_not_paid_for_again(text: str) -> None:
    """Those in progress may still succeed; no other one begins."""
    painter = Painter(9.0, 1.0, 9.0, 9.0)
    painter.refuses = lambda drawing: upstream.failure(text) if drawing is painter.drawings[1] else None
    work = await made(plan_of(n=10), painter)
    assert len(work.result.pictures) == 3
    assert len(work.result.failures) == 1
    assert len(painter.drawings) == 4


async def test_what_may_succeed_the_next_time_does_not_stop_the_others() -> None:
    painter = Painter(unknown())
    work = await made(plan_of(n=10), painter)
    assert len(work.result.pictures) == 9


async def test_a_model_without_capacity_is_not_waited_for_again_and_again() -> None:
    """Unless it has already drawn one of the pictures."""
    painter = Painter()
    painter.refuses = lambda _drawing: upstream.failure("3040: Capacity temporarily exceeded")
    assert isinstance(await failed(plan_of(n=10), painter), ModelOverloaded)
    assert len(painter.drawings) == 4 * 3
    busy = Painter(None, *[upstream.failure("3040: Capacity temporarily exceeded") for _ in range(3)])
    assert len((await made(plan_of(n=10), busy)).result.pictures) >= 9


async def test_a_bug_in_one_of_several_ends_the_others() -> None:
    """The bug is raised."""
    painter = Painter(100.0, KeyError("x"), 100.0)
    with pytest.raises(KeyError):
        await made(plan_of(n=3), painter)
    assert painter.fate.ended_early == 2


async def test_a_picture_is_under_the_last_identifier_whichever_failed() -> None:
    """That identifier stands for the whole response: the next turn of the conversation uses it."""
    store, painter = Shelf(), Painter(None, None, unknown())
    storage = Storage(ORIGIN, lifetime=1800, ids=tuple(f"{i}-0000000" for i in range(3)))
    pipeline = Pipeline(painter, Rewriter(), Scissors(), store)
    result = await pipeline.run(plan_of(n=3), Trace("id"), Spending(Trace("id")), storage, unheard)
    assert [one.index for one in result.pictures] == [0, 1]
    assert store.pictures.keys() == set(storage.ids)
    assert store.pictures["2-0000000"][0] == result.pictures[1].picture


async def test_one_of_several_may_come_from_the_fallback() -> None:
    painter = Painter(None, BUSY)
    work = await made(plan_of(n=2, variables={"FLUX_FALLBACK_MODEL": SDXL}), painter)
    assert len(work.result.pictures) == 2
    assert sorted(drawing.model.id for drawing in painter.drawings) == sorted([SCHNELL, SCHNELL, SDXL])


async def test_ending_the_work_ends_every_call() -> None:
    painter = Painter(100.0, 100.0)
    work = asyncio.create_task(made(plan_of(n=2), painter))
    await asyncio.sleep(1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert painter.fate.ended_early == 2


# --- resize ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "cuts"),
    [
        ({}, []),
        ({"size": Size(1024, 1024)}, []),
        ({"size": Size(512, 1024)}, [(Size(512, 1024), "image/jpeg", None)]),
        ({"size": Size(512, 1024), "model": FLUX_2}, []),
        ({"size": Size(2048, 1024), "model": FLUX_2}, [(Size(2048, 1024), "image/jpeg", None)]),
        ({"mime": "image/jpeg"}, []),
        ({"mime": "image/png"}, [(Size(1024, 1024), "image/png", None)]),
        ({"mime": "image/webp", "compression": 30}, [(Size(1024, 1024), "image/webp", 30)]),
        ({"compression": 30}, [(Size(1024, 1024), "image/jpeg", 30)]),
        ({"model": SDXL}, []),
        ({"model": SDXL, "mime": "image/png"}, []),
    ],
)
async def test_a_picture_is_cut_only_where_it_is_not_yet_what_was_asked_for(
    fields: dict[str, Any], cuts: list[tuple[Size, str, int | None]]
) -> None:
    """Every call of the Images binding is billed."""
    resizer = Scissors()
    planned = plan_of(**fields)
    picture = (await made(planned, resizer=resizer)).result.pictures[0].picture
    assert resizer.cuts == cuts
    assert picture.size == str(planned.size)
    assert picture.type == (planned.request.options.mime or picture.type)
    assert opened(picture).get_format_mimetype() == picture.type  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("size", "model", "enlarged"),
    [
        (Size(1024, 1024), SCHNELL, False),
        (Size(512, 1024), SCHNELL, False),
        (Size(1280, 720), SCHNELL, True),
        (Size(720, 1280), SCHNELL, True),
        (Size(2048, 1024), FLUX_2, True),
        (Size(1920, 1024), FLUX_2, False),
    ],
    ids=str,
)
async def test_a_picture_that_is_larger_than_it_was_drawn_says_so(size: Size, model: str, *, enlarged: bool) -> None:
    work = await made(plan_of(size=size, model=model))
    assert ("enlarged" in work.result.notices) == enlarged
    assert work.result.pictures[0].picture.size == str(size)


async def test_a_picture_that_could_not_be_enlarged_does_not_say_that_it_was() -> None:
    work = await made(plan_of(size=Size(2048, 2048)), resizer=NoResizer())
    assert work.result.notices == ()


BROKEN = ResizeFailed("9523: internal")


HANGS = 1e6


@pytest.mark.parametrize(
    "resizer", [Scissors(BROKEN), Scissors(HANGS), NoResizer()], ids=["failing", "hanging", "absent"]
)
async def test_a_picture_that_cannot_be_cut_is_delivered_as_it_came(resizer: Resizer) -> None:
    """It is paid for, and its bytes determine the reported size and type."""
    store = Shelf()
    work = await made(plan_of(size=Size(512, 1024), mime="image/png"), resizer=resizer, store=store)
    picture = work.result.pictures[0].picture
    assert (picture.type, picture.size) == ("image/jpeg", "1024x1024")
    assert work.seconds <= 10
    assert str(work.result.pictures[0].url).endswith(".jpg")
    assert work.trace.facts.cut_error


# --- store ----------------------------------------------------------------------------------------


REFUSING = Shelf(NotStored("KV PUT failed: 429"))


@pytest.mark.parametrize("store", [REFUSING, Shelf(HANGS), NoPictureStore()], ids=["refusing", "hanging", "absent"])
async def test_a_picture_that_cannot_be_stored_is_not_lost(store: PictureStore) -> None:
    """It has no URL and becomes part of the answer."""
    work = await made(plan_of(), store=store)
    (generated,) = work.result.pictures
    assert generated.url is None
    assert work.seconds <= 10
    assert shows(generated.picture, "A cat")
    assert work.trace.facts.keep_error


async def test_of_several_pictures_only_the_one_that_was_refused_goes_without_a_url() -> None:
    work = await made(plan_of(n=3), store=Shelf(None, NotStored("429")))
    assert sum(one.url is None for one in work.result.pictures) == 1


# --- input pictures -------------------------------------------------------------------------------


async def test_a_picture_that_is_too_large_for_the_model_is_made_smaller_first() -> None:
    """It keeps its shape. A picture that is small enough is not changed."""
    painter, small = Painter(), painted("Small", 511, 300)
    await made(plan_of(images=(painted("Large", 2000, 1000), small)), painter)
    (drawing,) = painter.drawings
    assert drawing.model.id == KLEIN
    assert opened(drawing.images[0]).size == (511, 256)
    assert shows(drawing.images[0], "Large")
    assert drawing.images[1] is small.blob


def lying(width: int, height: int) -> Picture:
    """A picture whose right side is its top. Displayed upright, it is red at the top and blue below."""
    upright = Image.new("RGB", (height, width), "blue")
    upright.paste("red", (0, 0, height, width // 2))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    return Picture("image/jpeg", width, height, Bytes(data), orientation=6)


@pytest.mark.parametrize("size", [(2000, 1000), (400, 200)])
async def test_what_goes_into_the_model_is_upright(size: tuple[int, int]) -> None:
    """Models see only pixels, not EXIF. This includes small pictures."""
    painter = Painter()
    work = await made(plan_of(images=(lying(*size),)), painter)
    given = opened(painter.drawings[0].images[0]).convert("RGB")
    assert given.height == min(size[0], 511)
    assert given.height > given.width
    red, _, blue = given.getpixel((given.width // 2, 10))  # type: ignore[misc]
    assert red > blue
    assert given.getexif().get(0x0112, 1) == 1
    assert work.result.notices == ()


@pytest.mark.parametrize(
    "resizer", [Scissors(BROKEN), Scissors(HANGS), NoResizer()], ids=["failing", "hanging", "absent"]
)
async def test_a_picture_that_cannot_be_stood_up_is_used_as_it_is_and_that_is_said(resizer: Resizer) -> None:
    painter, picture = Painter(), lying(400, 200)
    work = await made(plan_of(images=(picture,)), painter, resizer=resizer)
    assert painter.drawings[0].images == (picture.blob,)
    assert "not_upright" in work.result.notices
    assert work.trace.facts.upright_error


@pytest.mark.parametrize(
    "resizer", [Scissors(BROKEN), Scissors(HANGS), NoResizer()], ids=["failing", "hanging", "absent"]
)
async def test_a_caller_is_told_the_size_when_a_picture_cannot_be_made_smaller(resizer: Resizer) -> None:
    """Before anything is drawn."""
    painter = Painter()
    failure = await failed(plan_of(images=(painted("Large", 2000, 1000),)), painter, resizer=resizer)
    assert isinstance(failure, InvalidRequest)
    assert failure.param == "image"
    assert "2000x1000" in failure.message
    assert "511" in failure.message
    assert painter.drawings == []


async def test_the_owner_is_told_what_is_missing_where_nothing_can_draw() -> None:
    failure = await failed(plan_of(), NoModel())
    assert isinstance(failure, InvalidConfiguration)
    assert failure.variable == "AI"


@pytest.mark.parametrize("model", [SCHNELL, FLUX_2, PHOENIX, SDXL])
@pytest.mark.parametrize("size", [Size(256, 256), Size(768, 512), Size(2048, 264)], ids=str)
async def test_the_picture_has_the_size_that_was_wished_for_whatever_the_model(model: str, size: Size) -> None:
    work = await made(plan_of(model=model, size=size))
    assert opened(work.result.pictures[0].picture).size == (size.width, size.height)
