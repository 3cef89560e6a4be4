"""What both ways to ask for a picture have in common, from the plan to the work."""

from collections.abc import Callable, Coroutine
from typing import Any

from flux import sse
from flux.call import Call
from flux.errors import ApiError
from flux.http import Response, Stream, begun, gathered
from flux.pipeline import Report, Result, Work
from flux.plan import Plan
from flux.progress import Progress
from flux.text import Text


async def ready(call: Call, planned: Plan, *, stored: bool) -> Work:
    """The work of a plan, noted in the log and counted against the key's rate.

    `stored`: whether pictures get a link, or travel in the answer alone. Raises `RateLimitExceeded`.
    """
    settings = call.services.settings
    call.trace.facts["model"] = planned.model.id
    if settings.log_prompts:
        call.trace.facts["prompt"] = planned.wish.asked
    await call.charge(planned.wish.n)

    def work(report: Report) -> Coroutine[Any, Any, Result]:
        return call.services.pipeline.run(
            planned,
            call.trace,
            base_url=call.base_url if stored else None,
            lifetime=settings.image_expiration,
            report=report,
        )

    return work


async def streamed(stream: Stream, progress: Progress, failure: Callable[[ApiError], Text]) -> Response:
    """The stream of some work, or, where the work is over within its grace, the same events at once.

    A stream costs a task and several waits, which is worth it where there is something to wait for.
    """
    body = await gathered(stream) if progress.is_over else await begun(stream)
    return Response(headers=dict(sse.HEADERS), body=body, failure=failure)
