"""The pictures that the stand-ins return: JPEG files of any length in bytes."""

import random
from pathlib import Path

KILOBYTES = (50, 200, 1000, 5000)
"""The sizes that the stand-in for Workers AI offers."""
TRANSFORMED = {"cut": (200, 768, 512), "preview": (40, 512, 512)}
"""The results of the stand-in for Images: kilobytes, and sides in pixels."""

_HEAD = bytes.fromhex("ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 00 00")
"""Start of image, and the JFIF segment."""
_FRAME = bytes.fromhex("ffc0 0011 08")
_COMPONENTS = bytes.fromhex("03 012200 021101 031101")
"""Parts of the frame header before and after height and width; three components."""
_SCAN = bytes.fromhex("ffda 000c 03 0100 0211 0311 003f00")
_END = bytes.fromhex("ffd9")


def jpeg(length: int, width: int = 1024, height: int = 1024) -> bytes:
    """A picture of this many bytes and with these sides, in pixels.

    It has a JPEG's segments, and noise instead of coefficients, because nothing decodes it here.
    """
    noise = random.Random(length).randbytes(length)  # noqa: S311 - not for security: the same picture each time
    head = _HEAD + _FRAME + height.to_bytes(2) + width.to_bytes(2) + _COMPONENTS + _SCAN
    room = length - len(head + _END)
    return head + noise.replace(b"\xff", b"\xfe")[:room] + _END


def files(root: Path) -> dict[str, Path]:
    """Write all pictures to a folder; returns the files by the names that the stand-ins use."""
    sizes = {str(kilobytes): (kilobytes, 1024, 1024) for kilobytes in KILOBYTES} | TRANSFORMED
    written = {name: root / f"{name}.jpg" for name in sizes}
    for name, (kilobytes, width, height) in sizes.items():
        written[name].write_bytes(jpeg(kilobytes * 1000, width, height))
    return written
