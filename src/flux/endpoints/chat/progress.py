"""The progress of a chat request as data, for pages that show more than the text of the answer."""

from typing import Any

from flux import notices, picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Result
from flux.plan import Plan
from flux.text import data_url

Json = dict[str, Any]


def of_plan(plan: Plan) -> Json:
    """What will be drawn, including the directives of the prompt. `size` is in OpenAI's format."""
    return {
        "n": plan.request.n,
        "model": plan.model.id,
        "prompt": plan.request.prompt,
        "size": str(plan.size),
        "optimize": plan.optimize,
    }


def of_prompt(written: FinalPrompt) -> Json:
    """The final prompt, and the text model that wrote it; None if it is the user's own."""
    return {"prompt": written.prompt, "writer": written.writer, "writer_failed": written.writer_failed}


def of_picture(one: GeneratedPicture, plan: Plan) -> Json:
    """A finished picture: where it is, what it was drawn with, and what could not be followed.

    If the picture could not be stored, `url` is a data URL and `expires_at` (Unix time, in seconds) is None.
    """
    result = Result((one,))
    id = picture.id_in_url(one.url) if one.url else None
    return {
        "index": one.index,
        "url": one.url or data_url(one.picture.type, one.picture.blob),
        "expires_at": picture.expiry(id) if id else None,
        "size": one.picture.size,
        "model": one.model.id,
        "seed": one.seed,
        "steps": one.steps,
        **of_prompt(one.final_prompt),
        "notices": list(notices.of(plan, result)),
        "ignored": list(notices.ignored(plan, result)),
    }
