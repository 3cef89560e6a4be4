"""Write, draw, cut, keep: the only steps that wait."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flux import picture, upstream
from flux.catalog import Model
from flux.errors import (
    ApiError,
    BudgetUnavailable,
    InvalidRequest,
    ModelOverloaded,
    OutputFlagged,
    PromptRefused,
    UpstreamFailure,
)
from flux.generation import Notice
from flux.http import MAX_BODY
from flux.picture import Picture
from flux.plan import ModelCall, Plan
from flux.ports import ImageModel, Inputs, NotStored, PictureStore, PromptRewriter, ResizeFailed, Resizer, RewriteFailed
from flux.prices import NOTHING, Cost
from flux.prompt import shorten
from flux.spending import Spending
from flux.text import Blob, clean
from flux.time_limit import time_limit
from flux.trace import Trace

WRITER_SECONDS = 10
CUT_SECONDS = 10
KEEP_SECONDS = 10
"""Longest waits for what is no model: a picture that is paid for is not held for longer."""
DRAW_SECONDS = 60
"""One try of a model of Workers AI. NextChat, the least patient app, gives up at 60 s."""
TRIES = 3
"""Of the last model that can be asked, where it is out of capacity."""
RETRY_SECONDS = 15
"""No new try of the same model begins later than this after the first."""
MAX_AT_ONCE = 4
"""Pictures of one request that are drawn at the same time: a Worker has six connections, and the others are for what
is stored meanwhile."""
PREVIEW_SIDE, MAX_PREVIEW = 512, 100_000
"""Pixels a side and bytes of a preview, at most: hosts of MCP refuse results of a megabyte or of 25,000 tokens."""
PREVIEWS = (PREVIEW_SIDE, 80), (PREVIEW_SIDE // 2, 60)
"""Side and quality of its JPEG, in turn: only noise is too large at the first. Each is one billed transformation."""
MAX_SHOWN_WHOLE = 256 * 1024
"""Bytes of a picture that is shown itself where no preview of it can be made."""
MAX_IN_TEXT = 500_000
"""Bytes of all pictures of one request for a model that takes them as text. In flight they are in an isolate's 128 MB
five times over, as base64 and in JSON: measured, 16 requests take some 50 MB, and as much again for pictures of 2 MB
that come out."""
SHRUNK_PARTS, SHRUNK_QUALITY = (1, 0.7, 0.5, 0.35, 0.25), 80
"""Of the longest side, in turn, until the picture has few enough bytes. Each is one billed transformation."""
FIRST_WAIT = 0.5
"""Seconds before the second try, doubled for each further one, plus up to as much by chance."""


@dataclass(frozen=True, slots=True)
class FinalPrompt:
    """The prompt that goes to the model."""

    prompt: str
    writer: str | None
    """Name of the text model that wrote it; None where it is the person's own."""
    writer_failed: bool = False

    def within(self, model: Model) -> "FinalPrompt":
        """The prompt as the model takes it, which may be the beginning of this one."""
        prompt = shorten(self.prompt, model.max_prompt)
        return self if prompt is self.prompt else replace(self, prompt=prompt)


@dataclass(frozen=True, slots=True)
class GeneratedPicture:
    """One finished picture."""

    picture: Picture
    url: str | None
    """None: it is not stored and travels in the answer itself."""
    written: FinalPrompt
    """The prompt that was drawn."""
    model: Model
    """That drew; the fallback where the first was out of capacity."""
    index: int = 0
    """Which of the pictures of the request it is."""
    notices: tuple[Notice, ...] = ()
    """What could not be followed for this picture."""
    preview: Picture | None = None
    """A small copy, or the picture itself where it is small; None where there is none, or none is wanted."""
    cost: Cost = NOTHING
    """The prompt writer's is with the first to be finished."""
    seed: int | None = None
    steps: int | None = None
    """That it was drawn with; None where the model was sent none."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """There has been nothing to tell for a while."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a plan: at least one picture."""

    pictures: tuple[GeneratedPicture, ...]
    """In the order of their index."""
    failures: tuple[ApiError, ...] = ()
    """Why there are fewer pictures than were asked for, in the order of their index."""
    cost: Cost = NOTHING
    """Of all of it, what failed and the prompt writer included."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Those of all pictures, each once."""
        return tuple(dict.fromkeys(notice for one in self.pictures for notice in one.notices))

    @property
    def written(self) -> FinalPrompt:
        """The prompt of the first of them."""
        return self.pictures[0].written

    @property
    def model(self) -> Model:
        """That drew the first of them."""
        return self.pictures[0].model


