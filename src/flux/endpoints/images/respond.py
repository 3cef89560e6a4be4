"""Pictures -> OpenAI's list of images or its events."""

import time
from typing import Any

from flux import notices, sse, tokens
from flux.endpoints.images.parse import ImageRequest
from flux.errors import ApiError
from flux.fields import LEVELS
from flux.picture import Picture
from flux.pipeline import GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.prices import Cost
from flux.text import Spliced, Text, data_url, join, write_json
from flux.words import LANGUAGES

Json = dict[str, Any]

_NOT_STORED = "The picture could not be stored; 'url' holds the picture itself."


class ImagesPresenter:
    """`drawing.Presenter` for the Images API."""

    def __init__(self, request: ImageRequest, plan: Plan) -> None:
        self._request = request
        self._plan = plan

    def whole(self, result: Result) -> Text:
        """The list of images. Sizes and types are read from the bytes."""
        pictures = [one.picture for one in result.pictures]
        answer = {
            "created": int(time.time()),
            "data": [self._image(one) for one in result.pictures],
            "model": result.model.id,
            **self._shape(pictures[0]),
            "usage": _usage(self._plan, result.cost, *pictures),
        }
        if self._request.safety_identifier is not None:
            answer["safety_identifier"] = self._request.safety_identifier
        if warnings := self._warnings(result):
            answer["warnings"] = warnings
        return write_json(answer)

    def begin(self) -> Text:
        """Open the stream: there is nothing to report before the first picture."""
        return sse.PING

    def event(self, report: Report) -> Text:
        """The event of a finished picture."""
        if not isinstance(report, GeneratedPicture):
            return ""
        data = {
            **self._image(report),
            "b64_json": Spliced((report.picture.blob,)),  # the only content that an event must have
            "created_at": int(time.time()),
            **self._shape(report.picture),
            "usage": _usage(self._plan, report.cost, report.picture),
        }
        if warnings := self._warnings(Result((report,))):
            data["warnings"] = warnings
        return self._event("completed", data)

    def end(self, result: Result) -> Text:
        """OpenAI's end of a stream. If pictures failed, it is preceded by our own event with all warnings.

        That is not an `error` event, because OpenAI's clients would then discard what they have read.
        """
        if not result.failures:
            return sse.DONE
        data = {"created_at": int(time.time()), "warnings": self._warnings(result)}
        return join(self._event("warnings", data), sse.DONE)

    def failed(self, error: ApiError) -> Text:
        """The error as an event."""
        return join(sse.event(error.body(), "error"), sse.DONE)

    def _event(self, kind: str, data: Json) -> Text:
        kind = f"{'image_edit' if self._request.edit else 'image_generation'}.{kind}"
        return sse.event({"type": kind, **data}, kind)

    def _warnings(self, result: Result) -> list[str]:
        """What could not be followed, in English because programs read it."""
        said = notices.sentences(self._plan, result, LANGUAGES["en"])
        if self._request.wants_url and any(one.url is None for one in result.pictures):
            said.append(_NOT_STORED)
        return [sentence.removeprefix("⚠️ ") for sentence in said]

    def _image(self, one: GeneratedPicture) -> Json:
        item: Json = {}
        if self._request.wants_base64:
            item["b64_json"] = Spliced((one.picture.blob,))
        if self._request.wants_url:
            item["url"] = one.url or data_url(one.picture.type, one.picture.blob)
        if one.final_prompt.writer:
            item["revised_prompt"] = one.final_prompt.prompt
        return item

    def _shape(self, one: Picture) -> Json:
        return {
            "background": "opaque",
            "output_format": one.type.removeprefix("image/"),
            "quality": LEVELS.get(self._plan.request.options.quality or "", "medium"),
            "size": one.size,
        }


def _usage(plan: Plan, cost: Cost, *pictures: Picture) -> Json:
    """Estimated tokens and the cost."""
    text = tokens.of_text(plan.request.prompt)
    taken = tokens.of_pictures(*plan.images)
    drawn = tokens.of_pictures(*pictures)
    return {
        "total_tokens": text + taken + drawn,
        "input_tokens": text + taken,
        "output_tokens": drawn,
        "input_tokens_details": {"text_tokens": text, "image_tokens": taken},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": drawn},
        **cost.usage,
    }
