"""The pictures that the stand-ins answer with: JPEG of any length in bytes."""

import random
from pathlib import Path

KILOBYTES = (50, 200, 1000, 5000)
"""What the stand-in for Workers AI can be asked for."""
TRANSFORMED = {"cut": (200, 768, 512), "preview": (40, 512, 512)}
"""What the stand-in for Images answers with: kilobytes, and the sides in pixels."""

_HEAD = bytes.fromhex("ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 00 00")
"""Start of image, and JFIF's segment."""
_FRAME = bytes.fromhex("ffc0 0011 08")
_COMPONENTS = bytes.fromhex("03 012200 021101 031101")
"""Start of frame, around its height and width; three components."""
_SCAN = bytes.fromhex("ffda 000c 03 0100 0211 0311 003f00")
_END = bytes.fromhex("ffd9")


def jpeg(length: int, width: int = 1024, height: int = 1024) -> bytes:
    """A picture of so many bytes and of these sides, in pixels.

    A JPEG's segments, and noise for its coefficients, which nobody here decodes.
    """
    noise = random.Random(length).randbytes(length)  # noqa: S311 - no secret: the same picture each time
    head = _HEAD + _FRAME + height.to_bytes(2) + width.to_bytes(2) + _COMPONENTS + _SCAN
    room = length - len(head + _END)
    return head + noise.replace(b"\xff", b"\xfe")[:room] + _END


def files(root: Path) -> dict[str, Path]:
    """All of them, written to a folder, by the names that the stand-ins know."""
    sizes = {str(kilobytes): (kilobytes, 1024, 1024) for kilobytes in KILOBYTES} | TRANSFORMED
    written = {name: root / f"{name}.jpg" for name in sizes}
    for name, (kilobytes, width, height) in sizes.items():
        written[name].write_bytes(jpeg(kilobytes * 1000, width, height))
    return written