Report = FinalPrompt | GeneratedPicture | Waiting
"""What is known on the way to the result."""
Tell = Callable[[Report], None]
"""Called with each report, as soon as it is known."""
Work = Callable[[Tell], Coroutine[Any, Any, Result]]
"""Draws when it is called."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Where and for how long the pictures are kept."""

    base_url: str
    """What their URLs start with, without a slash at its end."""
    lifetime: int
    """Seconds."""
    ids: tuple[str, ...] = ()
    """Identifiers that were chosen before; where there are none each picture gets one when it is stored. The last
    stands for the whole answer: there is a picture under it whichever of them failed."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The ports at work. Holds nothing of any request."""

    model: ImageModel
    rewriter: PromptRewriter
    resizer: Resizer
    store: PictureStore
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, plan: Plan, trace: Trace, spending: Spending, storage: Storage | None, tell: Tell) -> Result:
        """The plan's pictures, those that can be drawn. Without `storage` none is stored.

        Raises an `ApiError` where there is no picture at all: that of the first.
        """
        return await _Run(self, plan, trace, spending, storage, tell).result()


class _Run:
    """One plan at work."""

    def __init__(
        self, ports: Pipeline, plan: Plan, trace: Trace, spending: Spending, storage: Storage | None, tell: Tell
    ) -> None:
        self._ports = ports
        self._plan = plan
        self._trace = trace
        self._spending = spending
        self._storage = storage
        self._tell = tell
        self._text = FinalPrompt(plan.request.prompt, writer=None)
        """The prompt for the pictures that are not begun, of any length."""
        self._rewrite_refused = False
        self._inputs: dict[int, Inputs] = {}
        """What each picture was last asked for with, by its index."""
        self._not_upright = False
        """Whether a picture goes in that lies on its side."""
        self._images: dict[tuple[int, int], tuple[Blob, ...]] = {}
        """The pictures that go in, by the longest side and the most bytes that a model takes."""
        self._preparing = asyncio.Lock()

    async def result(self) -> Result:
        """See `Pipeline.run`."""
        plan = self._plan
        if plan.optimize:
            self._text = await self._write()
        told = self._text.within(plan.model)
        self._tell(told)
        await self._prepared(plan.model)  # first of all: where that fails, nothing is drawn
        result = Result((await self._picture(0),)) if plan.request.n == 1 else await self._several(plan.request.n)
        if result.written != told and not self._rewrite_refused:
            self._tell(result.written)  # the fallback takes less of it
        return replace(result, cost=self._spending.total)

    # --- several --------------------------------------------------------------------------------

    async def _several(self, n: int) -> Result:
        """`n` pictures, at most `MAX_AT_ONCE` at the same time. What fails for one does not concern those under way."""
        pictures: dict[int, GeneratedPicture] = {}
        failures: dict[int, ApiError] = {}
        indexes = iter(range(n))

        async def draw_in_turn() -> None:
            for index in indexes:
                try:
                    pictures[index] = await self._picture(index)
                except ApiError as error:
                    self._trace.count("failed")
                    failures[index] = _bare(error)
                    if _concerns_all(error, any_drawn=bool(pictures)):
                        list(indexes)  # none is begun any more

        if bug := await _side_by_side([draw_in_turn() for _ in range(min(n, MAX_AT_ONCE))]):
            try:
                raise bug
            finally:
                del bug  # or it and this frame would refer to each other
        if not pictures:
            raise failures.pop(min(failures))
        if failures:
            self._trace.failed(failures[min(failures)])
        if self._storage and self._storage.ids and n - 1 not in pictures:
            await self._keep(pictures[max(pictures)].picture, n - 1, self._storage)
        return Result(_in_order(pictures), _in_order(failures))

    async def _picture(self, index: int) -> GeneratedPicture:
        """The picture of the prompt as it is known now, or of the person's own where the filter refuses the writer's.

        The filter reads text alone: what it refuses in the writer's words may pass in the person's. A picture that was
        drawn in the meantime of the writer's words is as good, and paid for.
        """
        text = self._text
        try:
            return await self._finished(text, index)
        except PromptRefused as refused:
            if text.writer is None or _is_final(refused, self._plan.model):
                raise
        self._rewrite_refused = True
        self._text = FinalPrompt(self._plan.request.prompt, writer=None)
        return await self._finished(self._text, index)

    async def _finished(self, text: FinalPrompt, index: int) -> GeneratedPicture:
        drawn, model = await self._draw(text, index)
        cut = await self._cut(drawn)
        url = await self._keep(cut, index, self._storage) if self._storage else None
        notices: dict[Notice, bool] = {
            "rewrite_refused": self._rewrite_refused and text.writer is None,
            "not_upright": self._not_upright,
            "enlarged": cut.width > drawn.width or cut.height > drawn.height,
        }
        said = tuple(notice for notice, applies in notices.items() if applies)
        # What is not stored is in the answer whole.
        preview = await self._preview(cut) if url and self._plan.request.previewed else None
        inputs = self._inputs[index]
        generated = GeneratedPicture(
            cut,
            url,
            text.within(model),
            model,
            index,
            said,
            preview,
            self._spending.of(index),
            seed=_number(inputs, "seed"),
            steps=_number(inputs, model.steps.name) if model.steps else None,
        )
        self._trace.count("pictures")
        self._trace.count("bytes", cut.blob.size)
        self._tell(generated)
        return generated

    # --- write ----------------------------------------------------------------------------------

    async def _write(self) -> FinalPrompt:
        try:
            with self._trace.step("write"):
                answer = await self._rewritten()
        except (RewriteFailed, TimeoutError) as failure:
            # Safe to go on: the person's own prompt is always there to be drawn.
            self._trace.facts.writer_error = str(failure) or "time-out"
            return FinalPrompt(self._plan.request.prompt, writer=None, writer_failed=True)
        rewritten = usable(answer)
        if not rewritten:
            self._trace.facts.writer_error = "unusable"
            return FinalPrompt(self._plan.request.prompt, writer=None, writer_failed=True)
        return FinalPrompt(rewritten, self._ports.rewriter.name)

    async def _rewritten(self) -> str:
        """The writer's answer. It counts as paid for in full unless it says how much it was."""
        writer, given = self._ports.rewriter, self._plan.to_rewrite
        spent = await self._spending.begin(writer.name, writer.most(given))
        try:
            with time_limit(WRITER_SECONDS):
                answer = await writer.rewrite(given)
        except RewriteFailed as failure:
            if not failure.may_have_cost:
                spent.cost = NOTHING
            raise
        else:
            spent.cost = answer.cost
            return answer.text
        finally:
            spent.end()

    # --- draw -----------------------------------------------------------------------------------

    async def _prepared(self, model: Model) -> tuple[Blob, ...]:
        """The pictures that go into a model, upright and none larger than it takes. Made once for all that it draws."""
        if not self._plan.images:
            return ()
        limits = model.max_image_side, MAX_IN_TEXT // len(self._plan.images) if model.partner else MAX_BODY
        async with self._preparing:
            if limits not in self._images:
                self._images[limits] = tuple([await self._fitted(one, *limits) for one in self._plan.images])
        return self._images[limits]

    async def _fitted(self, given: Picture, side: int, most: int) -> Blob:
        """Upright, within `side` pixels and `most` bytes."""
        is_small = max(given.width, given.height) <= side and given.blob.size <= most
        if is_small and given.orientation == 1:
            return given.blob
        try:
            with self._trace.step("shrink"), time_limit(CUT_SECONDS):
                fitted = await self._shrunk(given, side, most)
        except (ResizeFailed, TimeoutError) as failure:
            reason = str(failure) or "time-out"
        else:
            self._not_upright |= fitted.orientation != 1
            return fitted.blob
        if is_small:
            # Models draw from a picture on its side as well, and the answer says so.
            self._trace.facts.upright_error, self._not_upright = reason, True
            return given.blob
        raise InvalidRequest(  # not from within, as in `_asked`
            f"The picture is {given.size}, larger than the model takes, and could not be made "
            f"smaller here: send one of at most {side} pixels a side"
            + ("." if most == MAX_BODY else f" and {most} bytes."),
            param="image",
            detail=reason,
        )

    async def _shrunk(self, given: Picture, side: int, most: int) -> Picture:
        """Made once where its pixels alone count. Raises `ResizeFailed`."""
        if most == MAX_BODY:
            return await self._ports.resizer.fit_within(given, side)
        mime = "image/jpeg" if given.type == "image/jpeg" else "image/webp"  # which keeps what is transparent
        for part in SHRUNK_PARTS:
            fitted = await self._ports.resizer.fit_within(given, round(side * part), mime, SHRUNK_QUALITY)
            if fitted.blob.size <= most:
                return fitted
        raise ResizeFailed(f"still more than {most} bytes")

    async def _draw(self, text: FinalPrompt, index: int) -> tuple[Picture, Model]:
        with self._trace.step("draw"):
            for call in self._plan.calls[:-1]:
                try:
                    return await self._call(call, text, index), call.model
                except ModelOverloaded as overloaded:
                    if _is_final(overloaded, call.model):
                        raise
                    # Not lost: the next model is asked, and the last one's failure is the answer.
                    self._trace.facts.fallback_from = overloaded.upstream_code
            call = self._plan.calls[-1]
            return await self._call(call, text, index), call.model

    async def _call(self, call: ModelCall, text: FinalPrompt, index: int) -> Picture:
        """The model's picture, drawn once more where the filter judged not the prompt but what came of it.

        With a seed of the caller's the same would come of it.
        """
        self._inputs[index] = inputs = call.inputs(text.prompt, index)
        try:
            return await self._try(call, inputs, index)
        except OutputFlagged as flagged:
            if call.seed is not None or _is_final(flagged, call.model):
                raise
        self._trace.count("redrawn")
        if call.model.seeds:
            self._inputs[index] = inputs = {**inputs, "seed": random.getrandbits(32)}
        return await self._try(call, inputs, index)

    async def _try(self, call: ModelCall, inputs: Inputs, index: int) -> Picture:
        """The model's picture. It is waited for only where no other model can be asked instead."""
        images = await self._prepared(call.model)
        if call is not self._plan.calls[-1]:
            return await self._asked(call, inputs, images, index, reject_if_busy=True)
        clock = asyncio.get_running_loop().time
        began = clock()
        for wait in _waits():
            try:
                return await self._asked(call, inputs, images, index)
            except ModelOverloaded as overloaded:
                if clock() - began + wait > RETRY_SECONDS or _is_final(overloaded, call.model):
                    raise
            await self._ports.pause(wait)
        return await self._asked(call, inputs, images, index)

    async def _asked(
        self, call: ModelCall, inputs: Inputs, images: tuple[Blob, ...], index: int, *, reject_if_busy: bool = False
    ) -> Picture:
        """What one call of the model draws. It counts as paid for unless the failure says that nothing was drawn."""
        spent = await self._spending.begin(call.model.id, call.cost, index)
        self._trace.count("model_calls")
        model = call.model
        try:
            with suppress(TimeoutError), time_limit(model.partner.patience if model.partner else DRAW_SECONDS):
                return await self._ports.model.draw(model, inputs, images, reject_if_busy=reject_if_busy)
        except ApiError as failure:
            if not failure.may_have_cost:
                spent.cost = NOTHING
            raise
        finally:
            spent.end()
        # Not from within: a task that ends with a `TimeoutError` in its exception's context is referred to by it, and
        # only the garbage collector would free the two, with the request's pictures.
        raise upstream.timed_out()

    # --- cut and keep ---------------------------------------------------------------------------

    async def _cut(self, drawn: Picture) -> Picture:
        """The picture at the size and of the type that were asked for.

        Where that cannot be done, the picture as it came: it is paid for, and the answer names
        what it really is.
        """
        self._trace.notes["draw"] = f"{drawn.size} {drawn.type}"
        options, size = self._plan.request.options, self._plan.size
        mime = options.mime or drawn.type
        fits = (drawn.width, drawn.height) == (size.width, size.height)
        if fits and mime == drawn.type and options.compression is None:
            return drawn
        try:
            with self._trace.step("cut"), time_limit(CUT_SECONDS):
                return await self._ports.resizer.resize(drawn, size, mime, options.compression)
        except (ResizeFailed, TimeoutError) as failure:
            self._trace.facts.cut_error = str(failure) or "time-out"
            return drawn

    async def _preview(self, whole: Picture) -> Picture | None:
        """A small copy of the picture, or itself where it needs none or none can be made."""
        if max(whole.width, whole.height) <= PREVIEW_SIDE and whole.blob.size <= MAX_PREVIEW:
            return whole
        try:
            with self._trace.step("preview"), time_limit(CUT_SECONDS):
                for side, quality in PREVIEWS:
                    small = await self._ports.resizer.fit_within(whole, side, "image/jpeg", quality)
                    if small.blob.size <= MAX_PREVIEW:
                        return small
        except (ResizeFailed, TimeoutError) as failure:
            # Not lost: the answer has its link.
            self._trace.facts.preview_error = str(failure) or "time-out"
        return whole if whole.blob.size <= MAX_SHOWN_WHOLE else None

    async def _keep(self, drawn: Picture, index: int, storage: Storage) -> str | None:
        """The picture's URL, told only once it is stored: KV remembers a miss for a minute."""
        id = storage.ids[index] if storage.ids else picture.new_id(int(time.time()) + storage.lifetime)
        try:
            with self._trace.step("keep"), time_limit(KEEP_SECONDS):
                await self._ports.store.put(id, drawn)
        except (NotStored, TimeoutError) as failure:
            # Not lost: without a URL the answer carries the picture itself.
            self._trace.facts.keep_error = str(failure) or "time-out"
            return None
        return f"{storage.base_url}/image/{picture.file_name(id, drawn.type)}"


