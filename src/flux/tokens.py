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


def of_pictures(*pictures: Picture) -> int:
    """Tokens of pictures."""
    return sum(-(-one.width // 32) * -(-one.height // 32) for one in pictures)
