"""The text a person wrote -> what to draw, and the directives at its end."""

import re
from collections.abc import Mapping

from flux import sizes
from flux.errors import InvalidRequest
from flux.generation import Options

_SWITCHES: Mapping[str, Options] = {
    "raw": Options(optimize=False),
    "-ntl": Options(optimize=False),
    "optimize": Options(optimize=True),
    "-tl": Options(optimize=True),
    "edit": Options(action="edit"),
    "new": Options(action="generate"),
}
"""Directives without a value."""

_DIRECTIVE = re.compile(
    r"""(?: (?:^|[\s\u3000]|(?<=[\u2e80-\uffef]))       # directives stand apart; CJK has no spaces
            (?: (?:--|[—–])(?P<name>ar|size|steps|seed|n|model)[\s=]+(?P<value>\S+)
              | (?:--|[—–])(?P<switch>raw|optimize|edit|new|-ntl|-tl) )
          | (?:^|(?<=[\s,，、;；])|(?<=[\u2e80-\uffef]))
            (?P<ratio>\d{1,2}[:：]\d{1,2}) )$
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""One directive at the end. A phone's keyboard makes a dash of two hyphens: that counts too."""

MAX_DIGITS = 12
"""Of a number that is read at all: far above every range, far below what makes `int` slow."""
MAX_DIRECTIVE_LENGTH = 256
"""Characters looked at for one directive: keeps the search short however long the prompt is."""
MAX_DIRECTIVES = 16
"""Twice as many as there are kinds: a text of thousands is no prompt, and must not cost a search for each."""
_SEPARATORS = " \t\r\n\f\v\u3000,，、;；"


def split(text: str) -> tuple[str, Options]:
    """A prompt without the directives at its end, and what they say.

    They are read from the end inwards until something else stands there, so the same words inside
    the prompt are left alone, as is a ratio that is none of ours ("at 10:30"). Of two that say the
    same thing the last one counts. Raises `InvalidRequest` for a directive that is clearly meant
    and cannot be followed (`--steps many`).
    """
    text, options = text.strip(), Options()
    end = len(text)
    for _ in range(MAX_DIRECTIVES):
        match = _DIRECTIVE.search(text, max(0, end - MAX_DIRECTIVE_LENGTH), end)
        found = _read(match) if match else None
        if match is None or found is None:
            break
        options = options.over(found)
        end = match.start()
        while end and text[end - 1] in _SEPARATORS:
            end -= 1
    return text[:end], options


def _read(match: re.Match[str]) -> Options | None:
    """What one directive says; None where a ratio is not one of ours."""
    if ratio := match["ratio"]:
        size = sizes.RATIOS.get(ratio.replace("：", ":"))
        return Options(size=size) if size else None
    if switch := match["switch"]:
        return _SWITCHES[switch.lower()]
    name, value = match["name"].lower(), match["value"]
    if name == "model":
        return Options(model=value)
    if name in ("ar", "size"):
        return Options(size=sizes.parse(value) or sizes.DEFAULT)
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
        raise InvalidRequest(f"--{name} takes a whole number.", param=name)
    number = int(value)
    return {"n": Options(n=number), "steps": Options(steps=number), "seed": Options(seed=number)}[name]


_PAIR = re.compile("[\U00010000-\U0010ffff]")
"""What takes two units of UTF-16."""


def shorten(text: str, limit: int | None) -> str:
    """`text` cut at a word boundary to at most `limit` UTF-16 units; None leaves it whole.

    Workers AI's validator counts as JavaScript does: an emoji is two. A text without a space in its last quarter
    (Chinese, one very long word) is cut where it is.
    """
    if limit is None or len(text) <= limit // 2:
        return text
    cut = text[:limit]
    while (over := len(cut) + len(_PAIR.findall(cut)) - limit) > 0:
        cut = cut[: -((over + 1) // 2)]  # no character has more than two units, so none is cut in vain
    if cut == text:
        return text
    if text[len(cut)].isspace():
        return cut.rstrip()
    space = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:space] if space >= len(cut) * 3 // 4 else cut).rstrip()
