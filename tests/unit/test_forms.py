"""Forms, as RFC 7578, 2046, 9110 and 2231 allow them, and as clients write them."""

import base64
import os
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from flux import forms
from flux.errors import InvalidRequest, RequestTooLarge
from flux.http import MAX_TEXT, Form
from tests import written
from tests.fakes import Bytes, data_of, decoder, encoded
from tests.written import Field

PNG, JPEG, WEBP, GIF = (
    encoded(Image.effect_noise((90, 80), 100), f"image/{name}") for name in ("png", "jpeg", "webp", "gif")
)
WRITERS = pytest.mark.parametrize("write", written.FORMS.values(), ids=written.FORMS.keys())


def read(content_type: str, body: bytes) -> Form:
    return forms.read(Bytes(body), content_type, decoder)


def one_part(header: str, content: bytes = b"a cat", boundary: str = "B") -> Form:
    """A form of one part with this header."""
    body = f"--{boundary}\r\n{header}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return read(f"multipart/form-data; boundary={boundary}", body)


def contents(form: Form) -> list[tuple[str, str | None, bytes]]:
    return [(one.name, one.filename, data_of(one.blob)) for one in form.parts]


# --- as clients write them ------------------------------------------------------------------------

USUAL: list[Field] = [
    ("prompt", None, None, "A café, 猫\r\n\r\nin lines".encode()),
    ("image", "s.png", "image/png", PNG),
    ("image[]", 'a "cat" ü.jpg', "image/jpeg", JPEG),
    ("image", "", "application/octet-stream", WEBP),
    ("n", None, None, b"2"),
    ("model", None, None, b""),
    ("image", None, None, GIF),
]


@WRITERS
def test_a_form_is_read_however_it_is_written(write: written.FormWriter) -> None:
    form = read(*write(USUAL))
    assert contents(form) == [(name, filename, content) for name, filename, _, content in USUAL]
    assert form.fields == (("prompt", "A café, 猫\r\n\r\nin lines"), ("n", "2"), ("model", ""))
    assert [(name, data_of(blob)) for name, blob in form.files] == [
        ("image", PNG), ("image[]", JPEG), ("image", WEBP), ("image", GIF),
    ]  # fmt: skip


CONTENT = st.binary(max_size=80) | st.text("\r\n-B =_Part_05:", max_size=60).map(str.encode)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["image", "image[]", 'a"b', "ü", "", "a;b", "a\r\nb"]),
        st.none() | st.sampled_from(["a.png", "", "a b.png", "猫.png", 'a";x="b']),
        st.none() | st.just("image/png"),
        CONTENT,
    ),
    min_size=1,
    max_size=6,
)


@given(FIELDS, st.sampled_from([*written.FORMS.values()]))
def test_any_contents_come_out_as_they_went_in(fields: list[Field], write: written.FormWriter) -> None:
    """Except contents that contain the boundary, which RFC 2046, 5.1.1 does not allow."""
    content_type, body = write(fields)
    boundary = content_type.partition("=")[2].split(" ")[0].strip('"')
    assume(not [content for *_, content in fields if f"--{boundary}".encode() in content])
    # If line breaks are bare line feeds, a carriage return at the end of a content belongs to the line break.
    assume(write is not written.FORMS["a script"] or not [1 for *_, content in fields if content.endswith(b"\r")])
    expected = [(name, filename, content) for name, filename, _, content in fields]
    assert contents(read(content_type, body)) == expected


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)
"""httpx escapes control characters differently."""


@given(
    st.dictionaries(NAMES, st.text(max_size=30), max_size=4),
    st.lists(st.tuples(NAMES, NAMES, CONTENT), min_size=1, max_size=3),
)
def test_any_form_of_an_http_client_is_read(data: dict[str, str], files: list[tuple[str, str, bytes]]) -> None:
    """Written by httpx, which writes forms as browsers do."""
    sent = [(name, (filename, content)) for name, filename, content in files]
    request = httpx.Request("POST", "https://flux.example/", data=data, files=sent)
    form = read(request.headers["content-type"], request.read())
    assert [one.name for one in form.parts] == [*data, *(name for name, *_ in files)]
    assert dict(form.fields[: len(data)]) == data
    assert [data_of(one.blob) for one in form.parts[len(data) :]] == [content for *_, content in files]


