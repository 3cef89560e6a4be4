"""Write, draw, cut, keep: the only steps that wait."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from flux import picture, upstream
from flux.catalog import Model
from flux.errors import InvalidRequest, ModelOverloaded, PromptRefused
from flux.picture import Picture
from flux.plan import Plan, Way
from flux.ports import CutFailed, Cutter, Gallery, ImageModel, NotKept, Writer, WriterFailed
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
class Written:
    """The prompt that goes to the model."""

    prompt: str
    writer: str | None
    """Name of the text model that wrote it; None where it is the person's own."""
    writer_failed: bool = False


@dataclass(frozen=True, slots=True)
class Print:
    """One finished picture."""

    picture: Picture
    url: str | None
    """None: it is not stored and travels in the answer itself."""
    written: Written
    """The prompt that was drawn."""
    model: Model
    """That drew; the fallback where the first was out of capacity."""


@dataclass(frozen=True, slots=True)
class Album:
    """What came of a plan: as many prints as were wished for."""

    prints: tuple[Print, ...]
    rewrite_refused: bool = False

    @property
    def written(self) -> Written:
        """The prompt that was drawn in the end."""
        return self.prints[0].written

    @property
    def model(self) -> Model:
        """That drew the first of them."""
        return self.prints[0].model


Report = Callable[[Written | Print], None]
"""Told what is known, as soon as it is."""
Work = Callable[[Report], Coroutine[Any, Any, Album]]
"""Draws when it is called, and tells the report what is known on the way."""


