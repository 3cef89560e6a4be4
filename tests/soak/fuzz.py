"""Malformed and unusual requests as bytes, reproducible by seed."""

import asyncio
import base64
import contextlib
import io
import json
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from PIL import Image

from tests import written
from tests.workerd import KEY

MIB = 2**20
PATIENCE_SECONDS = 60
"""A request that takes longer counts as hanging."""
INJECTED = "x-injected"
"""A header that some requests try to inject into responses."""

CHAT, GENERATIONS, EDITS = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
MCP = "/mcp"
PATHS = (
    CHAT, GENERATIONS, EDITS, MCP, "/v1/models", "/v1/models/flux", "/health", "/", "/openapi.json",
    "/image/aaaaaaaaaaaaaaaaaaaaaa-zzzzzzz.jpg", "/image/aaaaaaaaaaaaaaaaaaaaaa-0000001.jpg",
)  # fmt: skip

TEXTS = (
    "", " ", "a cat", "a cat 3:2 --seed 1", "x" * 70_000,
    f"a cat\r\n{INJECTED}: 1\r\n\r\n", f"%0d%0a{INJECTED}:%201", "\x00", "\ud800", "\udc00\ud800", "\\", '"',
    "\u2028\u2029\u0085", "\u202e\ufeff", "\x1b[2J", "🦊" * 40, "猫" * 3_000, "--n 4 --n 99", "1:1 " * 500,
    "--steps 99999999999999999999", "--model ../../x", "--size 1x1", "[[", "{{7*7}}", "${jndi:ldap://x}",
    "`)](javascript:alert(1))", "<script>alert(1)</script>", "![](http://127.0.0.1:1/)", "' OR 1=1 --",
    "../../../../etc/passwd", "a cat\n```\ncode", "<!--", "![x][y]\n\n[y]: http://127.0.0.1:1/", "a cat\\", "１６：９",
    "a cat —seed 5 --ar 2.35:1", "a cat --seed -1 --ar 16x9", "data:image/png;base64,", "#5", "\u2014seed \u2013n",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "-1", "1", "2", "5", "0.5", "2.0", "1e2", "1e400", "-1e400", "1e-400", "9007199254740993", "4294967296",
    "9" * 5_000, "0x10", "1_000", "NaN", "Infinity", "-Infinity", "01", "1.", ".5",
)  # fmt: skip
"""JSON texts, valid or not."""
NAMES = (
    "prompt", "messages", "model", "n", "size", "steps", "seed", "quality", "stream", "stream_options", "modalities",
    "response_format", "output_format", "output_compression", "images", "image", "mask", "user", "negative_prompt",
    "optimize", "tools", "partial_images", "background", "image_config", "aspect_ratio", "width", "height",
    "resolution", "tool_choice", "function_call", "extra_body", "input_image", "safety_identifier", "__proto__",
    "constructor", "", "prompt\x00", "\ud83d",
)  # fmt: skip
HOSTS = (
    "flux.example", "evil.example", "flux.example:8443", "[::1]", "127.0.0.1", "a" * 300, "", "\xff", "flux example",
    "flux.example@evil.example", "flux.example, evil.example", "flux.example/../x", "flux.example?x",
    "xn--e1afmkfd.example",
)  # fmt: skip
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "X" * 300,
    "G@T",
)


@dataclass(frozen=True)
class Attack:
    """One request."""

    kind: str
    sent: bytes
    method: str = "POST"
    whole: bool = True
    """Whether it ends where its head says. Otherwise closing our side ends it."""


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value, or the first of several."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class _Bytes:
    """Serves as the socket of an `HTTPResponse`."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_args: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def read_answer(data: bytes, method: str) -> Answer | None:
    """The response in the bytes; None if there are no bytes. Raises `HTTPException` if it is not complete and valid."""
    if not data:
        return None
    response = HTTPResponse(_Bytes(data), method=method)  # type: ignore[arg-type]
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())


async def ask(path: Path, attack: Attack) -> Answer | None:
    """Send the bytes and read to the end; None if the other side closed the connection without a response."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0)
        await loop.sock_connect(client, str(path))
        sending = asyncio.create_task(send(client, attack))
        data = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            # Reset: the response came before everything was sent, and can still be read.
            with contextlib.suppress(ConnectionResetError):
                while part := await loop.sock_recv(client, 2**16):
                    data += part
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    try:
        return read_answer(data, attack.method)
    except HTTPException:
        return Answer(0, [], data)


