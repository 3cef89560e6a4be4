"""Escapes other people's text for Markdown (CommonMark 0.31), so that it is shown literally."""

import re

_BREAKS = re.compile(r"[ \t]*[\n\r\v\f\x85\u2028\u2029]+[ \t]*")
"""Line breaks are removed: one could start a block, such as a code fence that swallows the following text."""

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

    A text without markup stays unchanged. Every renderer then shows only the pictures that were drawn.
    """
    return _MARKUP.sub(r"\\\g<0>", _BREAKS.sub(" ", text))
