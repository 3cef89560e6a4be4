"""Estimated tokens: no tokenizer runs here.

Text counts a token for every four bytes of UTF-8, a picture one for every 32 by 32 pixels, about what OpenAI's image
models count.
"""

from flux.picture import Picture
from flux.text import Spliced, Text


def of_text(text: Text) -> int:
    """Tokens of a text, without the pictures that are spliced into it."""
    pieces = text.pieces if isinstance(text, Spliced) else (text,)
    size = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
    return (size + 3) // 4


TEMPLATE = 64
"""Tokens for what a chat template puts around the messages of a short conversation, with room to spare."""


def at_most(*texts: str) -> int:
    """Tokens that a text model can count for these messages: none is shorter than a byte of UTF-8."""
    return sum(len(text.encode()) for text in texts) + TEMPLATE


def of_pictures(*pictures: Picture) -> int:
    """Tokens of pictures."""
    return sum(-(-one.width // 32) * -(-one.height // 32) for one in pictures)
