"""The lines of a conversational answer: the same in every API that answers in words."""

from collections.abc import Iterator

from flux import notices
from flux.errors import ApiError
from flux.pipeline import FinalPrompt, Result
from flux.plan import Plan
from flux.text import Text, data_url, join
from flux.words import Words


def opening(plan: Plan, words: Words) -> str:
    """What is known before any work: the prompt as it was typed."""
    return words.original_prompt.format(plan.request.asked) + "\n"


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
    """What is known at the end. Each picture's markdown is one text: clients do not mend a split link."""
    sizes = dict.fromkeys(one.picture.size for one in result.pictures)
    lines = [words.size.format(", ".join(sizes)), words.success, *notices.sentences(plan, result, words)]
    if images_apart:
        yield "\n".join(lines)
        return
    if any(one.url is None for one in result.pictures):
        lines.append(words.not_stored)
    yield "".join(f"{line}\n" for line in [*lines, words.result, ""])
    for index, one in enumerate(result.pictures):
        link = one.url or data_url(one.picture.type, one.picture.blob)
        yield join("\n\n" if index else "", f"![{words.alt}](", link, ")")


def failure(error: ApiError) -> str:
    """The sentence of a failure in a stream, for apps that show nothing but the text."""
    return f"\n❌ {error.message}"
