"""Write, draw, cut, keep: the only steps that wait."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from flux import picture, upstream
from flux.catalog import Model
from flux.errors import InvalidRequest, ModelOverloaded, PromptRefused
from flux.picture import Picture
from flux.plan import ModelCall, Plan
from flux.ports import ImageModel, Inputs, NotStored, PictureStore, PromptRewriter, ResizeFailed, Resizer, RewriteFailed
from flux.prompt import shorten
from flux.text import Blob, clean
from flux.trace import Trace

WRITER_SECONDS = 10
CUT_SECONDS = 10
KEEP_SECONDS = 10
"""Longest waits for what is no model: a picture that is paid for is not held for longer."""
DRAW_SECONDS = 60
"""One try of a model. NextChat, the least patient app, gives up at 60 s."""
TRIES = 3
"""Of one model that is out of capacity."""
RETRY_SECONDS = 15
"""No new try of the same model begins later than this after the first."""
FIRST_WAIT = 0.5
"""Seconds before the second try, doubled for each further one, plus up to as much by chance."""


@dataclass(frozen=True, slots=True)
class FinalPrompt:
    """The prompt that goes to the model."""

    prompt: str
    writer: str | None
    """Name of the text model that wrote it; None where it is the person's own."""
    writer_failed: bool = False


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


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a plan: as many pictures as were wished for."""

    pictures: tuple[GeneratedPicture, ...]
    rewrite_refused: bool = False

    @property
    def written(self) -> FinalPrompt:
        """The prompt that was drawn in the end."""
        return self.pictures[0].written

    @property
    def model(self) -> Model:
        """That drew the first of them."""
        return self.pictures[0].model


Report = FinalPrompt | GeneratedPicture
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
    """Identifiers that were chosen before; where there are none each picture gets one when it is stored."""


class Pipeline:
    """The ports at work. Holds nothing of any request."""

    def __init__(
        self,
        model: ImageModel,
        rewriter: PromptRewriter,
        resizer: Resizer,
        store: PictureStore,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._rewriter = rewriter
        self._resizer = resizer
        self._store = store
        self._pause = pause

    async def run(self, plan: Plan, trace: Trace, storage: Storage | None, tell: Tell) -> Result:
        """The plan's pictures, all of them or an `ApiError`. Without `storage` none is stored."""
        written = await self._write(plan, trace)
        tell(written)
        images = await self._prepared(plan, trace)

        async def drawn(written: FinalPrompt, tell: Tell) -> list[GeneratedPicture]:
            async def one(index: int) -> GeneratedPicture:
                came, model = await self._draw(plan, written.prompt, index, images, trace)
                cut = await self._cut(came, plan, trace)
                url = await self._keep(cut, index, storage, trace) if storage else None
                generated = GeneratedPicture(cut, url, written, model, index)
                trace.count("pictures")
                trace.count("bytes", cut.blob.size)
                tell(generated)
                return generated

            return await _all(one, plan.request.n)

        if written.writer is None:
            return Result(tuple(await drawn(written, tell)))
        # The filter reads text alone: what it refuses in the writer's words may pass in the person's. Until it is
        # known which words were drawn, no picture is reported.
        try:
            pictures, refused = await drawn(written, unheard), False
        except PromptRefused:
            pictures, refused = await drawn(FinalPrompt(_whole(plan), writer=None), unheard), True
        for generated in pictures:
            tell(generated)
        return Result(tuple(pictures), rewrite_refused=refused)

    # --- write ----------------------------------------------------------------------------------

    async def _write(self, plan: Plan, trace: Trace) -> FinalPrompt:
        original = _whole(plan)
        if not plan.optimize:
            return FinalPrompt(original, writer=None)
        try:
            with trace.step("write"):
                async with asyncio.timeout(WRITER_SECONDS):
                    answer = await self._rewriter.rewrite(plan.to_rewrite)
        except (RewriteFailed, TimeoutError) as failure:
            # Safe to go on: the person's own prompt is always there to be drawn.
            trace.facts.writer_error = str(failure) or "time-out"
            return FinalPrompt(original, writer=None, writer_failed=True)
        prompt = usable(answer)
        if not prompt:
            trace.facts.writer_error = "unusable"
            return FinalPrompt(original, writer=None, writer_failed=True)
        return FinalPrompt(shorten(prompt, plan.model.max_prompt), self._rewriter.name)

    # --- draw -----------------------------------------------------------------------------------

    async def _prepared(self, plan: Plan, trace: Trace) -> tuple[Blob, ...]:
        """The pictures that go in, none larger than the model takes."""
        return tuple([await self._shrunk(one, plan.model.max_image_side, trace) for one in plan.images])

    async def _shrunk(self, given: Picture, side: int, trace: Trace) -> Blob:
        if max(given.width, given.height) <= side:
            return given.blob
        try:
            with trace.step("shrink"):
                async with asyncio.timeout(CUT_SECONDS):
                    return (await self._resizer.fit_within(given, side)).blob
        except (ResizeFailed, TimeoutError) as failure:
            reason = str(failure) or "time-out"
        raise InvalidRequest(  # not from within, as in `_asked`
            f"The picture is {given.size}, larger than the model takes, and could not be made "
            f"smaller here: send one of at most {side} pixels a side.",
            param="image",
            detail=reason,
        )

    async def _draw(
        self, plan: Plan, prompt: str, index: int, images: tuple[Blob, ...], trace: Trace
    ) -> tuple[Picture, Model]:
        with trace.step("draw"):
            for call in plan.calls[:-1]:
                try:
                    return await self._try(call, prompt, index, images, trace), call.model
                except ModelOverloaded as overloaded:
                    # Not lost: the next model is asked, and the last one's failure is the answer.
                    trace.facts.fallback_from = overloaded.upstream_code
            call = plan.calls[-1]
            return await self._try(call, prompt, index, images, trace), call.model

    async def _try(self, call: ModelCall, prompt: str, index: int, images: tuple[Blob, ...], trace: Trace) -> Picture:
        inputs = call.inputs(prompt, index)
        clock = asyncio.get_running_loop().time
        began = clock()
        for wait in _waits():
            try:
                return await self._asked(call, inputs, images, trace)
            except ModelOverloaded:
                if clock() - began + wait > RETRY_SECONDS:
                    raise
            await self._pause(wait)
        return await self._asked(call, inputs, images, trace)

    async def _asked(self, call: ModelCall, inputs: Inputs, images: tuple[Blob, ...], trace: Trace) -> Picture:
        trace.count("model_calls")
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAW_SECONDS):
                return await self._model.draw(call.model, inputs, images)
        # Not from within: a task that ends with a `TimeoutError` in its exception's context is referred to by it, and
        # only the garbage collector would free the two, with the request's pictures.
        raise upstream.timed_out()

    # --- cut and keep ---------------------------------------------------------------------------

    async def _cut(self, drawn: Picture, plan: Plan, trace: Trace) -> Picture:
        """The picture at the size and of the type that were asked for.

        Where that cannot be done, the picture as it came: it is paid for, and the answer names
        what it really is.
        """
        options = plan.request.options
        mime = options.mime or drawn.type
        fits = (drawn.width, drawn.height) == (plan.size.width, plan.size.height)
        if fits and mime == drawn.type and options.compression is None:
            return drawn
        try:
            with trace.step("cut"):
                async with asyncio.timeout(CUT_SECONDS):
                    return await self._resizer.resize(drawn, plan.size, mime, options.compression)
        except (ResizeFailed, TimeoutError) as failure:
            trace.facts.cut_error = str(failure) or "time-out"
            return drawn

    async def _keep(self, drawn: Picture, index: int, storage: Storage, trace: Trace) -> str | None:
        """The picture's URL, told only once it is stored: KV remembers a miss for a minute."""
        id = storage.ids[index] if storage.ids else picture.new_id(int(time.time()) + storage.lifetime)
        try:
            with trace.step("keep"):
                async with asyncio.timeout(KEEP_SECONDS):
                    await self._store.put(id, drawn)
        except (NotStored, TimeoutError) as failure:
            # Not lost: without a URL the answer carries the picture itself.
            trace.facts.keep_error = str(failure) or "time-out"
            return None
        return f"{storage.base_url}/image/{picture.file_name(id, drawn.type)}"


_T = TypeVar("_T")


async def _all(one: Callable[[int], Coroutine[Any, Any, _T]], n: int) -> list[_T]:
    """`one(0)` to `one(n - 1)` side by side; the first failure ends the others and is raised."""
    if n == 1:
        return [await one(0)]
    results: dict[int, _T] = {}

    async def keep(index: int) -> None:
        results[index] = await one(index)

    if failure := await _side_by_side([keep(index) for index in range(n)]):
        try:
            raise failure
        finally:
            del failure  # or it and this frame would refer to each other
    return [results[index] for index in range(n)]


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


def _whole(plan: Plan) -> str:
    return shorten(plan.request.prompt, plan.model.max_prompt)


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
