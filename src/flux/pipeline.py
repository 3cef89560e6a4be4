"""Rewrite, draw, resize, store: the only steps that wait."""

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
"""Longest waits for everything but the image model. A picture that is paid for is not held up longer than this."""
DRAW_SECONDS = 60
"""For one call of a Workers AI model. NextChat, the least patient app, gives up after 60 s."""
TRIES = 3
"""Attempts with the last available model while it is out of capacity."""
RETRY_SECONDS = 15
"""After this time no new attempt with the same model begins."""
MAX_AT_ONCE = 4
"""Most pictures of one request that are drawn at the same time. A Worker has six connections; the others store
pictures."""
PREVIEW_SIDE, MAX_PREVIEW = 512, 100_000
"""Most pixels per side and most bytes of a preview: MCP hosts refuse results of a megabyte or of 25,000 tokens."""
PREVIEWS = (PREVIEW_SIDE, 80), (PREVIEW_SIDE // 2, 60)
"""Side and JPEG quality, tried in turn; only noise is too large at the first. Each attempt is one billed
transformation."""
MAX_SHOWN_WHOLE = 256 * 1024
"""Most bytes of a picture that is used as its own preview if no preview can be made."""
MAX_IN_TEXT = 500_000
"""Most bytes of all input pictures of one request to a model that takes them as text. During the call they occupy about
five times as much of an isolate's 128 MB, as base64 and in JSON. Measured: 16 requests take about 50 MB, and as much
again for output pictures of 2 MB."""
SHRUNK_PARTS, SHRUNK_QUALITY = (1, 0.7, 0.5, 0.35, 0.25), 80
"""Fractions of the longest side, tried in turn until the picture is small enough. Each attempt is one billed
transformation."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt. The wait doubles with each further attempt; random jitter of up to 100% is
added."""


@dataclass(frozen=True, slots=True)
class FinalPrompt:
    """The prompt that goes to the model."""

    prompt: str
    writer: str | None
    """Name of the text model that wrote the prompt; None if it is the user's own."""
    writer_failed: bool = False

    def within(self, model: Model) -> "FinalPrompt":
        """The prompt, shortened if the model takes less."""
        prompt = shorten(self.prompt, model.max_prompt)
        return self if prompt is self.prompt else replace(self, prompt=prompt)


@dataclass(frozen=True, slots=True)
class GeneratedPicture:
    """One finished picture."""

    picture: Picture
    url: str | None
    """None if the picture is not stored and is part of the answer instead."""
    final_prompt: FinalPrompt
    """The prompt that was drawn."""
    model: Model
    """The model that drew it: the fallback if the first one was out of capacity."""
    index: int = 0
    """Its index among the pictures of the request."""
    notices: tuple[Notice, ...] = ()
    """What could not be followed for this picture."""
    preview: Picture | None = None
    """A small copy, or the picture itself if it is small; None if there is no preview or none is wanted."""
    cost: Cost = NOTHING
    """The cost of the prompt rewriter is included in the first picture to finish."""
    seed: int | None = None
    steps: int | None = None
    """The seed and the steps sent to the model; None if it was sent none."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has been reported for a while."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a plan: at least one picture."""

    pictures: tuple[GeneratedPicture, ...]
    """Ordered by index."""
    failures: tuple[ApiError, ...] = ()
    """The failures of the missing pictures, ordered by index."""
    cost: Cost = NOTHING
    """The total, including failed calls and the prompt rewriter."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices of all pictures, without duplicates."""
        return tuple(dict.fromkeys(notice for one in self.pictures for notice in one.notices))

    @property
    def final_prompt(self) -> FinalPrompt:
        """The prompt of the first picture."""
        return self.pictures[0].final_prompt

    @property
    def model(self) -> Model:
        """The model that drew the first picture."""
        return self.pictures[0].model


Report = FinalPrompt | GeneratedPicture | Waiting
"""Progress on the way to the result."""
Tell = Callable[[Report], None]
"""Called with each report as soon as there is one."""
Work = Callable[[Tell], Coroutine[Any, Any, Result]]
"""Draws when called."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the pictures are stored, and for how long."""

    base_url: str
    """What their URLs start with, without a slash at the end."""
    lifetime: int
    """In seconds."""
    ids: tuple[str, ...] = ()
    """Identifiers chosen in advance. If there are none, each picture gets one when it is stored. The last identifier
    stands for the whole answer: a picture is stored under it whichever pictures failed."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The ports, combined. It keeps no state of a request."""

    model: ImageModel
    rewriter: PromptRewriter
    resizer: Resizer
    store: PictureStore
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, plan: Plan, trace: Trace, spending: Spending, storage: Storage | None, tell: Tell) -> Result:
        """Draw the plan's pictures, as many as can be drawn. Without `storage` none is stored.

        If no picture can be drawn, raises the `ApiError` of the first one.
        """
        return await _Run(self, plan, trace, spending, storage, tell).result()


