"""A user's text -> the prompt, and the directives at its end."""

import re
from collections.abc import Mapping

from flux import catalog, partners, sizes
from flux.errors import InvalidRequest
from flux.generation import NO_OPTIONS, Options

_SWITCHES: Mapping[str, Options] = {
    "raw": Options(optimize=False),
    "-ntl": Options(optimize=False),
    "optimize": Options(optimize=True),
    "-tl": Options(optimize=True),
    "edit": Options(action="edit"),
    "new": Options(action="generate"),
}
"""Directives without a value."""

_SPACE = r"\s\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff"
"""Includes the spaces that word processors and phones insert."""
_CJK = r"\u2e80-\uff0f\uff1b-\uffef"
"""Excludes full-width digits and the colon: a ratio does not begin in the middle of them. Only words ignore case
(`(?i:...)`): with `re.IGNORECASE`, compiling looks at each character of this range, which takes 25 ms at start-up."""
_RATIO = r"[\d０-９]{1,2}[:：∶][\d０-９]{1,2}"
_NARROW = str.maketrans("０１２３４５６７８９：∶", "0123456789::")
"""Digits and colons as typed on Japanese and Chinese keyboards."""
_IN_BRACKETS = "|".join((_RATIO, rf"\({_RATIO}\)", rf"\[{_RATIO}\]", rf"（{_RATIO}）", rf"【{_RATIO}】"))

_DIRECTIVE = re.compile(
    rf"""(?: (?:^|[{_SPACE}]|(?<=[{_CJK}]))              # directives stand apart; CJK has no spaces
            (?: (?P<dash>--|[—–])(?P<name>(?i:ar|size|steps|seed|n|model))[{_SPACE}=]+(?P<value>[^{_SPACE}]+?)
              | (?:--|[—–])(?P<switch>(?i:raw|optimize|edit|new|-ntl|-tl)) )
          | (?:^|(?<=[{_SPACE},，、;；])|(?<=[{_CJK}])|(?=[（【]))
            (?P<ratio>{_IN_BRACKETS}) )
         [.。!！]*$
    """,
    re.VERBOSE | re.ASCII,
)
"""One directive at the end. Phones turn two hyphens into a dash, which counts if the directive's value is valid."""

_FIRST = re.compile(
    rf"(?: (?P<dash>--|[—–])(?P<name>(?i:ar|size))[{_SPACE}=]+(?P<value>[^{_SPACE},，]+) | (?P<ratio>{_IN_BRACKETS}) )"
    rf" [{_SPACE},，.。;；]+",
    re.VERBOSE | re.ASCII,
)
"""A size or ratio at the very beginning, followed by other words."""

MAX_DIGITS = 20
"""Most digits of a number: a signed 64-bit number has 19. Longer ones make `int` slow."""
MAX_DIRECTIVE_LENGTH = 256
"""Most characters searched for one directive, so that long prompts stay fast."""
MAX_DIRECTIVES = 16
"""Most directives read, twice the number of kinds. It limits the work for a text that consists of directives."""
_SEPARATORS = frozenset("\u200b\ufeff,，、;；")
"""Characters between a prompt and its directives, besides white space."""


def split(text: str) -> tuple[str, Options]:
    """A prompt without the directives at its end, and their options.

    Directives are read backwards from the end, up to the first other word. So the same words inside the prompt are left
    alone, as are ratios that are not offered ("at 10:30"). If an option is given twice, the last one counts. A size or
    ratio is also read at the very beginning. Raises `InvalidRequest` for a directive that is clearly intended but
    invalid (`--steps many`).
    """
    text, options = text.strip().strip("\u200b\ufeff"), NO_OPTIONS
    end = len(text)
    for _ in range(MAX_DIRECTIVES):
        match = _DIRECTIVE.search(text, max(0, end - MAX_DIRECTIVE_LENGTH), end)
        found = _read(match) if match else None
        if match is None or found is None:
            break
        options = options.over(found)
        end = match.start()
        while end and (text[end - 1].isspace() or text[end - 1] in _SEPARATORS):
            end -= 1
    text = text[:end]
    first = _FIRST.match(text)
    if first and (found := _shape(first)):
        return text[first.end() :], options.over(found)
    return text, options


def _read(match: re.Match[str]) -> Options | None:
    """The option in a directive; None if it is not a directive after all."""
    if switch := match["switch"]:
        return _SWITCHES[switch.lower()]
    if match["ratio"] or match["name"].lower() in ("ar", "size"):
        return _shape(match)
    name, value = match["name"].lower(), match["value"]
    if name == "model":
        return Options(model=value) if match["dash"] == "--" or _is_model(value) else None
    number = value.removeprefix("-") if name == "seed" else value
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        _refuse(match, InvalidRequest(f"--{name} takes a whole number.", param=name))
        return None
    return {
        "n": Options(n=int(number)),
        "steps": Options(steps=int(number)),
        "seed": Options(seed=None if value.startswith("-") else int(number)),
    }[name]


def _shape(match: re.Match[str]) -> Options | None:
    """The option in a ratio or size; None if a bare ratio is not one that is offered."""
    if ratio := match["ratio"]:
        size = sizes.RATIOS.get(ratio.strip("()[]（）【】").translate(_NARROW))
        return Options(size=size) if size else None
    parse = sizes.parse_shape if match["name"].lower() == "ar" else sizes.parse
    try:
        return Options(size=parse(match["value"].translate(_NARROW), "size") or sizes.DEFAULT)
    except InvalidRequest as error:
        _refuse(match, error)
        return None


def _refuse(match: re.Match[str], error: InvalidRequest) -> None:
    """Two hyphens clearly mean a directive. A dash may be followed by ordinary words ("a house - size matters")."""
    if match["dash"] == "--":
        raise error


def _is_model(name: str) -> bool:
    return catalog.find(name) is not None or catalog.is_generic(name) or partners.is_known(name)


_PAIR = re.compile("[\U00010000-\U0010ffff]")
"""Characters that take two UTF-16 units."""


def shorten(text: str, limit: int | None) -> str:
    """`text` cut at a word boundary to at most `limit` UTF-16 units; None means no limit.

    Workers AI's validator counts as JavaScript does: an emoji is two units. A text that has no space in its last
    quarter (Chinese, or one very long word) is cut anywhere.
    """
    if limit is None or len(text) <= limit // 2:
        return text
    cut = text[:limit]
    while (over := len(cut) + len(_PAIR.findall(cut)) - limit) > 0:
        cut = cut[: -((over + 1) // 2)]  # a character has at most two units, so this never cuts too much
    if cut == text:
        return text
    if text[len(cut)].isspace():
        return cut.rstrip()
    space = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:space] if space >= len(cut) * 3 // 4 else cut).rstrip()