class Studio:
    """The ports at work. Holds nothing of any request."""

    def __init__(
        self,
        model: ImageModel,
        writer: Writer,
        cutter: Cutter,
        gallery: Gallery,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._writer = writer
        self._cutter = cutter
        self._gallery = gallery
        self._pause = pause

    async def make(self, plan: Plan, trace: Trace, *, links: str | None, lifetime: int, report: Report) -> Album:
        """The plan's pictures, all of them or an `ApiError`.

        `links` is what URLs start with, None where nothing is to be stored; `lifetime` seconds.
        """
        written = await self._write(plan, trace)
        report(written)
        images = await self._prepared(plan, trace)

        async def drawn(written: Written, tell: Report) -> list[Print]:
            async def one(index: int) -> Print:
                came, model = await self._draw(plan, written.prompt, index, images, trace)
                cut = await self._cut(came, plan, trace)
                url = await self._keep(cut, links, lifetime, trace) if links else None
                printed = Print(cut, url, written, model)
                trace.count("pictures")
                trace.count("bytes", cut.blob.size)
                tell(printed)
                return printed

            return await _all(one, plan.wish.n)

        if written.writer is None:
            return Album(tuple(await drawn(written, report)))
        # The filter reads text alone: what it refuses in the writer's words may pass in the person's. Until it is
        # known which words were drawn, no picture is reported.
        try:
            prints, refused = await drawn(written, unheard), False
        except PromptRefused:
            prints, refused = await drawn(Written(_whole(plan), writer=None), unheard), True
        for printed in prints:
            report(printed)
        return Album(tuple(prints), rewrite_refused=refused)

    # --- write ----------------------------------------------------------------------------------

    async def _write(self, plan: Plan, trace: Trace) -> Written:
        original = _whole(plan)
        if not plan.optimize:
            return Written(original, writer=None)
        try:
            with trace.step("write"):
                async with asyncio.timeout(WRITER_SECONDS):
                    answer = await self._writer.write(plan.wish.prompt)
        except (WriterFailed, TimeoutError) as failure:
            # Safe to go on: the person's own prompt is always there to be drawn.
            trace.facts["writer_error"] = str(failure) or "time-out"
            return Written(original, writer=None, writer_failed=True)
        prompt = usable(answer)
        if not prompt:
            trace.facts["writer_error"] = "unusable"
            return Written(original, writer=None, writer_failed=True)
        return Written(shorten(prompt, plan.model.most_prompt), self._writer.name)

    # --- draw -----------------------------------------------------------------------------------

    async def _prepared(self, plan: Plan, trace: Trace) -> tuple[Blob, ...]:
        """The pictures that go in, none larger than the model takes."""
        return tuple([await self._shrunk(one, plan.model.image_side, trace) for one in plan.images])

    async def _shrunk(self, given: Picture, side: int, trace: Trace) -> Blob:
        if max(given.width, given.height) <= side:
            return given.blob
        try:
            with trace.step("shrink"):
                async with asyncio.timeout(CUT_SECONDS):
                    return (await self._cutter.shrink(given, side)).blob
        except (CutFailed, TimeoutError) as failure:
            raise InvalidRequest(
                f"The picture is {given.size}, larger than the model takes, and could not be made "
                f"smaller here: send one of at most {side} pixels a side.",
                param="image",
                detail=str(failure) or "time-out",
            ) from failure

    async def _draw(
        self, plan: Plan, prompt: str, index: int, images: tuple[Blob, ...], trace: Trace
    ) -> tuple[Picture, Model]:
        with trace.step("draw"):
            for way in plan.ways[:-1]:
                try:
                    return await self._try(way, prompt, index, images, trace), way.model
                except ModelOverloaded as overloaded:
                    # Not lost: the next way is tried, and the last one's failure is the answer.
                    trace.facts["fallback_from"] = overloaded.upstream_code
            way = plan.ways[-1]
            return await self._try(way, prompt, index, images, trace), way.model

    async def _try(self, way: Way, prompt: str, index: int, images: tuple[Blob, ...], trace: Trace) -> Picture:
        inputs = way.inputs(prompt, index)
        began = time.time()
        for attempt in range(TRIES):
            trace.count("model_calls")
            try:
                async with asyncio.timeout(DRAW_SECONDS):
                    return await self._model.draw(way.model, inputs, images)
            except TimeoutError:
                failure = upstream.timed_out()
            except ModelOverloaded as overloaded:
                failure = overloaded
            wait = FIRST_WAIT * 2**attempt * (1 + random.random())  # noqa: S311 - no secret: it spreads retries
            if attempt == TRIES - 1 or time.time() - began + wait > RETRY_SECONDS:
                break
            await self._pause(wait)
        raise failure

    # --- cut and keep ---------------------------------------------------------------------------

    async def _cut(self, drawn: Picture, plan: Plan, trace: Trace) -> Picture:
        """The picture at the size and of the type that were asked for.

        Where that cannot be done, the picture as it came: it is paid for, and the answer names
        what it really is.
        """
        mime = plan.mime or drawn.type
        fits = (drawn.width, drawn.height) == (plan.size.width, plan.size.height)
        if fits and mime == drawn.type and plan.compression is None:
            return drawn
        try:
            with trace.step("cut"):
                async with asyncio.timeout(CUT_SECONDS):
                    return await self._cutter.cut(drawn, plan.size, mime, plan.compression)
        except (CutFailed, TimeoutError) as failure:
            trace.facts["cut_error"] = str(failure) or "time-out"
            return drawn

    async def _keep(self, drawn: Picture, links: str, lifetime: int, trace: Trace) -> str | None:
        """The picture's URL, told only once it is stored: KV remembers a miss for a minute."""
        expires = int(time.time()) + lifetime
        key = picture.new_key(drawn.type, expires)
        try:
            with trace.step("keep"):
                async with asyncio.timeout(KEEP_SECONDS):
                    await self._gallery.keep(key, drawn, expires)
        except (NotKept, TimeoutError) as failure:
            # Not lost: without a URL the answer carries the picture itself.
            trace.facts["keep_error"] = str(failure) or "time-out"
            return None
        return f"{links}/image/{key}"


_T = TypeVar("_T")


async def _all(one: Callable[[int], Coroutine[Any, Any, _T]], n: int) -> list[_T]:
    """`one(0)` to `one(n - 1)` side by side; the first failure ends the others and is raised."""
    if n == 1:
        return [await one(0)]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index)) for index in range(n)]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


def unheard(_report: object) -> None:
    """A `Report` that nobody waits for."""


def _whole(plan: Plan) -> str:
    return shorten(plan.wish.prompt, plan.model.most_prompt)


LONGEST_LABEL = 40
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
    if colon and "prompt" in head.lower() and len(head) < LONGEST_LABEL:
        text = rest.strip("*_").strip() or text
    if len(text) > 1 and text[0] in "\"'“«" and text[-1] in "\"'”»":
        text = text[1:-1].strip()
    return " ".join(text.split())
