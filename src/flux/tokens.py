"""Estimates tokens, since no tokenizer runs here.

Text counts one token for every four bytes of UTF-8, a picture one for every 32x32 pixels, which is about what OpenAI's
image models count.
"""

from flux.picture import Picture
from flux.text import Spliced, Text


def of_text(text: Text) -> int:
    """Tokens of a text, not counting pictures in it."""
    pieces = text.pieces if isinstance(text, Spliced) else (text,)
    size = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
    return (size + 3) // 4


TEMPLATE = 64
"""Tokens that a chat template adds to the messages of a short conversation, generously estimated."""


def at_most(*texts: str) -> int:
    """The most tokens that a text model can count for these messages: a token has at least one byte of UTF-8."""
    return sum(len(text.encode()) for text in texts) + TEMPLATE


def of_pictures(*pictures: Picture) -> int:
    """Tokens of pictures."""
    return sum(-(-one.width // 32) * -(-one.height // 32) for one in pictures)
