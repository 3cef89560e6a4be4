"""Pictures in a JSON body are found as whole strings, however they are written."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flux import embedded, text
from flux.embedded import WINDOW
from flux.errors import RequestTooLarge
from flux.http import MAX_TEXT
from tests import written
from tests.fakes import Bytes, Posted, data_of, encoded

JPEG, PNG, WEBP, GIF = (
    encoded(Image.effect_noise((90, 80), 100), f"image/{name}") for name in ("jpeg", "png", "webp", "gif")
)
AVIF = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf" + bytes(range(256)) * 30
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)) * 30
FILES = {"JPEG": JPEG, "PNG": PNG, "WebP": WEBP, "GIF": GIF, "AVIF": AVIF, "HEIC": HEIC}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


WRITERS = pytest.mark.parametrize("write", written.JSON.values(), ids=written.JSON.keys())
Writer = Callable[[Any], str]


def found(body: str) -> list[str]:
    """The base64 of the pictures in a body, as written there."""
    data = body.encode()
    return [data[start:end].decode() for start, end in embedded.find(Bytes(data))]


def unescaped(strings: list[str]) -> list[str]:
    return [json.loads(f'"{one}"') for one in strings]


# --- what is a picture ----------------------------------------------------------------------------


@WRITERS
@pytest.mark.parametrize("name", FILES)
def test_base64_that_starts_as_a_picture_starts_is_one(name: str, write: Writer) -> None:
    """The `result` of a repeated image_generation_call, `b64_json`, `image`: without `data:` before it."""
    data = base64_of(FILES[name])
    assert unescaped(found(write({"input": [{"type": "image_generation_call", "result": data}, "猫"]}))) == [data]


@WRITERS
@pytest.mark.parametrize(
    "head",
    ["data:image/png;base64,", "Data:image/PNG;BASE64,", " data:image/png;base64,", "data:image/png; base64,",
     "data:;base64,", "data:image/png;charset=utf-8;base64,", "data:image/svg+xml;base64,", "DATA:IMAGE/JPEG;Base64 ,",
     "\n data:image/webp;name=a%20cat.webp;base64,", "data:application/octet-stream;base64,"],
)  # fmt: skip
def test_a_data_url_is_one_in_any_spelling(head: str, write: Writer) -> None:
    data = base64_of(PNG)
    assert unescaped(found(write({"messages": [{"image_url": {"url": head + data}}]}))) == [data]
    assert embedded.base64_of(head + data) == data


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["", "data:image/jpeg;base64,"])
def test_base64_in_lines_is_one(head: str, line_break: str) -> None:
    """As `base64` and MIME libraries write it, with 76 characters per line."""
    data = base64_of(JPEG)
    lines = line_break.join(data[at : at + 76] for at in range(0, len(data), 76))
    assert unescaped(found(json.dumps({"image": head + lines}))) == [lines]


PNG_URL = f"data:image/png;base64,{base64_of(PNG)}"
TEXTS = {
    "HTML": f'<h1>A page</h1><img src="{PNG_URL}"><p>and more of it</p>',
    "HTML with one quote": f"<img src='{PNG_URL}'>",
    "CSS": f"a {{ background: url({PNG_URL}) }}",
    "a Markdown link with a title": f'![a cat]({PNG_URL} "a cat")',
    "a Markdown link without an end": f"![a cat]({PNG_URL}",
    "a Markdown link with more in it": f"![a cat]({PNG_URL}&x=1)",
    "a picture, then words": f"{PNG_URL} Please make it blue.",
    "a picture, then a quote": f'{PNG_URL}" alt="a cat">',
    "a picture, then a backslash": f"{PNG_URL}\\",
    "two pictures": f"{PNG_URL} {PNG_URL}",
    "two pictures in lines": f"{PNG_URL}\n{PNG_URL}",
    "JSON in a string": json.dumps({"url": PNG_URL}),
    "an SVG that holds one": f"data:image/svg+xml;utf8,<svg><image href='{PNG_URL}'/></svg>",
    "a data URL that is no base64": "data:text/html," + "a" * 9000,
    "base64 of no picture": base64_of(b"Nothing to see" * 900),
    "words that start as base64 does": "R0lGODlh" + "abcdefgh" * 9 + " and so on" * 900,
    "letters": "a" * 9000,
}


@WRITERS
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_quotes_a_picture_is_a_text(name: str, write: Writer) -> None:
    value = {"messages": [{"content": TEXTS[name]}, {"content": "a cat"}]}
    assert found(write(value)) == []


@WRITERS
@pytest.mark.parametrize("before", [0, 3000, *range(WINDOW - 60, WINDOW + 20)])
def test_base64_in_markdown_is_left_out_of_the_text(before: int, write: Writer) -> None:
    """Wherever a window ends; as in our own answers with a picture that could not be stored."""
    padding = "猫" * (before // 6) + '"a" ' * (before // 24) + "b" * (before % 24)
    answer = f"{padding} ![Generated Image]({PNG_URL}) ![2]({PNG_URL})\n[x](y)"
    body = write({"messages": [{"role": "assistant", "content": answer}, {"content": "a cat"}] * 2})
    assert unescaped(found(body)) == [base64_of(PNG)] * 4


def test_what_is_no_data_url_has_no_base64() -> None:
    for url in ("", "data:", "data:,", "data:image/png,abc", "https://x/y.png;base64,", "xdata:image/png;base64,abc"):
        assert embedded.base64_of(url) is None


# --- wherever it stands ---------------------------------------------------------------------------


@pytest.mark.parametrize("before", range(WINDOW - 60, WINDOW + 20))
def test_a_picture_is_found_wherever_the_first_window_ends(before: int) -> None:
    """Even in the middle of an escape or of the picture's head."""
    for filler in ("a", "\\", '"', "\\n", "猫"):
        padding = (filler * before)[:before]
        for data in (PNG_URL, base64_of(JPEG)):
            body = written.as_utf8([padding, data, padding, data])
            assert found(body) == [data.removeprefix("data:image/png;base64,")] * 2


