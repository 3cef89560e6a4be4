"""Pictures -> OpenAI's shapes: a completion, its chunks, a list of images, its events.

Token counts are estimates: no tokenizer runs here. Text counts a token for every four bytes of
UTF-8, a picture one for every 32 by 32 pixels, about what OpenAI's image models count.
"""

import time
from collections.abc import Iterator
from typing import Any

from flux import catalog
from flux.errors import ApiError
from flux.parse import LEVELS, ImageRequest
from flux.picture import Picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Result
from flux.plan import Plan
from flux.text import Spliced, Text, data_url, join
from flux.words import Words

Json = dict[str, Any]


# --- the lines of a chat answer -------------------------------------------------------------------


def opening(plan: Plan, words: Words) -> str:
    """What is known before any work: the prompt as it was typed."""
    return words.original_prompt.format(plan.wish.asked) + "\n"


def writing(written: FinalPrompt, words: Words) -> str:
    """What is known once the prompt is written."""
    lines = [
        words.prompt_model.format(written.writer or words.no_writer),
        words.optimized_prompt.format(written.prompt),
    ]
    if written.writer_failed:
        lines.append(words.writer_failed)
    return "".join(f"{line}\n" for line in lines)


def closing(plan: Plan, result: Result, words: Words, *, images_apart: bool) -> Iterator[Text]:
    """What is known at the end. Each picture's markdown is one text: clients mend no split link."""
    sizes = dict.fromkeys(generated.picture.size for generated in result.pictures)
    lines = [words.size.format(", ".join(sizes)), words.success, *_notices(plan, result, words)]
    if images_apart:
        yield "\n".join(lines)
        return
    if any(one.url is None for one in result.pictures):
        lines.append(words.not_stored)
    yield "".join(f"{line}\n" for line in [*lines, words.result, ""])
    for index, generated in enumerate(result.pictures):
        link = generated.url or data_url(generated.picture.type, generated.picture.blob)
        yield join("\n\n" if index else "", f"![{words.alt}](", link, ")")


def _notices(plan: Plan, result: Result, words: Words) -> list[str]:
    """Whatever was asked for and not done, each a sentence."""
    wish = plan.wish
    cases = (
        (result.rewrite_refused, words.rewrite_refused),
        (bool(wish.images) and not plan.images, words.images_ignored),
        (wish.linked_images, words.links_ignored),
        (wish.seed is not None and not result.model.seed, words.seed_ignored),
    )
    return [sentence for applies, sentence in cases if applies]


def images_field(result: Result) -> list[Json]:
    """`message.images`, the convention of OpenRouter and Vercel for pictures beside the text."""
    return [
        {
            "type": "image_url",
            "index": index,
            "image_url": {"url": data_url(one.picture.type, one.picture.blob)},
        }
        for index, one in enumerate(result.pictures)
    ]


# --- chat ---------------------------------------------------------------------------------------


class Completion:
    """One chat answer's identity: the same id, time and model in its every part."""

    def __init__(self, id: str, model: str, prompt: str, *, counted: bool) -> None:
        """`counted`: whether a stream tells its usage at the end (`stream_options.include_usage`)."""
        self._head = {"id": f"chatcmpl-{id}", "created": int(time.time()), "model": model}
        self._prompt = prompt
        self._counted = counted

    def whole(self, content: Text, usage: Json, images: list[Json] | None = None) -> Json:
        """`chat.completion`."""
        message: Json = {"role": "assistant", "content": content, "refusal": None}
        if images:
            message["images"] = images
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": usage,
        }

    def chunk(self, delta: Json, finish_reason: str | None = None) -> Json:
        """`chat.completion.chunk`."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk([choice], usage=None)

    def last_chunks(self, usage: Json) -> list[Json]:
        """The chunk that says it is finished, and the one that tells the usage where that is asked for."""
        finished = self.chunk({}, "stop")
        return [finished, self._chunk([], usage)] if self._counted else [finished]

    def _chunk(self, choices: list[Json], usage: Json | None) -> Json:
        counted = {"usage": usage} if self._counted else {}
        return {**self._head, "object": "chat.completion.chunk", "choices": choices, **counted}

    def usage(self, content: Text, pictures: tuple[GeneratedPicture, ...] = ()) -> Json:
        """Estimated tokens."""
        prompt = _text_tokens(self._prompt)
        images = sum(_image_tokens(one.picture) for one in pictures)
        completion = _text_tokens(content) + images
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "completion_tokens_details": {"image_tokens": images, "reasoning_tokens": 0},
        }


def _text_tokens(text: Text) -> int:
    pieces = text.pieces if isinstance(text, Spliced) else (text,)
    size = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
    return (size + 3) // 4


def _image_tokens(one: Picture) -> int:
    return -(-one.width // 32) * -(-one.height // 32)


def failure_text(error: ApiError) -> str:
    """The sentence of an in-band failure, for apps that show nothing but content."""
    return f"\n❌ {error.message}"


# --- images ---------------------------------------------------------------------------------------


def images(request: ImageRequest, plan: Plan, result: Result) -> Json:
    """The Images API's answer; sizes and types are those of the bytes."""
    first = result.pictures[0].picture
    answer = {
        "created": int(time.time()),
        "data": [_image(request, one) for one in result.pictures],
        "model": result.model.id,
        **_shape(request, first),
        "usage": image_usage(plan, [one.picture for one in result.pictures]),
    }
    if warnings := _warnings(request, plan, result):
        answer["warnings"] = warnings
    return answer