class _Run:
    """One plan being carried out."""

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
        """The prompt for pictures that have not begun yet, at full length."""
        self._rewrite_refused = False
        self._not_upright = False
        """Whether an input picture lies on its side."""
        self._images: dict[tuple[int, int], tuple[Blob, ...]] = {}
        """The prepared input pictures, by the longest side and the most bytes that a model accepts."""
        self._preparing = asyncio.Lock()

    async def result(self) -> Result:
        """See `Pipeline.run`."""
        plan = self._plan
        if plan.optimize:
            self._text = await self._write()
        told = self._text.within(plan.model)
        self._tell(told)
        await self._prepared(plan.model)  # before drawing: if this fails, nothing is drawn
        result = await (self._one() if plan.request.n == 1 else self._several(plan.request.n))
        if result.final_prompt != told and not self._rewrite_refused:
            self._tell(result.final_prompt)  # the fallback takes a shorter one
        return result

    async def _one(self) -> Result:
        return Result((await self._picture(0),), cost=self._spending.total)

    # --- several pictures -----------------------------------------------------------------------

    async def _several(self, n: int) -> Result:
        """Draw `n` pictures, at most `MAX_AT_ONCE` at a time. One failure does not affect pictures that have begun."""
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
                        list(indexes)  # begin no more pictures

        if bug := await _side_by_side([draw_in_turn() for _ in range(min(n, MAX_AT_ONCE))]):
            try:
                raise bug
            finally:
                del bug  # avoids a reference cycle between the exception and this frame
        if not pictures:
            raise failures.pop(min(failures))
        if failures:
            self._trace.failed(failures[min(failures)])
        if self._storage and self._storage.ids and n - 1 not in pictures:
            await self._keep(pictures[max(pictures)].picture, n - 1, self._storage)
        return Result(_in_order(pictures), _in_order(failures), self._spending.total)

    async def _picture(self, index: int) -> GeneratedPicture:
        """Draw with the current prompt, or with the user's own if the filter refuses the rewritten one.

        The filter reads only the text, so it may accept the user's words after refusing the rewriter's. Other pictures
        that were meanwhile drawn from the rewritten prompt are kept: they are good and paid for.
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
        drawn, inputs, model = await self._draw(text, index)
        cut = await self._cut(drawn)
        url = await self._keep(cut, index, self._storage) if self._storage else None
        # Pictures that are not stored are part of the answer at full size.
        preview = await self._preview(cut) if url and self._plan.request.previewed else None
        generated = GeneratedPicture(
            cut,
            url,
            text.within(model),
            model,
            index,
            tuple(self._notices(text, drawn, cut)),
            preview,
            self._spending.of(index),
            seed=_number(inputs, "seed"),
            steps=_number(inputs, model.steps.name) if model.steps else None,
        )
        self._trace.count("pictures")
        self._trace.count("bytes", cut.blob.size)
        self._tell(generated)
        return generated

    def _notices(self, text: FinalPrompt, drawn: Picture, cut: Picture) -> Iterator[Notice]:
        if self._rewrite_refused and text.writer is None:
            yield "rewrite_refused"
        if self._not_upright:
            yield "not_upright"
        if cut.width > drawn.width or cut.height > drawn.height:
            yield "enlarged"

    # --- rewrite --------------------------------------------------------------------------------

    async def _write(self) -> FinalPrompt:
        try:
            with self._trace.step("write"):
                answer = await self._rewritten()
        except (RewriteFailed, TimeoutError) as failure:
            # Safe to continue: the user's own prompt can always be drawn.
            self._trace.facts.writer_error = str(failure) or "time-out"
            return FinalPrompt(self._plan.request.prompt, writer=None, writer_failed=True)
        rewritten = usable(answer)
        if not rewritten:
            self._trace.facts.writer_error = "unusable"
            return FinalPrompt(self._plan.request.prompt, writer=None, writer_failed=True)
        return FinalPrompt(rewritten, self._ports.rewriter.name)

    async def _rewritten(self) -> str:
        """The rewriter's answer. It is charged in full unless the answer gives the real cost."""
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
        """The input pictures for a model, upright and within its limits. Prepared once, for all pictures it draws."""
        if not self._plan.images:
            return ()
        limits = model.max_image_side, MAX_IN_TEXT // len(self._plan.images) if model.partner else MAX_BODY
        async with self._preparing:
            if limits not in self._images:
                self._images[limits] = tuple([await self._fitted(one, *limits) for one in self._plan.images])
        return self._images[limits]

    async def _fitted(self, given: Picture, side: int, most: int) -> Blob:
        """The picture, upright and within `side` pixels and `most` bytes."""
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
            # Models also draw from a picture that lies on its side, and the answer mentions it.
            self._trace.facts.upright_error, self._not_upright = reason, True
            return given.blob
        raise InvalidRequest(  # raised outside the `except` block, as in `_asked`
            f"The picture is {given.size}, larger than the model takes, and could not be made "
            f"smaller here: send one of at most {side} pixels a side"
            + ("." if most == MAX_BODY else f" and {most} bytes."),
            param="image",
            detail=reason,
        )

    async def _shrunk(self, given: Picture, side: int, most: int) -> Picture:
        """The picture, resized once if only its pixels are limited. Raises `ResizeFailed`."""
        if most == MAX_BODY:
            return await self._ports.resizer.fit_within(given, side)
        mime = "image/jpeg" if given.type == "image/jpeg" else "image/webp"  # WebP keeps transparency
        for part in SHRUNK_PARTS:
            fitted = await self._ports.resizer.fit_within(given, round(side * part), mime, SHRUNK_QUALITY)
            if fitted.blob.size <= most:
                return fitted
        raise ResizeFailed(f"still more than {most} bytes")

    async def _draw(self, text: FinalPrompt, index: int) -> tuple[Picture, Inputs, Model]:
        """The picture, and the inputs and the model that it was drawn with."""
        with self._trace.step("draw"):
            for call in self._plan.calls[:-1]:
                try:
                    return *await self._call(call, text, index), call.model
                except ModelOverloaded as overloaded:
                    if _is_final(overloaded, call.model):
                        raise
                    # Not lost: the next model is called, and the last model's failure is reported.
                    self._trace.facts.fallback_from = overloaded.upstream_code
            call = self._plan.calls[-1]
            return *await self._call(call, text, index), call.model

    async def _call(self, call: ModelCall, text: FinalPrompt, index: int) -> tuple[Picture, Inputs]:
        """The model's picture, and the inputs that it was drawn with.

        If the filter refuses the picture and not the prompt, draw once more. Not if the caller chose the
        seed: the result would be the same.
        """
        inputs = call.inputs(text.prompt, index)
        try:
            return await self._try(call, inputs, index), inputs
        except OutputFlagged as flagged:
            if call.seed is not None or _is_final(flagged, call.model):
                raise
        self._trace.count("redrawn")
        if call.model.seeds:
            inputs = {**inputs, "seed": random.getrandbits(32)}
        return await self._try(call, inputs, index), inputs

    async def _try(self, call: ModelCall, inputs: Inputs, index: int) -> Picture:
        """The model's picture. It is retried only if it is the last model."""
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
        """The picture from one model call. The call is charged unless the failure says that nothing was drawn."""
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
        # Raised outside the `except` block: a task whose exception has a `TimeoutError` as context is in a reference
        # cycle, and only the garbage collector would free it, together with the request's pictures.
        raise upstream.timed_out()

    # --- resize and store -----------------------------------------------------------------------

    async def _cut(self, drawn: Picture) -> Picture:
        """The picture at the requested size and type.

        If resizing fails, the picture as drawn: it is paid for, and the answer states its real size and type.
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
        """A small copy of the picture. The picture itself if it is small enough, or if no copy can be made."""
        if max(whole.width, whole.height) <= PREVIEW_SIDE and whole.blob.size <= MAX_PREVIEW:
            return whole
        try:
            with self._trace.step("preview"), time_limit(CUT_SECONDS):
                for side, quality in PREVIEWS:
                    small = await self._ports.resizer.fit_within(whole, side, "image/jpeg", quality)
                    if small.blob.size <= MAX_PREVIEW:
                        return small
        except (ResizeFailed, TimeoutError) as failure:
            # Not lost: the answer has the link.
            self._trace.facts.preview_error = str(failure) or "time-out"
        return whole if whole.blob.size <= MAX_SHOWN_WHOLE else None

    async def _keep(self, drawn: Picture, index: int, storage: Storage) -> str | None:
        """Store the picture and return its URL. Nobody may see it earlier: KV caches a miss for a minute."""
        id = storage.ids[index] if storage.ids else picture.new_id(int(time.time()) + storage.lifetime)
        try:
            with self._trace.step("keep"), time_limit(KEEP_SECONDS):
                await self._ports.store.put(id, drawn)
        except (NotStored, TimeoutError) as failure:
            # Not lost: without a URL the answer contains the picture itself.
            self._trace.facts.keep_error = str(failure) or "time-out"
            return None
        return f"{storage.base_url}/image/{picture.file_name(id, drawn.type)}"


def _is_final(failure: UpstreamFailure, model: Model) -> bool:
    """Whether a failure rules out another attempt: the model is expensive, and the call may have drawn."""
    return model.partner is not None and failure.may_have_cost


def _concerns_all(failure: ApiError, *, any_drawn: bool) -> bool:
    """Whether a picture's failure applies to all pictures that have not begun, so that trying them is pointless.

    These failures of Workers AI do: the allowance is used up, the account is not authorized, or the filter refuses the
    prompt. So do these of the ledger: the budget is used up, or it does not answer. A model without capacity does too
    if it has drawn nothing after all attempts and the fallback: the caller would wait as long again for each
    `MAX_AT_ONCE` of them.
    """
    if isinstance(failure, ModelOverloaded):
        return not any_drawn
    if isinstance(failure, BudgetUnavailable):
        return True
    return failure.should_retry is False and not isinstance(failure, OutputFlagged)


def _bare(failure: ApiError) -> ApiError:
    """The failure without references to other exceptions and frames, so that it can be kept."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _number(inputs: Inputs, name: str) -> int | None:
    value = inputs.get(name)
    return value if isinstance(value, int) else None


