"""Bodies as other platforms write them."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote


def as_php(value: Any) -> str:
    """`json_encode`: slashes are escaped."""
    return json.dumps(value).replace("/", r"\/")


def as_dotnet(value: Any) -> str:
    """`System.Text.Json`: what might be HTML is escaped."""
    return json.dumps(value).translate({ord(c): f"\\u{ord(c):04X}" for c in "+<>&'`"})


def as_gson(value: Any) -> str:
    """Java's Gson: what might be HTML is escaped, with lower-case digits."""
    return json.dumps(value).translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&='"})


def as_utf8(value: Any) -> str:
    """JavaScript and Go: letters are not escaped."""
    return json.dumps(value, ensure_ascii=False)


def as_python(value: Any) -> str:
    """`json.dumps`: ASCII."""
    return json.dumps(value)


JSON: dict[str, Callable[[Any], str]] = {
    "Python": as_python,
    "JavaScript": as_utf8,
    "PHP": as_php,
    ".NET": as_dotnet,
    "Java": as_gson,
}
"""Writers of JSON, by platform."""


# --- forms ----------------------------------------------------------------------------------------

Field = tuple[str, str | None, str | None, bytes]
"""Name, file name, content type, content."""


def _by_curl(fields: Sequence[Field]) -> tuple[str, bytes]:
    """By curl and, except for the boundary, by browsers, Node's form-data, Go and httpx."""
    boundary = "------------------------d74496d66958873e"
    parts = []
    for name, filename, kind, content in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"'
        head += "" if filename is None else f'; filename="{_escaped(filename)}"'
        head += "" if kind is None else f"\r\nContent-Type: {kind}"
        parts.append(f"{head}\r\n\r\n".encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _escaped(text: str) -> str:
    """As in browsers; older versions of curl use a backslash."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _by_dotnet(fields: Sequence[Field]) -> tuple[str, bytes]:
    """`System.Net.Http.MultipartFormDataContent`: disposition after the type, names as tokens, a quoted boundary."""
    boundary = "5bb5d3a4-6b1c-4d3e-9b9e-2d1f4c3b2a19"
    parts = []
    for name, filename, kind, content in fields:
        head = "Content-Type: text/plain; charset=utf-8\r\n" if filename is None else ""
        head += f"Content-Type: {kind}\r\n" if kind else ""
        head += f"Content-Disposition: form-data; name={_token(name)}"
        if filename is not None:
            head += f"; filename={_token(filename)}; filename*=utf-8''{quote(filename, safe='')}"
        parts.append(f"{head}\r\n\r\n".encode() + content)
    between = f"\r\n--{boundary}\r\n".encode()
    body = f"--{boundary}\r\n".encode() + between.join(parts) + f"\r\n--{boundary}--\r\n".encode()
    return f'multipart/form-data; boundary="{boundary}"', body


def _token(text: str) -> str:
    return text if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text) else f'"{_escaped(text)}"'


def _by_akka(fields: Sequence[Field]) -> tuple[str, bytes]:
    """Akka HTTP and Pekko: no line break before the first boundary, names as tokens, a type for every part."""
    boundary = "gc0p4Jq0M2Yt08jU534c0p"
    body = b""
    for name, filename, kind, content in fields:
        head = f"Content-Type: {kind or 'text/plain; charset=UTF-8'}\r\nContent-Disposition: form-data; "
        head += "" if filename is None else f"filename={_token(filename)}; "
        body += f"\r\n--{boundary}\r\n{head}name={_token(name)}\r\n\r\n".encode() + content
    return f'multipart/form-data; boundary="{boundary}"', body[2:] + f"\r\n--{boundary}--".encode()


def _by_java_mail(fields: Sequence[Field]) -> tuple[str, bytes]:
    """`jakarta.mail`, MATLAB and R: a preamble, folded lines, a boundary with equals signs, declared encodings."""
    boundary = "----=_Part_0_1234567.89"
    body = b"This is a multi-part message in MIME format.\r\n"
    for name, filename, kind, content in fields:
        head = f"--{boundary}\r\ncontent-transfer-encoding: binary\r\nCONTENT-TYPE:{kind or 'text/plain'};\r\n\tx=y\r\n"
        head += f'content-disposition : form-data;\r\n name="{_escaped(name)}"'
        head += "" if filename is None else f';\r\n filename="{_escaped(filename)}"'
        body += f"{head}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"
    return f"Multipart/Form-Data;\tBoundary={boundary} ; charset=utf-8", body + f"--{boundary}-- \t\r\nbye\r\n".encode()


def form_by_hand(fields: Sequence[Field], boundary: str = "B") -> tuple[str, bytes]:
    """By a script: bare line feeds, a short boundary, only what is required."""
    body = b""
    for name, filename, _kind, content in fields:
        file = "" if filename is None else f"; filename*0={_token(filename[:3])};filename*1={_token(filename[3:])}"
        body += f"--{boundary}\ncontent-disposition:form-data;name={_token(name)}{file}\n\n".encode() + content + b"\n"
    return f"multipart/form-data;boundary={boundary}", body + f"--{boundary}--".encode()


FormWriter = Callable[[Sequence[Field]], tuple[str, bytes]]
FORMS: dict[str, FormWriter] = {
    "curl": _by_curl,
    ".NET": _by_dotnet,
    "Akka": _by_akka,
    "Java mail": _by_java_mail,
    "a script": form_by_hand,
}
"""Writers of forms by platform. Each returns the Content-Type and the body."""
