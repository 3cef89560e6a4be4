"""Pictures -> OpenAI's response object or the events of a stream."""

import time
from typing import Any

from flux import lines, notices, sse, tokens
from flux.endpoints.responses.parse import ITEM, RESPONSE, Echo
from flux.errors import ApiError
from flux.fields import LEVELS
from flux.pipeline import GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.prices import NOTHING, Cost
from flux.text import Spliced, Text, join, write_json
from flux.words import Words

Json = dict[str, Any]

_ERROR_CODES = {
    "budget_exceeded": "rate_limit_exceeded",
    "content_policy_violation": "image_content_policy_violation",
    "insufficient_quota": "rate_limit_exceeded",
    "rate_limit_exceeded": "rate_limit_exceeded",
}
"""Our error codes -> those of `openai.types.responses.ResponseError`. All others become `server_error`."""


class Answer:
    """The identity of one response: ids, time and echo are the same in all its parts. Numbers its stream's events."""

    def __init__(self, echo: Echo, id: str, message_id: str, model: str) -> None:
        self.id = f"{RESPONSE}{id}"
        self._echo = echo
        self._message_id = f"msg_{message_id}"
        self._model = model
        self._created = int(time.time())
        self._number = 0

    def response(
        self,
        status: str,
        output: list[Json],
        *,
        model: str | None = None,
        usage: Json | None = None,
        error: ApiError | None = None,
    ) -> Json:
        """`response`."""
        echo = self._echo
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "model": model or self._model,
            "output": output,
            "error": {"code": _ERROR_CODES.get(error.code, "server_error"), "message": error.message}
            if error
            else None,
            "incomplete_details": None,
            "instructions": echo.instructions,
            "metadata": echo.metadata,
            "previous_response_id": echo.previous_response_id,
            "parallel_tool_calls": echo.parallel_tool_calls,
            "tool_choice": echo.tool_choice,
            "tools": echo.tools,
            "temperature": echo.temperature,
            "top_p": echo.top_p,
            "max_output_tokens": echo.max_output_tokens,
            "background": False,
            "reasoning": {"effort": None, "summary": None},
            "store": False,
            "text": {"format": {"type": "text"}},
            "truncation": "disabled",
            "usage": usage,
        }

    def message(self, text: Text, status: str = "completed") -> Json:
        """The message item, whose content is empty until it is completed."""
        content = [_part(text)] if status == "completed" else []
        return {"id": self._message_id, "type": "message", "role": "assistant", "status": status, "content": content}

    def event(self, kind: str, **data: Any) -> Text:
        """One event of the stream."""
        numbered = {"type": kind, "sequence_number": self._number, **data}
        self._number += 1
        return sse.event(numbered, kind)

    def begin(self) -> Text:
        """The first events."""
        response = self.response("in_progress", [])
        return join(
            self.event("response.created", response=response), self.event("response.in_progress", response=response)
        )

    def message_events(self, index: int, texts: list[Text]) -> Text:
        """The events of the message at this index of the output; each text is one delta."""
        text = join(*texts)
        place: Json = {"item_id": self._message_id, "output_index": index, "content_index": 0}
        item = {"output_index": index}
        deltas = (self.event("response.output_text.delta", **place, delta=delta, logprobs=[]) for delta in texts)
        return join(
            self.event("response.output_item.added", **item, item=self.message("", "in_progress")),
            self.event("response.content_part.added", **place, part=_part("")),
            *deltas,
            self.event("response.output_text.done", **place, text=text, logprobs=[]),
            self.event("response.content_part.done", **place, part=_part(text)),
            self.event("response.output_item.done", **item, item=self.message(text)),
        )


def _part(text: Text) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