def _warnings(request: ImageRequest, plan: Plan, result: Result) -> list[str]:
    """Whatever was asked for and not done, each a sentence."""
    cases = (
        (plan.wish.seed is not None and not result.model.seed, f"{result.model.id} takes no seed; it was not used."),
        (
            request.wants_url and any(one.url is None for one in result.pictures),
            "The picture could not be stored; 'url' holds the picture itself.",
        ),
    )
    return [sentence for applies, sentence in cases if applies]


def _image(request: ImageRequest, one: GeneratedPicture) -> Json:
    item: Json = {}
    if request.wants_base64:
        item["b64_json"] = Spliced((one.picture.blob,))
    if request.wants_url:
        item["url"] = one.url or data_url(one.picture.type, one.picture.blob)
    if one.written.writer:
        item["revised_prompt"] = one.written.prompt
    return item


def _shape(request: ImageRequest, one: Picture) -> Json:
    return {
        "background": "opaque",
        "output_format": one.type.removeprefix("image/"),
        "quality": LEVELS.get(request.wish.quality or "", "medium"),
        "size": one.size,
    }


def image_event(request: ImageRequest, plan: Plan, one: GeneratedPicture) -> tuple[str, Json]:
    """Name and data of the event that carries one finished picture."""
    kind = f"{'image_edit' if request.edit else 'image_generation'}.completed"
    data = {
        "type": kind,
        **_image(request, one),
        "b64_json": Spliced((one.picture.blob,)),  # the event's one required content
        "created_at": int(time.time()),
        **_shape(request, one.picture),
        "usage": image_usage(plan, [one.picture]),
    }
    return kind, data


def image_usage(plan: Plan, pictures: list[Picture]) -> Json:
    """Estimated tokens."""
    text = _text_tokens(plan.wish.prompt)
    taken = sum(_image_tokens(one) for one in plan.images)
    drawn = sum(_image_tokens(one) for one in pictures)
    return {
        "total_tokens": text + taken + drawn,
        "input_tokens": text + taken,
        "output_tokens": drawn,
        "input_tokens_details": {"text_tokens": text, "image_tokens": taken},
    }


# --- models -------------------------------------------------------------------------------------


def model(one: catalog.Model) -> Json:
    """One model object: OpenAI's four fields, and what apps read of OpenRouter's."""
    return {
        "id": one.id,
        "object": "model",
        "created": one.created,
        "owned_by": one.owned_by,
        "name": one.name,
        "architecture": {
            "input_modalities": ["text", "image"] if one.max_images else ["text"],
            "output_modalities": ["image"],
        },
        "capabilities": {
            "size": one.sides is not None,
            "seed": one.seed,
            "negative_prompt": one.negative_prompt,
            "images": one.max_images,
            "steps": [one.steps.min, one.steps.max] if one.steps else None,
        },
    }


def models() -> Json:
    """The list of them all."""
    return {"object": "list", "data": [model(one) for one in catalog.MODELS.values()]}