async def send(client: socket.socket, attack: Attack) -> None:
    """Send all of it, as long as the other side accepts it."""
    await asyncio.get_running_loop().sock_sendall(client, attack.sent)
    if not attack.whole:
        client.shutdown(socket.SHUT_WR)


def attacks(count: int, seed: int) -> list[Attack]:
    """The given number of requests, of all kinds."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    kinds, weights = zip(*KINDS.items(), strict=True)
    return [kind(chance) for kind in chance.choices(kinds, weights, k=count)]


# --- pieces ---------------------------------------------------------------------------------------


def _request(
    method: str,
    path: str | bytes,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    *,
    host: str = "flux.example",
    key: str | None = KEY,
    length: bool = True,
) -> bytes:
    """A valid request, if its parts are valid."""
    lines = [("host", host), ("connection", "close"), *headers]
    if key is not None:
        lines.append(("authorization", f"Bearer {key}"))
    if length and (body or method not in ("GET", "HEAD", "OPTIONS")):
        lines.append(("content-length", str(len(body))))
    head = b"".join(f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in lines)
    target = path if isinstance(path, bytes) else path.encode("latin-1", "replace")
    return method.encode() + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + body


JSON = [("content-type", "application/json")]


def _plain(chance: random.Random, path: str) -> dict[str, Any]:
    """A valid body for the path."""
    text = chance.choice(("a cat", "a dog 3:2", "une maison"))
    if path == CHAT:
        content = chance.choice(
            (text, [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": PNG_URL}}])
        )
        return {"model": "flux", "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": content}]}
    body: dict[str, Any] = {"prompt": text, "n": 1, "size": "1024x1024", "response_format": "b64_json"}
    return body | ({"images": [{"image_url": PNG_URL}]} if path == EDITS else {})


def _strange(chance: random.Random, depth: int = 0) -> str:
    """JSON, or almost."""
    match chance.randrange(8 if depth < 4 else 4):
        case 0:
            return chance.choice(NUMBERS)
        case 1 | 2:
            return json.dumps(chance.choice(TEXTS))
        case 3:
            return chance.choice(("null", "true", "false", "[]", "{}", "undefined", "'a'", "", "[,]", '{"a":1,}'))
        case 4 | 5:
            return "[" + ",".join(_strange(chance, depth + 1) for _ in range(chance.randrange(5))) + "]"
        case _:
            names = chance.choices(NAMES, k=chance.randrange(4))
            return "{" + ",".join(f"{json.dumps(name)}:{_strange(chance, depth + 1)}" for name in names) + "}"


def _png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


def _noise_png() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((500, 480), 100).convert("L").save(file, "PNG")
    return file.getvalue()


PNG = _png(64, 48)
PHOTO = _noise_png()
"""About 230 KB, within the limits of models."""
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def _damaged(chance: random.Random, data: bytes) -> bytes:
    """The bytes with some flipped, removed, inserted or repeated."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at]
            case 2:
                data = (
                    data[:at]
                    + chance.choice((b"\xff\xfe", b"\x00", b"\xc3", b"\xed\xa0\x80", b'"', b"\\u", b"\r\n"))
                    + data[at:]
                )
            case _:
                data = data[:at] + data[at : at + 40] + data[at:]
    return data


# --- kinds ----------------------------------------------------------------------------------------


def _fields(chance: random.Random) -> Attack:
    """A valid body with some strange fields."""
    path = chance.choice((CHAT, GENERATIONS, EDITS))
    fields = {name: json.dumps(value) for name, value in _plain(chance, path).items()}
    for name in chance.choices(NAMES, k=chance.randint(1, 3)):
        fields[name] = _strange(chance)
    return Attack("fields", _request("POST", path, JSON, _object(fields).encode()))