@pytest.mark.parametrize(
    ("header", "name", "filename"),
    [
        ('Content-Disposition: form-data; name="image"; filename="a.png"', "image", "a.png"),
        ("Content-Disposition: form-data; name=image; filename=a.png", "image", "a.png"),
        ("Content-Disposition: form-data; filename=a.png; name=image", "image", "a.png"),
        ("CONTENT-DISPOSITION:form-data;NAME=image;FileName=a.png", "image", "a.png"),
        ("Content-Type: image/png\r\nContent-Disposition: form-data; name=image; filename=a.png", "image", "a.png"),
        ("content-disposition : form-data ; name = image ; filename = a.png", "image", "a.png"),
        ('Content-Disposition: form-data;\r\n\tname="image";\r\n filename="a.png"', "image", "a.png"),
        ('Content-Disposition: form-data; name=image[]; filename="a.png"', "image[]", "a.png"),
        ("Content-Disposition: form-data; name=image; filename=my cat.png", "image", "my cat.png"),
        ("Content-Disposition: form-data; name=image; filename*=utf-8''s%C3%BC.png", "image", "sü.png"),
        ("Content-Disposition: form-data; name=image; filename=x; filename*=UTF-8'en's%C3%BC.png", "image", "sü.png"),
        ("Content-Disposition: form-data; filename*=iso-8859-1''s%FC.png; filename=x; name=image", "image", "sü.png"),
        ("Content-Disposition: form-data; name=image; filename*=\"utf-8''a.png\"", "image", "a.png"),
        ("Content-Disposition: form-data; name*=utf-8''im%61ge; filename=a.png", "image", "a.png"),
        ('Content-Disposition: form-data; name=image; filename*0="a."; filename*1="png"', "image", "a.png"),
        ("Content-Disposition: form-data; name=image; filename*1=.png; filename*0*=utf-8''s%C3%BC", "image", "sü.png"),
        ('Content-Disposition: form-data; name="image"; filename="a\\"b\\\\c.png"', "image", 'a"b\\c.png'),
        ('Content-Disposition: form-data; name="image"; filename="C:\\cats\\a.png"', "image", "C:\\cats\\a.png"),
        ('Content-Disposition: form-data; name="image"; filename="a%22b%0d%0A.png"', "image", 'a"b\r\n.png'),
        ('Content-Disposition: form-data; name="image"; filename="a; name=x.png"', "image", "a; name=x.png"),
        ('Content-Disposition: form-data; name="image"; filename="猫.png"', "image", "猫.png"),
        ('Content-Disposition: form-data; name="image"; filename=""', "image", ""),
        ("Content-Disposition: form-data; name=image; filename=", "image", ""),
        ('Content-Disposition: form-data; name="image"', "image", None),
        ("Content-Disposition: form-data; name=image", "image", None),
        ('Content-Disposition: form-data; name=""', "", None),
        ('Content-Disposition: form-data; name="image"; name="x"', "image", None),
        ('X: y; name="z"\r\nrubbish\r\nContent-Disposition: form-data; name="image"', "image", None),
        ("Content-Disposition: attachment; name=image; filename=a.png", "image", "a.png"),
        ("Content-Disposition: form-data; name=image; filename=a.png;", "image", "a.png"),
    ],
)
def test_names_are_read_in_every_notation(header: str, name: str, filename: str | None) -> None:
    [part] = one_part(header).parts
    assert (part.name, part.filename, data_of(part.blob)) == (name, filename, b"a cat")


