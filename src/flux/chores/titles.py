"""What is answered: titles, summaries and the like, made of the prompts without any AI call."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from flux import prompt
from flux.errors import InvalidRequest

Prompts = Sequence[str]
"""What a person asked to be drawn, the oldest first, at most `MAX_PROMPTS`; empty where unknown."""
Answer = Callable[[Prompts], str]

MAX_PROMPTS = 5
MAX_PROMPT_LENGTH = 2000
"""Characters read of one prompt."""

NO_PROMPT = "Image"
"""Title of a conversation without a word, and the tag of every one."""


def always(answer: object) -> Answer:
    """The same answer whatever was drawn: a text, or a value in JSON."""
    text = answer if isinstance(answer, str) else as_json(answer)
    return lambda _: text


def as_json(value: object) -> str:
    """A value in JSON, in its own letters."""
    return json.dumps(value, ensure_ascii=False)


MAX_WORDS, MAX_WIDTH = 7, 48
"""Of a title. The tightest that an app asks for is 50 characters (LobeChat)."""
_WIDE = "\u2e80"
"""Chinese, Japanese, Korean and emoji begin here; one of them says as much as three letters."""


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
    """A title in JSON."""
    return as_json({"title": title(prompts)})


def title_and_language(prompts: Prompts) -> str:
    """A title in JSON, with its language."""
    return as_json({"language": LANGUAGE, "title": title(prompts)})


LANGUAGE = "und"
"""Undetermined (ISO 639-2): to name a language takes a model."""


def summary(prompts: Prompts) -> str:
    """What was asked for, in one sentence."""
    quoted = [f"“{prompt.shorten(' '.join(text.split()), 100)}”" for text in map(_plain, prompts) if text.strip()]
    return f"Asked to be drawn: {'; '.join(quoted)}." if quoted else "Pictures were drawn."


def image_prompt(prompts: Prompts) -> str:
    """The last prompt in JSON, as it is."""
    return as_json({"prompt": _plain(prompts[-1]).strip() if prompts else ""})


_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def _plain(text: str) -> str:
    """A prompt without directives and without markdown pictures, whole or cut off."""
    with suppress(InvalidRequest):  # a directive that cannot be followed is words here
        text, _ = prompt.split(text)
    return _PICTURE.sub(" ", text).partition("![")[0]