def _rpc(chance: random.Random) -> Attack:
    """A tool call with some strange parts, or with damaged bytes."""
    arguments = {"prompt": '"a cat"', "images": json.dumps([PNG_URL]), "n": "1", "size": '"512x512"'}
    for name in chance.choices((*arguments, *NAMES), k=chance.randint(0, 2)):
        arguments[name] = _strange(chance)
    meta = {
        "io.modelcontextprotocol/protocolVersion": chance.choice(('"2026-07-28"', _strange(chance))),
        "io.modelcontextprotocol/clientCapabilities": chance.choice(("{}", _strange(chance))),
        "progressToken": chance.choice(("1", _strange(chance))),
    }
    tool = chance.choice(("draw", "edit", "list_models", chance.choice(TEXTS[:20])))
    params = {
        "name": json.dumps(tool),
        "arguments": chance.choice((_object(arguments), _strange(chance))),
        "_meta": chance.choice((_object(meta), "{}", _strange(chance))),
    }
    method = chance.choice(("tools/call", "tools/call", "tools/list", "initialize", "server/discover", "x"))
    message = {
        "jsonrpc": '"2.0"',
        "id": chance.choice(("1", '"a"', _strange(chance))),
        "method": chance.choice((json.dumps(method), _strange(chance))),
        "params": chance.choice((_object(params), _object(params), _strange(chance))),
    }
    message.pop(chance.choice((*message, "", "", "", "")), None)
    body = chance.choice((_object(message), _object(message), f"[{_object(message)}]")).encode()
    headers = [
        ("mcp-protocol-version", chance.choice(("2026-07-28", "2025-11-25", "", "x", "=?base64?"))),
        ("mcp-method", chance.choice((method, "x"))),
        ("mcp-name", chance.choice(("draw", "=?base64?ZHJhdw==?=", "=?base64?\xff?=", ""))),
        ("accept", chance.choice(("application/json", "application/json, text/event-stream"))),
    ]
    sent = JSON + [header for header in headers if chance.random() < 0.6]
    return Attack("rpc", _request("POST", MCP, sent, _damaged(chance, body) if chance.random() < 0.2 else body))