def _is_final(failure: UpstreamFailure, model: Model) -> bool:
    """Whether nothing is asked again after a failure: the call may have drawn, and is one of those that cost most."""
    return model.partner is not None and failure.may_have_cost


def _concerns_all(failure: ApiError, *, any_drawn: bool) -> bool:
    """Whether a picture's failure is that of all which are not begun, so that asking for them would be in vain.

    What Workers AI will say again: the allowance is used up, the account may not, the filter refuses the prompt. What
    the ledger will: the budget is used up, or it does not answer. And a model without capacity, all tries and the
    fallback included, that has not drawn any: the caller would wait as long again for each `MAX_AT_ONCE` of them.
    """
    if isinstance(failure, ModelOverloaded):
        return not any_drawn
    if isinstance(failure, BudgetUnavailable):
        return True
    return failure.should_retry is False and not isinstance(failure, OutputFlagged)


def _bare(failure: ApiError) -> ApiError:
    """The failure without what it refers to, to be kept."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _number(inputs: Inputs, name: str) -> int | None:
    value = inputs.get(name)
    return value if isinstance(value, int) else None


_T = TypeVar("_T")


def _in_order(by_index: dict[int, _T]) -> tuple[_T, ...]:
    return tuple(by_index[index] for index in sorted(by_index))


async def _side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> BaseException | None:
    """Run the works at the same time, until all are over. The first failure ends the others and is returned.

    Not a `TaskGroup`: up to Python 3.13 its exceptions refer to themselves, and so keep the request's pictures until
    the garbage collector runs.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    failures = [task.exception() for task in tasks if not task.cancelled()]
    return next(filter(None, failures), None)


