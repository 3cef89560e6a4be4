"""The lines of a conversational answer: the same in every API that answers in words."""

from collections.abc import Iterator, Sequence

from flux import markdown
from flux.errors import ApiError
from flux.pipeline import FinalPrompt, GeneratedPicture
from flux.plan import Plan
from flux.text import Text, data_url, join
from flux.words import Words


def opening(plan: Plan, words: Words) -> str:
    """What is known before any work: the prompt as it was typed."""
    return words.original_prompt.format(markdown.escape(plan.request.asked)) + "\n"


def writing(written: FinalPrompt, words: Words) -> str:
    """What is known once the prompt is written."""
    lines = [
        words.prompt_model.format(written.writer or words.no_writer),
        words.optimized_prompt.format(markdown.escape(written.prompt)),
    ]
    if written.writer_failed:
        lines.append(words.writer_failed)
    return "".join(f"{line}\n" for line in lines)


def closing(
    pictures: Sequence[GeneratedPicture], said: Sequence[str], words: Words, *, images_apart: bool
) -> Iterator[Text]:
    """What is known at the end; `said` are the sentences of the notices.

    Each picture's markdown is one text: clients do not put a split link together.
    """
    sizes = dict.fromkeys(one.picture.size for one in pictures)
    lines = [words.size.format(", ".join(sizes)), words.success, *said]
    if images_apart:
        yield "\n".join(lines)
        return
    if any(one.url is None for one in pictures):
        lines.append(words.not_stored)
    yield "".join(f"{line}\n" for line in [*lines, words.result, ""])
    for index, one in enumerate(pictures):
        link = one.url or data_url(one.picture.type, one.picture.blob)
        yield join("\n\n" if index else "", f"![{words.alt}](", link, ")")


def failure(error: ApiError) -> str:
    """The sentence of a failure in a stream, for apps that show nothing but the text."""
    return f"\n❌ {error.message}"