@pytest.mark.parametrize(
    "boundary",
    ["B", '"B"', '"a b"', "----=_Part_1.2", "'B'", '"a:b?c=d,e"', "B; charset=utf-8", "B ;x=y", "-" * 60 + "1",
     '"' + "x" * 200 + '"'],
)  # fmt: skip
@pytest.mark.parametrize("name", ["boundary", "Boundary", "charset=utf-8; BOUNDARY"])
def test_a_boundary_is_read_in_every_notation(boundary: str, name: str) -> None:
    text = boundary.partition(";")[0].strip().strip('"')
    body = f"--{text}\r\nContent-Disposition: form-data; name=n\r\n\r\n2\r\n--{text}--".encode()
    assert read(f"multipart/form-data; {name}={boundary}", body).fields == (("n", "2"),)


def test_a_boundary_that_the_header_lost_is_the_first_line() -> None:
    """Clients lose it if they set the header themselves, as many do with `fetch`."""
    _, body = written.FORMS["curl"](USUAL)
    assert len(read("multipart/form-data", body).parts) == len(USUAL)


PART = b"Content-Disposition: form-data; name=n\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b"--B\r\n" + PART + b"2\r\n--B--", ["2"]),
        (b"\r\n--B\r\n" + PART + b"2\r\n--B--", ["2"]),
        (b"preamble --B\r\n--Bx\r\n--B\r\n" + PART + b"2\r\n--B--epilogue\r\n--B--\r\n--B\r\n", ["2\r\n--B--epilogue"]),
        (b"--B\r\n" + PART + b"2\r\n--B-- \t\r\nepilogue\r\n--B\r\n" + PART + b"3\r\n--B--", ["2"]),
        (b"--B \t \r\n" + PART + b"2\r\n--B\t\r\n" + PART + b"3\r\n--B--  ", ["2", "3"]),
        (b"--B\r\n" + PART + b"\r\n--B--", [""]),
        (b"--B\r\n" + PART + b"--B--", [""]),
        (b"--B\r\n" + PART + b"\r\n\r\n--B--", ["\r\n"]),
        (b"--B\r\n" + PART + b"2\n--B\n" + PART.replace(b"\r", b"") + b"3\n--B--\n", ["2", "3"]),
        (b"--B\r\n" + PART + b"--Bx\r\n--BB\r\n--B-\r\n --B\r\n--B--", ["--Bx\r\n--BB\r\n--B-\r\n --B"]),
        (b"--B--", []),
        (b"--B--\r\n", []),
    ],
)
def test_parts_end_where_a_line_is_the_boundary(body: bytes, texts: list[str]) -> None:
    """RFC 2046, 5.1.1: with padding after it, whatever precedes the first part or follows the last."""
    assert [text for _, text in read("multipart/form-data; boundary=B", body).fields] == texts


# --- what a part is -------------------------------------------------------------------------------


