"""Pictures -> OpenAI's chat completion or its chunks."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from flux import lines, notices, sse, tokens
from flux.endpoints.chat import progress
from flux.errors import ApiError
from flux.pipeline import FinalPrompt, GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.prices import NOTHING, Cost
from flux.text import Text, data_url, join, write_json
from flux.words import Words

Json = dict[str, Any]

FINGERPRINT = "fp_flux_image_api"
"""OpenAI's name for the configuration that answered. Strict clients require a string."""


class Completion:
    """The identity of one chat answer: the same id and time in all of its parts."""

    def __init__(self, id: str, prompt: str, *, counted: bool) -> None:
        """`counted`: whether a stream reports its usage at the end (`stream_options.include_usage`)."""
        self._id = f"chatcmpl-{id}"
        self._created = 0
        self._prompt = prompt
        self._counted = counted

    def whole(self, model: str, choices: Sequence[Json], usage: Json) -> Json:
        """`chat.completion`."""
        return {**self._head("chat.completion", model), "choices": choices, "usage": usage}

    def chunk(self, model: str, delta: Json, finish_reason: str | None = None, index: int = 0) -> Text:
        """A `chat.completion.chunk` as an event."""
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._event(model, [choice], usage=None)

    def progress(self, model: str, data: Json) -> Text:
        """Our own event without choices. Only clients that request it receive it."""
        return self._event(model, [], usage=None, progress=data)

    def role(self, model: str, index: int = 0) -> Text:
        """The first event of a choice."""
        return self.chunk(model, {"role": "assistant", "content": ""}, index=index)

    def end(self, model: str, usage: Json) -> Text:
        """The last events of a stream, with the usage if it was requested."""
        return join(self._event(model, [], usage) if self._counted else "", sse.DONE)

    def usage(
        self,
        content: Text,
        taken: Sequence[Any] = (),
        pictures: Sequence[GeneratedPicture] = (),
        *,
        cost: Cost = NOTHING,
    ) -> Json:
        """Estimated tokens and the cost; `taken` are the input pictures."""
        prompt = tokens.of_text(self._prompt) + tokens.of_pictures(*taken)
        images = tokens.of_pictures(*(one.picture for one in pictures))
        completion = tokens.of_text(content) + images
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
            "completion_tokens_details": {
                "accepted_prediction_tokens": 0,
                "audio_tokens": 0,
                "image_tokens": images,
                "reasoning_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            **cost.usage,
        }

    def _head(self, kind: str, model: str) -> Json:
        self._created = self._created or int(time.time())
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def _event(self, model: str, choices: list[Json], usage: Json | None, **more: Json) -> Text:
        counted = {"usage": usage} if self._counted else {}
        return sse.event({**self._head("chat.completion.chunk", model), "choices": choices, **counted, **more})


def choice(content: Text, index: int = 0, images: list[Json] | None = None) -> Json:
    """One choice of a `chat.completion`."""
    message: Json = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if images:
        message["images"] = images
    return {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}


