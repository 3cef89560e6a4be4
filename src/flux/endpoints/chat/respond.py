"""Pictures -> OpenAI's chat completion and its chunks."""

import time
from typing import Any

from flux import lines, sse, tokens
from flux.errors import ApiError
from flux.pipeline import FinalPrompt, GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.text import Text, data_url, join, write_json
from flux.words import Words

Json = dict[str, Any]


class Completion:
    """One chat answer's identity: the same id and time in its every part."""

    def __init__(self, id: str, prompt: str, *, counted: bool) -> None:
        """`counted`: whether a stream tells its usage at the end (`stream_options.include_usage`)."""
        self._id = f"chatcmpl-{id}"
        self._created = 0
        self._prompt = prompt
        self._counted = counted

    def whole(self, model: str, content: Text, usage: Json, images: list[Json] | None = None) -> Json:
        """`chat.completion`."""
        message: Json = {"role": "assistant", "content": content, "refusal": None}
        if images:
            message["images"] = images
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._head(model), "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(self, model: str, delta: Json, finish_reason: str | None = None) -> Text:
        """The event of a `chat.completion.chunk`."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._event(model, [choice], usage=None)

    def role(self, model: str) -> Text:
        """The first event of a stream."""
        return self.chunk(model, {"role": "assistant", "content": ""})

    def end(self, model: str, usage: Json) -> Text:
        """The last events of a stream: that it is finished, and the usage where that is asked for."""
        counted = self._event(model, [], usage) if self._counted else ""
        return join(self.chunk(model, {}, "stop"), counted, sse.DONE)

    def usage(self, content: Text, pictures: tuple[GeneratedPicture, ...] = ()) -> Json:
        """Estimated tokens."""
        prompt = tokens.of_text(self._prompt)
        images = tokens.of_pictures(*(one.picture for one in pictures))
        completion = tokens.of_text(content) + images
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "completion_tokens_details": {"image_tokens": images, "reasoning_tokens": 0},
        }

    def _head(self, model: str) -> Json:
        self._created = self._created or int(time.time())
        return {"id": self._id, "created": self._created, "model": model}

    def _event(self, model: str, choices: list[Json], usage: Json | None) -> Text:
        counted = {"usage": usage} if self._counted else {}
        return sse.event({**self._head(model), "object": "chat.completion.chunk", "choices": choices, **counted})


class ChatPresenter:
    """`drawing.Presenter` for chat completions."""

    def __init__(self, completion: Completion, plan: Plan, words: Words, *, images_apart: bool) -> None:
        self._completion = completion
        self._plan = plan
        self._words = words
        self._images_apart = images_apart
        self._said: list[Text] = []

    def whole(self, result: Result) -> Text:
        """`chat.completion`."""
        content = join(
            lines.opening(self._plan, self._words), lines.writing(result.written, self._words), *self._closing(result)
        )
        images = _images(result) if self._images_apart else None
        usage = self._completion.usage(content, result.pictures)
        return write_json(self._completion.whole(result.model.id, content, usage, images))

    def begin(self) -> Text:
        """The role, and the prompt as it was typed."""
        role = self._completion.role(self._model)
        return join(role, self._delta(lines.opening(self._plan, self._words)))

    def event(self, report: Report) -> Text:
        """The prompt that is drawn. Pictures are told together at the end."""
        return self._delta(lines.writing(report, self._words)) if isinstance(report, FinalPrompt) else ""

    def end(self, result: Result) -> Text:
        """The rest of the lines with the pictures, and the end."""
        closing = [self._delta(text) for text in self._closing(result)]
        if self._images_apart:
            closing.append(self._completion.chunk(self._model, {"images": _images(result)}))
        usage = self._completion.usage(join(*self._said), result.pictures)
        return join(*closing, self._completion.end(self._model, usage))

    def failed(self, error: ApiError) -> Text:
        """A sentence for apps that show nothing but content, then the error for those that know one."""
        sentence = self._completion.chunk(self._model, {"content": lines.failure(error)})
        return join(sentence, sse.event(error.body()), sse.DONE)

    @property
    def _model(self) -> str:
        """In a stream the model that was asked first, since one answer has one model."""
        return self._plan.model.id

    def _closing(self, result: Result) -> list[Text]:
        return list(lines.closing(self._plan, result, self._words, images_apart=self._images_apart))

    def _delta(self, content: Text) -> Text:
        self._said.append(content)
        return self._completion.chunk(self._model, {"content": content})


def chore(completion: Completion, model: str, text: str, *, stream: bool) -> Text:
    """The answer to a chore, streamed or not."""
    usage = completion.usage(text)
    if not stream:
        return write_json(completion.whole(model, text, usage))
    return join(completion.role(model), completion.chunk(model, {"content": text}), completion.end(model, usage))


def _images(result: Result) -> list[Json]:
    """`message.images`, the convention of OpenRouter and Vercel for pictures beside the text."""
    return [
        {
            "type": "image_url",
            "index": index,
            "image_url": {"url": data_url(one.picture.type, one.picture.blob)},
        }
        for index, one in enumerate(result.pictures)
    ]
