"""The lines of a conversational answer, shared by all APIs that answer in text."""

from collections.abc import Iterator, Sequence

from flux import markdown
from flux.errors import ApiError
from flux.pipeline import FinalPrompt, GeneratedPicture
from flux.plan import Plan
from flux.text import Text, data_url, join
from flux.words import Words


def opening(plan: Plan, words: Words) -> str:
    """The line before any work: the prompt as typed."""
    return words.original_prompt.format(markdown.escape(plan.request.asked)) + "\n"


def writing(written: FinalPrompt, words: Words) -> str:
    """The lines once the prompt is final."""
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
    """The lines at the end. `said` are the notices as sentences.

    Each picture's Markdown is one piece of text: clients do not join a link that is split.
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
    """The sentence for a failure in a stream, for apps that show only the text."""
    return f"\n❌ {error.message}"