KEYS = st.sampled_from(["content", "result", 'a"b', "\\", "", "猫"])
PICTURES = st.sampled_from([*map(base64_of, FILES.values()), PNG_URL, *(f"{PNG_URL}"[:n] for n in (5000, 9000))])
ANSWERS = st.builds("{}![a]({})".format, st.text('a"\\[](', max_size=9), st.just(PNG_URL))
STRINGS = st.text(max_size=30) | ANSWERS | st.sampled_from(["\\", '"', '\\"', '\\\\"', *TEXTS.values()]) | PICTURES
VALUES = st.recursive(
    STRINGS | st.integers() | st.none() | st.builds(lambda s, n: s * n, st.sampled_from(['"', "\\", "a", '\\"']),
                                                     st.integers(0, WINDOW + 9)),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from([*written.JSON.values()]))
def test_any_body_with_its_pictures_taken_out_is_the_same_but_for_them(value: dict[str, Any], write: Writer) -> None:
    """No other quote, escape or bracket is removed, and what is removed is base64 as JSON writes it."""
    body = write(value).encode()
    kept, at, taken = b"", 0, []
    for number, (start, end) in enumerate(embedded.find(Bytes(body))):
        assert at <= start <= end
        kept += body[at:start] + b"#%d" % number
        taken.append(json.loads(b'"%s"' % body[start:end]))
        at = end
    rest = json.loads(kept + body[at:])

    def put_back(left: Any) -> Any:
        if isinstance(left, list):
            return list(map(put_back, left))
        if isinstance(left, dict):
            return {put_back(name): put_back(inner) for name, inner in left.items()}
        if isinstance(left, str) and "#" in left:
            head, _, number = left.rpartition("#")
            if number.isdigit() and head in ("", "data:image/png;base64,"):
                return head + taken[int(number)]
            if number.endswith(")") and head.endswith("](data:image/png;base64,"):
                return head + taken[int(number[:-1])] + ")"
        return left

    assert put_back(rest) == json.loads(body)


@given(st.binary(max_size=300) | st.text('"\\{}[]:,data;base64/9j iVBORw0KGgo\n', max_size=400).map(str.encode))
def test_any_bytes_are_looked_through_to_their_end(data: bytes) -> None:
    """Whether or not they are JSON. No place is found twice."""
    places = [place for start, end in embedded.find(Bytes(data * 40)) for place in (start, end)]
    assert places == sorted(places)


# --- what it costs --------------------------------------------------------------------------------


def test_a_picture_is_not_read() -> None:
    """Only a window and a few samples of each are read."""
    for data in (base64_of(JPEG * 200), "data:image/jpeg;base64," + base64_of(JPEG * 200)):
        body = Bytes(json.dumps({"images": [data, data]}).encode())
        assert len(embedded.find(body)) == 2
        assert body.copied < 2 * (2 * WINDOW + embedded.HEAD + embedded.SAMPLES * embedded.SAMPLE)


def test_a_text_is_read_about_once() -> None:
    body = Bytes(json.dumps({"content": ['"a", ' * 9, "b" * 9000] * 50}).encode())
    embedded.find(body)
    assert body.copied < 1.4 * body.size


@pytest.mark.parametrize(
    "unit",
    ['"', "\\", "a", '\\"', '","', PNG_URL[:60], f'"{PNG_URL[:60]}', f'"{PNG_URL[:60]}\\"', f'"{base64_of(JPEG)[:50]} ',
     '"data:' + ";" * 500, '"data:' + ";base64" * 70],
)  # fmt: skip
def test_a_hostile_body_of_full_size_is_refused_in_time(unit: str) -> None:
    """As soon as there is more text than a body may have."""
    body = Bytes(unit.encode() * (20 * MAX_TEXT // len(unit)))
    with pytest.raises(RequestTooLarge):
        embedded.find(body)
    assert body.copied < 4 * MAX_TEXT


def test_a_body_of_small_pictures_is_given_up_after_many() -> None:
    """Each takes some calls of the runtime."""
    one = f'"{base64_of(JPEG)[:5000]}",'
    body = Bytes(("[" + one * (16 * MAX_TEXT // len(one)) + '""]').encode())
    with pytest.raises(RequestTooLarge):
        embedded.find(body)
    few = one * embedded.MAX_EMBEDDED
    assert len(embedded.find(Bytes(f'[{few}""]'.encode()))) <= embedded.MAX_EMBEDDED


@pytest.mark.parametrize("words", [MAX_TEXT - 9000, MAX_TEXT + 9000])
async def test_only_what_is_no_picture_counts_as_text(words: int) -> None:
    body = json.dumps({"prompt": "a" * words, "image": base64_of(JPEG * 300), "images": [PNG_URL]}).encode()
    if words > MAX_TEXT:
        with pytest.raises(RequestTooLarge, match="1 MiB"):
            await Posted(body).document(len(body))
    else:
        document = await Posted(body).document(len(body))
        read = text.read_json(document.text)
        assert data_of(await document.decode(read["image"])) == JPEG * 300
        assert data_of(await document.decode(embedded.base64_of(read["images"][0]) or "")) == PNG
