"""Text of other people inside Markdown (CommonMark 0.31): shown as it is, whatever it holds."""

import re

_BREAKS = re.compile(r"[ \t]*[\n\r\v\f\x85\u2028\u2029]+[ \t]*")
"""A line break could begin a block, such as a code fence that swallows what follows."""

_MARKUP = re.compile(
    r"""
      `                                    # code spans
    | \] (?= \( )                         # links and pictures; those by reference have no definition here
    | \\ (?= [!-/:-@\[-`{-~] | \Z )          # an escape of their own, or one that would undo ours
    | < (?= [A-Za-z/!?] )                  # HTML, autolinks
    | & (?= \#?\w+; )                      # entities, which may be any of these
    | (?<![^\W_]) _ | _ (?![^\W_])         # emphasis, but for snake_case
    | \* (?! \s ) | (?<! \s ) \*           # emphasis, but for a multiplication
    | ~ (?= ~ ) | (?<= ~ ) ~               # strikethrough of GitHub
    | (?<![\w$]) \$ (?= [^\s\d] )          # formulas of chat apps, but for prices
    """,
    re.VERBOSE,
)


def escape(text: str) -> str:
    """The text in one line, with a backslash before each character that would be markup.

    A text without markup stays as it is. In an answer of ours every renderer then shows the pictures that were drawn
    and no others.
    """
    return _MARKUP.sub(r"\\\g<0>", _BREAKS.sub(" ", text))