@pytest.mark.parametrize("filename", [None, "", "a.png", "a.txt"])
@pytest.mark.parametrize("kind", [None, "image/png", "text/plain; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("data", [PNG, JPEG, WEBP, GIF])
def test_a_part_is_a_picture_by_its_bytes(filename: str | None, kind: str | None, data: bytes) -> None:
    form = read(*written.FORMS["curl"]([("image", filename, kind, data)]))
    [part] = form.parts
    assert (part.text, data_of(part.blob)) == (None, data)
    assert part.content_type == (kind and kind.partition(";")[0])
    assert [name for name, _ in form.files] == ["image"]
    assert form.fields == ()


@pytest.mark.parametrize("prompt", ["GIF89a was a format", "<svg> as a logo", "%PDF-1.7", "BM", "II*", "RIFF"])
def test_words_that_start_as_a_picture_does_are_words(prompt: str) -> None:
    assert one_part("Content-Disposition: form-data; name=prompt", prompt.encode()).fields == (("prompt", prompt),)


def test_a_field_that_was_sent_as_a_file_is_a_field() -> None:
    form = read(*written.FORMS["curl"]([("prompt", "prompt.txt", "text/plain", b"a cat"), ("n", "", None, b"2")]))
    assert form.fields == (("prompt", "a cat"), ("n", "2"))


def test_a_file_that_was_not_chosen_is_none() -> None:
    """Browsers send it anyway, without a name."""
    form = read(*written.FORMS["curl"]([("image", "", "application/octet-stream", b"")]))
    assert form.files == ()


@pytest.mark.parametrize("head", ["", "data:image/png;base64,", "Data:image/PNG;BASE64, ", " data:image/png; base64,"])
@pytest.mark.parametrize("tail", ["", "\n", "\r\n"])
@pytest.mark.parametrize("filename", [None, "", "a.b64"])
@pytest.mark.parametrize("in_lines", [False, True])
async def test_a_text_that_is_a_picture_stays_outside(
    head: str, tail: str, filename: str | None, *, in_lines: bool
) -> None:
    """A mark replaces its base64; small ones are read as text."""
    for data in (PNG, PNG * 30):
        text = base64.encodebytes(data).decode() if in_lines else base64.b64encode(data).decode()
        form = read(*written.FORMS["curl"]([("image", filename, None, f"{head}{text}{tail}".encode())]))
        [(_, value)] = form.fields
        assert len(value) < 100
        assert value.startswith(head.rstrip(" "))
        assert data_of(await form.decode(value.rpartition(",")[2].strip())) == data


def test_a_large_file_is_no_text() -> None:
    """It counts towards the pictures."""
    form = read(*written.FORMS["curl"]([("document", "a.bin", None, b"a" * 2 * MAX_TEXT)]))
    assert form.parts[0].text is None


@pytest.mark.parametrize(
    ("kind", "field", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"", "caf\xe9"),
        ('text/plain; charset="ISO-8859-1"', b"", "caf\xe9"),
        (None, b"iso-8859-1", "caf\xe9"),
        ("text/plain", b"iso-8859-1", "caf\xe9"),
        ("text/plain; charset=nonsense", b"", "caf\ufffd"),
        (None, b"nonsense", "caf\ufffd"),
        (None, b"\xff\0", "caf\ufffd"),
        (None, b"", "caf\ufffd"),
    ],
)
def test_a_text_has_the_charset_of_its_part_or_of_the_form(kind: str | None, field: bytes, text: str) -> None:
    """RFC 7578, 4.6: a field `_charset_` at any position."""
    fields: list[Field] = [("prompt", None, kind, b"caf\xe9")]
    form = read(*written.FORMS["curl"]([*fields, ("_charset_", None, None, field)] if field else fields))
    assert form.fields[0] == ("prompt", text)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data", b"prompt=a+cat"),
        ("multipart/form-data", b'{"prompt": "a cat"}'),
        ("multipart/form-data", b"--\r\n" + PART + b"2\r\n----"),
        ("multipart/form-data; boundary=B", b""),
        ("multipart/form-data; boundary=B", b"--A\r\n" + PART + b"2\r\n--A--"),
        ("multipart/form-data; boundary=B", b"--B"),
        ("multipart/form-data; boundary=B", b"--B\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\n" + PART + b"2"),
        ("multipart/form-data; boundary=B", b"--B\r\n" + PART + b"2\r\n--B\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\n\r\n2\r\n--B--"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: form-data\r\n\r\n2\r\n--B--"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: form-data; name=n\r\n--B--"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: x; name=" + b"n" * 9000 + b"\r\n--B--"),
        ("multipart/form-data; boundary=" + "x" * 201, b"--" + b"x" * 201 + b"--"),
        ("multipart/form-data; boundary=\xfc", b"--\xc3\xbc--"),
        ('multipart/form-data; boundary=""', b"--\r\n--"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read(content_type, body)
    assert refusal.value.status == 400


def test_a_form_of_too_many_parts_is_refused() -> None:
    fields: list[Field] = [("n", None, None, b"2")] * forms.MAX_PARTS
    assert len(read(*written.FORMS["curl"](fields)).parts) == forms.MAX_PARTS
    with pytest.raises(InvalidRequest, match="at most 100"):
        read(*written.FORMS["curl"](fields * 2))


def test_the_texts_of_a_form_have_a_limit_together() -> None:
    half: Field = ("prompt", None, None, b"a" * (MAX_TEXT // 2))
    assert len(read(*written.FORMS["curl"]([half, half, ("image", "a", None, PNG)])).parts) == 3
    with pytest.raises(RequestTooLarge, match="1 MiB"):
        read(*written.FORMS["curl"]([half, half, ("n", None, None, b"2")]))


PIECES = st.sampled_from(
    [b"--B", b"--B--", b"\r\n", b"\n", PART, b"Content-Disposition: form-data; name=", b'"', b";", b"a", b" ", b"\\",
     b"filename*0*=utf-8''%", PNG[:60], b"Content-Type: text/plain; charset=", b": ", b"_charset_"]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=9), max_size=40).map(b"".join), st.sampled_from(["; boundary=B", ""]))
def test_any_bytes_are_a_form_or_refused(body: bytes, boundary: str) -> None:
    with suppress(InvalidRequest):
        form = read(f"multipart/form-data{boundary}", b"--B\r\n" + body + b"\r\n--B--")
        for one in form.parts:
            (one.name + (one.filename or "") + (one.text or "")).encode()


@given(st.text(";=\"\\%*'abn019 utf-8\r\n", max_size=200) | st.text(max_size=60))
def test_any_header_has_parameters(value: str) -> None:
    for name, text in forms.parameters(f"x; {value}").items():
        assert name == name.lower()
        text.encode()


# --- what it costs --------------------------------------------------------------------------------


def test_the_bytes_of_a_picture_are_not_read() -> None:
    fields: list[Field] = [("image", "a.png", "image/png", PNG + os.urandom(500_000))] * 8
    content_type, body = written.FORMS[".NET"](fields)
    source = Counted(body)
    forms.read(source, content_type, decoder)
    assert source.total < len(fields) * 10_000


class Counted(Bytes):
    """Counts the bytes that are read from it and its slices."""

    total = 0

    def read(self, start: int, length: int) -> bytes:
        piece = super().read(start, length)
        Counted.total += len(piece)
        return piece

    def slice(self, start: int, end: int) -> "Counted":
        return Counted(self.data[start:end])


@pytest.mark.parametrize(
    "unit",
    [b"\r\n--B", b"\r\n--Bx", b"\r\n--B ", b"\r\n--B--x", b"--B\r\n", b"\r\n--B\r\n", b"-", b"\r\n", b"\r\n--B\r\n\r\n",
     b"\r\n--B\r\n" + PART],
)  # fmt: skip
@pytest.mark.parametrize("head", [b"--B\r\n" + PART, b"--B\r\nContent-Disposition: form-data;name=", b""])
def test_a_hostile_form_of_full_size_is_refused_in_time(head: bytes, unit: bytes) -> None:
    body = Bytes(head + unit * (20 * MAX_TEXT // len(unit)))
    with pytest.raises((InvalidRequest, RequestTooLarge)):
        forms.read(body, "multipart/form-data; boundary=B", decoder)
    assert body.copied < 2 * MAX_TEXT


@pytest.mark.parametrize("unit", [';a="', ';a="\\"', ";a=", ";", '"', ";a*0=", ";a*=utf-8''%", "; " * 9 + "a"])
def test_a_hostile_header_is_read_in_time(unit: str) -> None:
    """A header of the largest size, a hundred times."""
    value: Any = unit * (forms.MAX_HEADER // len(unit))
    for _ in range(100):
        forms.parameters(value)