class ChatPresenter:
    """`drawing.Presenter` for chat completions."""

    def __init__(
        self,
        completion: Completion,
        plan: Plan,
        words: Words,
        *,
        choices: int = 1,
        images_apart: bool,
        tells_progress: bool = False,
    ) -> None:
        """`choices`: the number of choices requested. Each has its own picture.

        `tells_progress`: whether a stream also has progress as data (`stream_options.include_progress`).
        """
        self._completion = completion
        self._plan = plan
        self._words = words
        self._choices = choices
        self._images_apart = images_apart
        self._tells_progress = tells_progress
        self._said: list[Text] = []

    def whole(self, result: Result) -> Text:
        """`chat.completion`."""
        choices, contents = [], []
        for index, pictures in enumerate(self._shares(result)):
            content = join(*self._opening(pictures[0].final_prompt), *self._closing(result, pictures, index))
            choices.append(choice(content, index, _images(pictures) if self._images_apart else None))
            contents.append(content)
        usage = self._completion.usage(join(*contents), self._plan.images, result.pictures, cost=result.cost)
        return write_json(self._completion.whole(result.model.id, choices, usage))

    def begin(self) -> Text:
        """The role, and the prompt as typed. Further choices are sent with their pictures."""
        opening = self._delta(lines.opening(self._plan, self._words))
        return join(self._completion.role(self._model), opening, self._progress("plan", progress.of_plan, self._plan))

    def event(self, report: Report) -> Text:
        """The final prompt. Pictures are sent together at the end, and as data as soon as each is finished."""
        if isinstance(report, FinalPrompt):
            written = self._delta(lines.writing(report, self._words))
            return join(written, self._progress("prompt", progress.of_prompt, report))
        if isinstance(report, GeneratedPicture):
            return self._progress("picture", progress.of_picture, report, self._plan)
        return ""

    def end(self, result: Result) -> Text:
        """The rest of the first choice with its picture, the other choices, and the end of the stream."""
        events = [self._progress("failure", failure.body) for failure in result.failures]
        for index, pictures in enumerate(self._shares(result)):
            if index:
                events.append(self._completion.role(self._model, index))
                events += [self._delta(text, index) for text in self._opening(pictures[0].final_prompt)]
            events += [self._delta(text, index) for text in self._closing(result, pictures, index)]
            if self._images_apart:
                events.append(self._completion.chunk(self._model, {"images": _images(pictures)}, index=index))
            events.append(self._completion.chunk(self._model, {}, "stop", index))
        usage = self._completion.usage(join(*self._said), self._plan.images, result.pictures, cost=result.cost)
        return join(*events, self._completion.end(self._model, usage))

    def failed(self, error: ApiError) -> Text:
        """A sentence for apps that show only content, then the error for apps that understand it."""
        sentence = self._completion.chunk(self._model, {"content": lines.failure(error)})
        return join(sentence, sse.event(error.body()), sse.DONE)

    def _progress(self, kind: str, data: Callable[..., Json], *arguments: object) -> Text:
        """The progress as an event; nothing is computed if nobody asked for it."""
        if not self._tells_progress:
            return ""
        return self._completion.progress(self._model, {"type": kind, **data(*arguments)})

    @property
    def _model(self) -> str:
        """In a stream, the model that was called first: all parts of an answer name the same model."""
        return self._plan.model.id

    def _shares(self, result: Result) -> list[tuple[GeneratedPicture, ...]]:
        """The pictures of each choice."""
        return [(one,) for one in result.pictures] if self._choices > 1 else [result.pictures]

    def _opening(self, written: FinalPrompt) -> list[Text]:
        return [lines.opening(self._plan, self._words), lines.writing(written, self._words)]

    def _closing(self, result: Result, pictures: Sequence[GeneratedPicture], index: int) -> list[Text]:
        """The closing lines of a choice. Only the first choice has the notices."""
        said = [] if index else notices.sentences(self._plan, result, self._words)
        return list(lines.closing(pictures, said, self._words, images_apart=self._images_apart))

    def _delta(self, content: Text, index: int = 0) -> Text:
        self._said.append(content)
        return self._completion.chunk(self._model, {"content": content}, index=index)


def chore(completion: Completion, model: str, text: str, *, stream: bool) -> Text:
    """The answer to a chore, as a stream or not."""
    usage = completion.usage(text)
    if not stream:
        return write_json(completion.whole(model, [choice(text)], usage))
    return join(
        completion.role(model),
        completion.chunk(model, {"content": text}),
        completion.chunk(model, {}, "stop"),
        completion.end(model, usage),
    )


def _images(pictures: Sequence[GeneratedPicture]) -> list[Json]:
    """`message.images`: the convention of OpenRouter and Vercel for pictures outside the text."""
    return [
        {
            "type": "image_url",
            "index": index,
            "image_url": {"url": data_url(one.picture.type, one.picture.blob)},
        }
        for index, one in enumerate(pictures)
    ]