def _waits() -> Iterator[float]:
    """Seconds between the tries of one model."""
    for attempt in range(TRIES - 1):
        yield FIRST_WAIT * 2**attempt * (1 + random.random())  # noqa: S311 - no secret: it spreads retries


def unheard(_report: Report) -> None:
    """For reports that nobody waits for."""


MAX_LABEL_LENGTH = 40
"""Characters of what a text model puts before its answer: "Here is the improved prompt:"."""


def usable(answer: str) -> str:
    """The prompt in a text model's answer, "" where there is none.

    Models that reason put that in front; many wrap the prompt in quotes, in a fence, or announce
    it; a gateway in trouble answers with a page of HTML.
    """
    text = clean(answer).rsplit("</think>", 1)[-1].strip()
    if text[:1] == "<":
        return ""
    if text.startswith("```") and "\n" in text:
        text = text.partition("\n")[2]  # past the fence and what it calls itself
    text = text.strip("`").strip()
    head, colon, rest = text.partition(":")
    if colon and "prompt" in head.lower() and len(head) < MAX_LABEL_LENGTH:
        text = rest.strip("*_").strip() or text
    if len(text) > 1 and text[0] in "\"'“«" and text[-1] in "\"'”»":
        text = text[1:-1].strip()
    return " ".join(text.split())
