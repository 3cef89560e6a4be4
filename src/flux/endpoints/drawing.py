"""The code shared by all APIs that draw, from the request to the answer."""

from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from flux import fields, picture, plan, sse
from flux.call import Call
from flux.catalog import Model
from flux.errors import ApiError, InvalidRequest, StorageUnavailable
from flux.generation import GenerationRequest, Notice, PictureSource
from flux.http import JSON, MAX_BODY, Decoder, Response, Stream, body_too_large
from flux.picture import Picture
from flux.pipeline import Report, Result, Storage, Tell, unheard
from flux.plan import Plan
from flux.ports import TooLarge
from flux.progress import Progress
from flux.text import Text, join
from flux.time_limit import time_limit

READ_SECONDS = 10
"""Longest wait for a stored picture."""


class Presenter(Protocol):
    """Formats one answer for one API. It is synchronous and makes no decisions."""

    def whole(self, result: Result) -> Text:
        """The answer in one piece, as JSON."""

    def begin(self) -> Text:
        """The first events of a stream, when only the plan is known."""

    def event(self, report: Report) -> Text:
        """The events for a report; "" if this API has none."""

    def end(self, result: Result) -> Text:
        """The last events of a stream that succeeded."""

    def failed(self, error: ApiError) -> Text:
        """The last events of a stream that failed."""


# --- from the request to the plan ---------------------------------------------------------------


async def planned(call: Call, request: GenerationRequest, decode: Decoder) -> Plan:
    """The plan of a request, with its pictures read. The log line gets its model.

    Raises `ModelNotFound`, `UnsupportedModel` or `InvalidRequest`.
    """
    settings = call.services.settings
    model = plan.model_for(request, settings)
    images: tuple[Picture, ...] = ()
    if request.sources and model.max_images:
        try:
            images = await _read(call, request.sources, decode, model)
        except (InvalidRequest, StorageUnavailable) as failure:
            # If only a setting made this an edit, the caller did not ask for the picture that cannot be read: draw a
            # new one, even if KV is down. If the caller did ask for it (--edit), the error says to try again.
            if not request.follow_up:
                raise
            call.trace.facts.read_error = failure.detail or None
            request = _drawn_anew(request, "follow_up_expired")
            model = plan.model_for(request, settings)
    elif request.follow_up:
        request = _drawn_anew(request, "follow_up_unsupported")
        model = plan.model_for(request, settings)
    made = plan.make(request, settings, model, images)
    call.trace.facts.model = made.model.id
    if settings.log_prompts:
        call.trace.facts.prompt = request.asked
    return made


def _drawn_anew(request: GenerationRequest, notice: Notice) -> GenerationRequest:
    return replace(request, sources=(), follow_up=False, notices=(*request.notices, notice))


async def _read(call: Call, sources: tuple[PictureSource, ...], decode: Decoder, model: Model) -> tuple[Picture, ...]:
    """The pictures. Each is read once, even if it is named several times."""
    if len(sources) > model.max_images:
        raise InvalidRequest(
            f"{model.id} takes at most {model.max_images} pictures.", param=sources[0].param.partition("[")[0]
        )
    read: dict[object, Picture] = {}
    for source in sources:
        if source.identity not in read:
            left = MAX_BODY - sum(one.blob.size for one in read.values())
            read[source.identity] = found = await _picture(call, source, decode, left)
            if found.blob.size > left:
                raise body_too_large(MAX_BODY)
    return tuple(read[source.identity] for source in sources)


async def _picture(call: Call, source: PictureSource, decode: Decoder, max_bytes: int) -> Picture:
    if source.id:
        return await _stored(call, source, max_bytes)
    try:
        blob = source.blob or await decode(fields.base64_of(source))
    except ValueError as error:
        raise InvalidRequest("The picture's base64 cannot be decoded.", param=source.param) from error
    found = picture.look(blob)
    if found is None:
        raise InvalidRequest(picture.refusal(blob), param=source.param)
    return found


async def _stored(call: Call, source: PictureSource, max_bytes: int) -> Picture:
    try:
        with time_limit(READ_SECONDS):
            found = await call.services.store.read(source.id, max_bytes)
    except TimeoutError as error:
        raise StorageUnavailable.because("time-out") from error
    except TooLarge as error:
        raise body_too_large(MAX_BODY) from error
    if found is None:
        raise source.missing(
            "The picture has expired, or is not of this service: attach it, or draw it again.", param=source.param
        )
    return found


# --- from the plan to the answer ----------------------------------------------------------------


def storage(call: Call, ids: tuple[str, ...] = ()) -> Storage:
    """Where the pictures of a call are stored, and under which `ids`, if the caller knows them already."""
    return Storage(call.base_url, call.services.settings.image_expiration, ids)


async def answer(call: Call, made: Plan, presenter: Presenter, storage: Storage | None, *, stream: bool) -> Response:
    """Draw, and answer in the presenter's format. Without `storage`, pictures are only in the answer itself.

    A stream opens after one second, so that earlier failures get their own status. If the work ends within that second,
    all events are sent as one body, because a stream costs a task and several waits. Raises `RateLimitExceeded`, and
    what the work raises before the stream opens.
    """
    await call.charge(made.request.n)

    spending = call.spending()

    def work(tell: Tell) -> Coroutine[Any, Any, Result]:
        return call.services.pipeline.run(made, call.trace, spending, storage, tell)

    if not stream:
        return told(presenter.whole(await work(unheard)), stream=False, headers=spending.headers())
    progress = await Progress.begin(work)
    if progress.is_over:
        result = progress.result()
        events = map(presenter.event, progress.reports())
        text = join(presenter.begin(), *events, presenter.end(result))
        return told(text, stream=True, headers=spending.headers())
    return Response(headers=dict(sse.HEADERS), body=Stream(_texts(progress, presenter), presenter.failed, progress.end))


async def _texts(progress: Progress, presenter: Presenter) -> AsyncGenerator[Text, None]:
    yield join(presenter.begin(), *map(presenter.event, progress.reports()))  # one write: each costs as much as a wait
    async with aclosing(progress.told(presenter.event, sse.PING)) as texts:
        async for text in texts:
            yield text
    yield presenter.end(progress.result())


def told(text: Text, *, stream: bool, headers: Mapping[str, str] | None = None) -> Response:
    """A complete answer: JSON, or all events of a stream."""
    return Response(headers={**(sse.HEADERS if stream else JSON), **(headers or {})}, body=text)
