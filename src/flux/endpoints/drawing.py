"""What both ways to ask for a picture have in common, from the plan to the work."""

from collections.abc import Coroutine
from typing import Any

from flux.call import Call
from flux.plan import Plan
from flux.studio import Album, Report, Work


async def ready(call: Call, planned: Plan, *, stored: bool) -> Work:
    """The work of a plan, noted in the log and counted against the key's rate.

    `stored`: whether pictures get a link, or travel in the answer alone. Raises `RateLimitExceeded`.
    """
    settings = call.services.settings
    call.trace.facts["model"] = planned.model.id
    if settings.log_prompts:
        call.trace.facts["prompt"] = planned.wish.asked
    await call.pay(planned.wish.n)

    def work(report: Report) -> Coroutine[Any, Any, Album]:
        return call.services.studio.make(
            planned,
            call.trace,
            links=call.links if stored else None,
            lifetime=settings.image_expiration,
            report=report,
        )

    return work
