"""The answers to chores: titles, summaries and the like, made from the prompts without calling a model."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from flux import prompt
from flux.errors import InvalidRequest

Prompts = Sequence[str]
"""The user's prompts, oldest first, at most `MAX_PROMPTS`; empty if unknown."""
Answer = Callable[[Prompts], str]

MAX_PROMPTS = 5
MAX_PROMPT_LENGTH = 2000
"""Most characters read from one prompt."""

NO_PROMPT = "Image"
"""The title of a conversation without text, and the tag of every conversation."""


def always(answer: object) -> Answer:
    """The same answer for all prompts: a text, or a value as JSON."""
    text = answer if isinstance(answer, str) else as_json(answer)
    return lambda _: text


def as_json(value: object) -> str:
    """A value as JSON, without escaping letters."""
    return json.dumps(value, ensure_ascii=False)


MAX_WORDS, MAX_WIDTH = 7, 48
"""Limits of a title. The smallest limit that an app sets is 50 characters (LobeChat)."""
_WIDE = "\u2e80"
"""Chinese, Japanese, Korean and emoji start here. One of these characters counts as three letters."""


def title(prompts: Prompts) -> str:
    """The first words of the first prompt that has any."""
    titles = (_cut(" ".join(_plain(text).split()[:MAX_WORDS])).strip(_EDGES) for text in prompts)
    return next(filter(None, titles), NO_PROMPT)


_EDGES = " \"'`“”„«»「」『』#*_~<>()[]{}|=+-–—,.;:!¡?¿…，。、；：！？\u200d\ufe0f"
_CLAUSES = "，、。；：！？"


def _cut(text: str) -> str:
    width = 0
    for at, character in enumerate(text):
        width += 3 if character >= _WIDE else 1
        if width > MAX_WIDTH:
            short = prompt.shorten(text, at)
            clause = max(map(short.rfind, _CLAUSES))
            return short[:clause] if clause > at // 3 else short
    return text


def title_json(prompts: Prompts) -> str:
    """A title as JSON."""
    return as_json({"title": title(prompts)})


def title_and_language(prompts: Prompts) -> str:
    """A title with its language, as JSON."""
    return as_json({"language": LANGUAGE, "title": title(prompts)})


LANGUAGE = "und"
"""Undetermined (ISO 639-2): detecting the language would take a model."""


def summary(prompts: Prompts) -> str:
    """The prompts in one sentence."""
    quoted = [f"“{prompt.shorten(' '.join(text.split()), 100)}”" for text in map(_plain, prompts) if text.strip()]
    return f"Asked to be drawn: {'; '.join(quoted)}." if quoted else "Pictures were drawn."


def image_prompt(prompts: Prompts) -> str:
    """The last prompt as JSON."""
    return as_json({"prompt": _plain(prompts[-1]).strip() if prompts else ""})


_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def _plain(text: str) -> str:
    """A prompt without directives and Markdown pictures, even if it is cut off."""
    with suppress(InvalidRequest):  # an invalid directive is ordinary text here
        text, _ = prompt.split(text)
    return _PICTURE.sub(" ", text).partition("![")[0]