_T = TypeVar("_T")


def _in_order(by_index: dict[int, _T]) -> tuple[_T, ...]:
    return tuple(by_index[index] for index in sorted(by_index))


async def _side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> BaseException | None:
    """Run all works at the same time until they are done. The first failure cancels the others and is returned.

    This is not a `TaskGroup`: up to Python 3.13 its exceptions refer to themselves, and keep the request's pictures in
    memory until the garbage collector runs.
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
    """Seconds between attempts with one model."""
    for attempt in range(TRIES - 1):
        yield FIRST_WAIT * 2**attempt * (1 + random.random())  # noqa: S311 - jitter, not a secret


def unheard(_report: Report) -> None:
    """Ignores reports."""


MAX_LABEL_LENGTH = 40
"""Most characters of a label before a text model's answer, such as "Here is the improved prompt:"."""


def usable(answer: str) -> str:
    """The prompt in a text model's answer; "" if there is none.

    Reasoning models put their reasoning first. Many models put the prompt in quotes or a code fence, or introduce it
    with a label. A failing gateway answers with an HTML page.
    """
    text = clean(answer).rsplit("</think>", 1)[-1].strip()
    if text[:1] == "<":
        return ""
    if text.startswith("```") and "\n" in text:
        text = text.partition("\n")[2]  # skip the fence's first line
    text = text.strip("`").strip()
    head, colon, rest = text.partition(":")
    if colon and "prompt" in head.lower() and len(head) < MAX_LABEL_LENGTH:
        text = rest.strip("*_").strip() or text
    if len(text) > 1 and text[0] in "\"'“«" and text[-1] in "\"'”»":
        text = text[1:-1].strip()
    return " ".join(text.split())