class ResponsesPresenter:
    """`drawing.Presenter` for the Responses API."""

    def __init__(self, answer: Answer, plan: Plan, words: Words, ids: tuple[str, ...], input_text: str) -> None:
        """`ids` are the identifiers of the pictures, chosen before they are drawn."""
        self._answer = answer
        self._plan = plan
        self._words = words
        self._ids = ids
        self._input_text = input_text

    def whole(self, result: Result) -> Text:
        """`response`."""
        text = join(*self._lines(result))
        return write_json(self._completed(result, text))

    def begin(self) -> Text:
        """The response, and an output item for each picture."""
        return join(self._answer.begin(), *map(self._announced, range(len(self._ids))))

    def event(self, report: Report) -> Text:
        """The events of a finished picture. The prompt is sent with the message."""
        if not isinstance(report, GeneratedPicture):
            return ""
        place = self._place(report.index)
        return join(
            self._answer.event("response.image_generation_call.completed", **place),
            self._answer.event("response.output_item.done", output_index=report.index, item=self._item(report)),
        )

    def end(self, result: Result) -> Text:
        """The message, and the complete response."""
        texts = self._lines(result)
        return join(
            *(
                self._answer.event("response.output_item.done", output_index=index, item=item)
                for index, item in enumerate(self._items(result))
                if item["status"] == "failed"
            ),
            self._answer.message_events(len(self._ids), texts),
            self._answer.event("response.completed", response=self._completed(result, join(*texts))),
        )

    def failed(self, error: ApiError) -> Text:
        """The failed response."""
        return self._answer.event("response.failed", response=self._answer.response("failed", [], error=error))

    # --- pieces ---------------------------------------------------------------------------------

    def _announced(self, index: int) -> Text:
        place = self._place(index)
        return join(
            self._answer.event("response.output_item.added", output_index=index, item=self._pending(index)),
            self._answer.event("response.image_generation_call.in_progress", **place),
            self._answer.event("response.image_generation_call.generating", **place),
        )

    def _place(self, index: int) -> Json:
        return {"item_id": f"{ITEM}{self._ids[index]}", "output_index": index}

    def _pending(self, index: int) -> Json:
        return {
            "id": f"{ITEM}{self._ids[index]}",
            "type": "image_generation_call",
            "status": "in_progress",
            "result": None,
        }

    def _item(self, one: GeneratedPicture) -> Json:
        """An `image_generation_call` item. Size and type are read from the bytes."""
        return {
            **self._pending(one.index),
            "status": "completed",
            "result": Spliced((one.picture.blob,)),
            "action": "edit" if self._plan.images else "generate",
            "background": "opaque",
            "output_format": one.picture.type.removeprefix("image/"),
            "quality": LEVELS.get(self._plan.request.options.quality or "", "medium"),
            "size": one.picture.size,
            "revised_prompt": one.final_prompt.prompt,
        }

    def _items(self, result: Result) -> list[Json]:
        """An item for each requested picture, in the order in which a stream announces them."""
        items = [{**self._pending(index), "status": "failed"} for index in range(len(self._ids))]
        for one in result.pictures:
            items[one.index] = self._item(one)
        return items

    def _lines(self, result: Result) -> list[Text]:
        written = join(lines.opening(self._plan, self._words), lines.writing(result.final_prompt, self._words))
        said = notices.sentences(self._plan, result, self._words)
        return [written, *lines.closing(result.pictures, said, self._words, images_apart=False)]

    def _completed(self, result: Result, text: Text) -> Json:
        pictures = [one.picture for one in result.pictures]
        return self._answer.response(
            "completed",
            [*self._items(result), self._answer.message(text)],
            model=result.model.id,
            usage=_usage(
                tokens.of_text(self._input_text) + tokens.of_pictures(*self._plan.images),
                tokens.of_text(text) + tokens.of_pictures(*pictures),
                cost=result.cost,
            ),
        )


def chore(answer: Answer, input_text: str, text: str, *, stream: bool) -> Text:
    """The answer to a chore, as a stream or not: only a message."""
    usage = _usage(tokens.of_text(input_text), tokens.of_text(text))
    response = answer.response("completed", [answer.message(text)], usage=usage)
    if not stream:
        return write_json(response)
    return join(answer.begin(), answer.message_events(0, [text]), answer.event("response.completed", response=response))


def _usage(taken: int, given: int, *, cost: Cost = NOTHING) -> Json:
    """Estimated tokens and the cost."""
    return {
        "input_tokens": taken,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": given,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": taken + given,
        **cost.usage,
    }