def _object(fields: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def _texts(chance: random.Random) -> Attack:
    """A valid body with a strange text where text belongs."""
    path = chance.choice((CHAT, GENERATIONS))
    text = chance.choice(TEXTS) + chance.choice(TEXTS)
    body = _plain(chance, path) | {chance.choice(("model", "user", "size", "negative_prompt")): chance.choice(TEXTS)}
    body |= {"messages": [{"role": "user", "content": text}]} if path == CHAT else {"prompt": text}
    if chance.random() < 0.3:
        body["stream"] = True
    return Attack("texts", _request("POST", path, JSON, json.dumps(body).encode()))


def _damage(chance: random.Random) -> Attack:
    """A valid JSON body with damaged bytes."""
    path = chance.choice((CHAT, GENERATIONS, EDITS))
    body = _damaged(chance, json.dumps(_plain(chance, path), ensure_ascii=chance.random() < 0.5).encode())
    return Attack("damage", _request("POST", path, JSON, body))


def _depth(chance: random.Random) -> Attack:
    """Nested JSON, up to far too deep."""
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")))
    times = chance.choice((10, 63, 64, 65, 1_000, 100_000))
    value = opening * times + "1" + (closing * times if chance.random() < 0.7 else "")
    body = chance.choice((value, f'{{"prompt":"a cat","user":{value}}}', f'{{"messages":{value}}}'))
    return Attack("depth", _request("POST", chance.choice((CHAT, GENERATIONS)), JSON, body.encode()))


def _form(chance: random.Random) -> Attack:
    """A form, valid or damaged."""
    boundary = chance.choice(("b", "----WebKitFormBoundaryAAAA", "a b", '"', "-" * 60, ""))
    name = chance.choice(("image", "image[]", "image[0]", "mask", "prompt", f'a"\r\n{INJECTED}: 1', "\xff", ""))
    file = chance.choice(("a.png", f'a.png"\r\n{INJECTED}: 1\r\nx: "', "../../a", "\x00.png", "猫.png", "a" * 5_000))
    data = chance.choice((PNG, PNG[:40], _damaged(chance, PNG), b"", b"GIF89a", b"\xff\xd8\xff" + b"\xff" * 3_000))
    disposition = f'content-disposition: form-data; name="{name}"; filename="{file}"'
    part = f"--{boundary}\r\n{disposition}\r\ncontent-type: image/png\r\n\r\n"
    text = f'--{boundary}\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n{chance.choice(TEXTS[:20])}\r\n'
    body = (
        part.encode("utf-8", "surrogateescape")
        + data
        + b"\r\n"
        + text.encode("utf-8", "surrogatepass") * chance.choice((1, 1, 30))
    )
    body += f"--{boundary}--\r\n".encode()
    if chance.random() < 0.5:
        body = _damaged(chance, body)
    kind = chance.choice(
        (f"multipart/form-data; boundary={boundary}", "multipart/form-data", "multipart/mixed; boundary=b")
    )
    return Attack("form", _request("POST", EDITS, [("content-type", kind)], body))


def _form_of_others(chance: random.Random) -> Attack:
    """A form as other platforms write them, including their values for unset options; damaged or not."""
    names = chance.choices(
        ("n", "seed", "size", "quality", "response_format", "user", "image", "mask", "aspect_ratio"), k=4
    )
    values = (b"", b"0", b"-1", b"2", b"16:9", b"PNG", PNG, PNG_URL.encode(), b"\xff", "猫".encode(), b"null", b"--b")
    fields: list[written.Field] = [("prompt", None, None, b"a cat"), ("image", chance.choice(NAMED), None, PNG)]
    fields += [(name, chance.choice((None, None, *NAMED)), None, chance.choice(values)) for name in names]
    chance.shuffle(fields)
    kind, body = chance.choice([*written.FORMS.values()])(fields)
    body = _damaged(chance, body) if chance.random() < 0.4 else body
    path = chance.choice((EDITS, EDITS, GENERATIONS))
    return Attack("form of others", _request("POST", path, [("content-type", kind)], body))


NAMED = ("s.png", "", "猫 é.png", 'a"b\\c.png', "x" * 300)
"""File names."""


def _pictures(chance: random.Random) -> Attack:
    """Pictures in a body, in all notations, complete or damaged, and texts that quote them."""
    data = chance.choice((PNG, PHOTO, PHOTO, _damaged(chance, PNG), b"GIF89a" + bytes(60), PHOTO[:5_000]))
    base64_text = base64.b64encode(data).decode()
    if chance.random() < 0.2:
        at = chance.randrange(len(base64_text))
        base64_text = (
            base64_text[:at] + chance.choice(("\n", "=", "%", "-", '"', "\\", "\udc00", ",")) + base64_text[at:]
        )
    head = chance.choice(
        ("data:image/png;base64,", "Data:image/PNG; BASE64 ,", " data:;base64,", "", "data:image/png,")
    )
    url = head + base64_text + chance.choice(("", "", "\r\n", " ", "#x"))
    part = chance.choice(
        (
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "input_image", "image_url": url},
            {"type": "image", "source": {"type": "base64", "data": url}},
            {"type": "file", "file": {"file_data": url}},
            {"type": "text", "text": f"<img src='{url}'> and more"},
        )
    )
    said = {"role": chance.choice(("user", "user", "assistant", "tool")), "content": ["a dog", part]}
    drawn = {"role": "assistant", "content": f"![a]({url})", "images": [part]}
    asking = {"role": "user", "content": chance.choice(("a cat", ["a cat", part], [part], "a cat --edit"))}
    chat = {"model": "klein", "messages": [*chance.choices((said, drawn), k=chance.choice((0, 1, 3))), asking]}
    edit = {
        "prompt": "a cat",
        chance.choice(("image", "images", "image_url", "mask")): chance.choice((url, [url, url], part)),
    }
    path, body = chance.choice(((CHAT, chat), (CHAT, chat), (EDITS, edit), (GENERATIONS, edit)))
    sent = chance.choice([*written.JSON.values()])(body).encode("utf-8", "surrogatepass")
    return Attack("pictures", _request("POST", path, JSON, sent))


