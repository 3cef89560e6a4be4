"""Parses `multipart/form-data` as wrangler sends it (RFC 7578): held in memory, with binary parts."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One field or file of a form."""

    name: str
    type: str
    """Its content type, without parameters; "" for a plain field."""
    content: bytes


def parse(body: bytes, content_type: str) -> list[Part]:
    """The parts in the order in which they were sent. Raises `ValueError` if the body is not a form."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if not content_type.startswith("multipart/form-data") or not boundary:
        raise ValueError(f"not a form but {content_type or 'nothing'}")
    delimiter = b"\r\n--" + boundary[1].encode()
    first, *sections = (b"\r\n" + body).split(delimiter)
    if first.strip() or not sections or sections.pop().strip() != b"--":
        raise ValueError("a form without its end")
    return [_part(section) for section in sections]


def _part(section: bytes) -> Part:
    head, separator, content = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    name = re.search(rb'name="([^"]*)"', head)
    if not separator or not name:
        raise ValueError("a part of a form without a name")
    type_ = re.search(rb"(?im)^content-type: *([^;\r\n]+)", head)
    return Part(name[1].decode(), type_[1].decode().strip() if type_ else "", content)
