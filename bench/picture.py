"""A JPEG of any length in bytes."""

import random

_HEAD = bytes.fromhex("ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 00 00")
"""Start of image, and JFIF's segment."""
_FRAME = bytes.fromhex("ffc0 0011 08 0400 0400 03 012200 021101 031101")
"""Start of frame: 1024x1024, three components."""
_SCAN = bytes.fromhex("ffda 000c 03 0100 0211 0311 003f00")
_END = bytes.fromhex("ffd9")


def jpeg(length: int) -> bytes:
    """Bytes of a picture of 1024x1024: a JPEG's segments, and noise for its coefficients, which nobody here decodes."""
    noise = random.Random(length).randbytes(length)  # noqa: S311 - no secret: the same picture each time
    room = length - len(_HEAD + _FRAME + _SCAN + _END)
    return _HEAD + _FRAME + _SCAN + noise.replace(b"\xff", b"\xfe")[:room] + _END