def _large_pictures(chance: random.Random) -> Attack:
    """A chat with photos, up to a little over 20 MiB."""
    url = f"data:image/png;base64,{base64.b64encode(PHOTO).decode()}"
    part = {"type": "image_url", "image_url": {"url": url}}
    most = 20 * MIB // len(url)
    earlier = [{"role": "user", "content": ["a dog", part]}] * (chance.choice((most, most - 2, most // 2)) - 1)
    body = {"model": "klein", "messages": [*earlier, {"role": "user", "content": ["a cat", part]}]}
    return Attack("large pictures", _request("POST", CHAT, JSON, json.dumps(body).encode()))


def _wishes(chance: random.Random) -> Attack:
    """Valid requests with options that apps store or that cannot be followed, or with output that is not a picture."""
    path = chance.choice((CHAT, GENERATIONS, EDITS))
    wishes = chance.choices(WISHES, k=chance.randint(1, 4))
    body = _plain(chance, path) | {"stream": chance.random() < 0.2}
    for wish in wishes:
        body |= wish
    return Attack("wishes", _request("POST", path, JSON, json.dumps(body).encode()))


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
WISHES: tuple[dict[str, Any], ...] = (
    {"seed": -1}, {"seed": 2**63 - 1}, {"seed": "-1"}, {"n": 0}, {"n": 3}, {"n": "2"}, {"size": ""},
    {"size": "1366x768"},
    {"size": "4096x4096", "n": 3}, {"width": 640, "height": "360"}, {"aspect_ratio": "2.35:1"}, {"aspect_ratio": "9:1"},
    {"image_config": {"aspect_ratio": "16:9", "image_size": "2K"}}, {"image_config": {"aspect_ratio": "x" * 900}},
    {"quality": "xhigh"}, {"output_format": "PNG"}, {"background": "transparent"}, {"partial_images": 2}, {"style": {}},
    {"negative_prompt": "dogs"}, {"mask": PNG_URL}, {"model": "openai/gpt-image-2"}, {"model": "FLUX.1-schnell"},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}},
    {"response_format": {"type": "json_object"}}, {"tools": [FUNCTION], "tool_choice": "required"},
    {"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"function_call": {"name": "f"}},
    {"modalities": ["image", "text"]}, {"messages": [{"role": "system", "content": "a barn"}]}, {"user": 123},
)  # fmt: skip


def _path(chance: random.Random) -> Attack:
    """An unlikely combination of a method and a path."""
    pieces = (
        "v1",
        "models",
        "image",
        "..",
        ".",
        "",
        "%2e%2e",
        "%00",
        "%0d%0aX-Injected:1",
        "%ff",
        "%",
        "%zz",
        "\xe9",
        "a" * 4_000,
        "@cf",
    )
    path = chance.choice((chance.choice(PATHS), "/" + "/".join(chance.choices(pieces, k=chance.randrange(6)))))
    if chance.random() < 0.3:
        path = _damaged(chance, path.encode("latin-1")).translate(None, b" \r\n\x00").decode("latin-1")
    path += chance.choice(("", "", "?download", "?a=%0d%0a", "?" + "a" * 3_000, "#x"))
    method = chance.choice(METHODS)
    return Attack("path", _request(method, path or "/", [], key=chance.choice((KEY, None))), method, whole=False)


def _headers(chance: random.Random) -> Attack:
    """A valid request, or one without a body, with strange headers."""
    values = (*TEXTS[5:], "*", "0", "-1", "x" * 9_000)
    names = (
        "accept", "origin", "access-control-request-headers", "access-control-request-method", "if-none-match",
        "range", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip", "cookie", "content-type",
        "user-agent", "referer", "x-stainless-retry-count", "x-openwebui-user-id", "accept-language", "api-key",
        "x-http-method-override", "expect",
    )  # fmt: skip
    printable = [
        (name, "".join(c for c in chance.choice(values) if c not in "\r\n\0")) for name in chance.choices(names, k=6)
    ]
    many = [(f"x-{number}", "1") for number in range(chance.choice((0, 0, 0, 150)))]
    host, method = chance.choice(HOSTS), chance.choice(("GET", "HEAD", "OPTIONS", "POST"))
    path = chance.choice(PATHS)
    body = json.dumps(_plain(chance, path)).encode() if method == "POST" and path in (CHAT, GENERATIONS) else b""
    return Attack("headers", _request(method, path, [*printable, *many], body, host=host), method, whole=False)


def _key(chance: random.Random) -> Attack:
    """A request without the key."""
    key = chance.choice(
        (None, "", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "\xe9", "x" * 8_000, f"{KEY},{KEY}", f" {KEY[1:]}")
    )
    path = chance.choice((CHAT, GENERATIONS, EDITS, "/v1/models", "/models/flux"))
    method = "GET" if "models" in path else "POST"
    return Attack(
        "key", _request(method, path, JSON, b'{"prompt":"a cat"}' if method == "POST" else b"", key=key), method
    )


def _framing(chance: random.Random) -> Attack:
    """A body whose end is stated wrongly or not at all."""
    body = json.dumps(_plain(chance, CHAT)).encode()
    chunk = f"{len(body):x}".encode()
    head, sent = chance.choice(
        (
            ([("transfer-encoding", "chunked")], chunk + b"\r\n" + body + b"\r\n0\r\n\r\n"),
            (
                [("transfer-encoding", "chunked")],
                b"1\r\n{\r\n" + chunk + b";a=b\r\n" + body + b"\r\n0\r\nx-trailer: 1\r\n\r\n",
            ),
            ([("transfer-encoding", "chunked")], b"ffffffffffffffff\r\n" + body),
            ([("transfer-encoding", "chunked")], b"-1\r\n" + body),
            ([("transfer-encoding", "chunked")], b"zz\r\n" + body + b"\r\n0\r\n\r\n"),
            ([("transfer-encoding", "gzip, chunked")], b"0\r\n\r\n"),
            ([("transfer-encoding", "chunked"), ("content-length", "3")], b"0\r\n\r\n"),
            ([("content-length", "-1")], body),
            ([("content-length", "abc")], body),
            ([("content-length", "99999999999999999999")], body),
            ([("content-length", str(len(body) + 50))], body),
            ([("content-length", str(len(body) - 5))], body),
            ([("content-length", "5"), ("content-length", "6")], body),
            ([], body),
        )
    )
    path = chance.choice((CHAT, GENERATIONS, EDITS))
    return Attack("framing", _request("POST", path, [*JSON, *head], length=False) + sent, whole=False)


def _large(chance: random.Random) -> Attack:
    """A body over the limit, which its head does not reveal."""
    size = chance.choice((MIB - 100, MIB + 1, 2 * MIB))
    data = b'{"prompt":"' + b"a" * size
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece)
        for piece in (data[at : at + 65_536] for at in range(0, len(data), 65_536))
    )
    head = [*JSON, ("transfer-encoding", "chunked")]
    return Attack(
        "large", _request("POST", chance.choice((CHAT, GENERATIONS)), head, length=False) + chunks + b"0\r\n\r\n"
    )


def _noise(chance: random.Random) -> Attack:
    """Hardly HTTP."""
    request = _request("POST", CHAT, JSON, json.dumps(_plain(chance, CHAT)).encode())
    return Attack("noise", chance.choice((_damaged(chance, request), chance.randbytes(200), b"\r\n" * 50)), whole=False)


KINDS: dict[Callable[[random.Random], Attack], float] = {
    _fields: 30,
    _rpc: 12,
    _texts: 12,
    _damage: 15,
    _depth: 3,
    _form: 12,
    _form_of_others: 10,
    _pictures: 10,
    _large_pictures: 0.5,
    _wishes: 12,
    _path: 12,
    _headers: 8,
    _key: 4,
    _framing: 4,
    _large: 0.3,
    _noise: 4,
}
