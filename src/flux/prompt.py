"""The text a person wrote -> what to draw, and the directives at its end."""

import re
from collections.abc import Mapping

from flux import catalog, partners, sizes
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

_SPACE = r"\s\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff"
"""Also those that word processors and phones put between words."""
_CJK = r"\u2e80-\uff0f\uff1b-\uffef"
"""Without the full-width digits and colon, in the middle of which no ratio begins."""
_RATIO = r"[\d０-９]{1,2}[:：∶][\d０-９]{1,2}"
_NARROW = str.maketrans("０１２３４５６７８９：∶", "0123456789::")
"""What Japanese and Chinese keyboards make of digits and colons."""
_IN_BRACKETS = "|".join((_RATIO, rf"\({_RATIO}\)", rf"\[{_RATIO}\]", rf"（{_RATIO}）", rf"【{_RATIO}】"))

_DIRECTIVE = re.compile(
    rf"""(?: (?:^|[{_SPACE}]|(?<=[{_CJK}]))              # directives stand apart; CJK has no spaces
            (?: (?P<dash>--|[—–])(?P<name>ar|size|steps|seed|n|model)[{_SPACE}=]+(?P<value>[^{_SPACE}]+?)
              | (?:--|[—–])(?P<switch>raw|optimize|edit|new|-ntl|-tl) )
          | (?:^|(?<=[{_SPACE},，、;；])|(?<=[{_CJK}])|(?=[（【]))
            (?P<ratio>{_IN_BRACKETS}) )
         [.。!！]*$
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""One directive at the end. A phone's keyboard makes a dash of two hyphens: that counts where its value is one."""

_FIRST = re.compile(
    rf"(?: (?P<dash>--|[—–])(?P<name>ar|size)[{_SPACE}=]+(?P<value>[^{_SPACE},，]+) | (?P<ratio>{_IN_BRACKETS}) )"
    rf" [{_SPACE},，.。;；]+",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""A shape at the very beginning, with words behind it."""

MAX_DIGITS = 20
"""Of a number that is read at all: a signed 64-bit one has 19. More make `int` slow."""
MAX_DIRECTIVE_LENGTH = 256
"""Characters looked at for one directive: keeps the search short however long the prompt is."""
MAX_DIRECTIVES = 16
"""Twice as many as there are kinds: a text of thousands is no prompt, and must not cost a search for each."""
_SEPARATORS = frozenset("\u200b\ufeff,，、;；")
"""What stands between a prompt and its directives, beside white space."""


def split(text: str) -> tuple[str, Options]:
    """A prompt without the directives at its end, and what they say.

    They are read from the end inwards until something else stands there, so the same words inside
    the prompt are left alone, as is a ratio that is none of ours ("at 10:30"). Of two that say the
    same thing the last one counts. A shape is read at the very beginning, too. Raises
    `InvalidRequest` for a directive that is clearly meant and cannot be followed (`--steps many`).
    """
    text, options = text.strip().strip("\u200b\ufeff"), Options()
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
    """What one directive says; None where it is none after all."""
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
    """What a ratio or a size says; None where a bare ratio is not one of ours."""
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
    """Two hyphens are meant as a directive. Behind a dash other words may follow ("a house - size matters")."""
    if match["dash"] == "--":
        raise error


def _is_model(name: str) -> bool:
    return catalog.find(name) is not None or catalog.is_generic(name) or partners.is_known(name)


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
