"""Texts with pictures spliced in: JSON, events, data URLs."""

import base64
import json

import pytest

from flux import sse, text
from flux.text import Spliced, join, write_json
from tests.fakes import Bytes, sent

ONE, TWO = Bytes(bytes(range(256))), Bytes(b"\0\1")
BASE64 = base64.b64encode(ONE.data).decode()


def test_json_has_no_needless_spaces_and_keeps_every_language() -> None:
    assert write_json({"a": [1, None, True], "b": "猫 🎨"}) == '{"a":[1,null,true],"b":"猫 🎨"}'


def test_a_blob_is_a_string_in_json() -> None:
    """In base64 with padding (RFC 4648), at any place, any number of times."""
    value = {
        "alone": Spliced((ONE,)),
        "deep": [{"url": text.data_url("image/png", ONE)}, "plain"],
        "both": Spliced(('a "quoted" ', TWO, "\nline ", ONE)),
    }
    assert json.loads(sent(write_json(value))) == {
        "alone": BASE64,
        "deep": [{"url": f"data:image/png;base64,{BASE64}"}, "plain"],
        "both": f'a "quoted" AAE=\nline {BASE64}',
    }


def test_a_picture_is_not_copied_to_be_written() -> None:
    blob = Bytes(bytes(1000))
    written = write_json({"b64_json": Spliced((blob,))})
    assert isinstance(written, Spliced)
    assert written.pieces == ('{"b64_json":"', blob, '"}')
    assert blob.copied == 0


@pytest.mark.parametrize("typed", ["\udc00", "a\udc00b", "\udc00" * 3, "\\udc00"])
def test_a_lone_surrogate_of_the_callers_is_never_taken_for_a_picture(typed: str) -> None:
    """The mark that stands for a blob is a lone surrogate too, so `clean` removes them from all input."""
    cleaned = text.clean(typed)
    answer = json.loads(sent(write_json({"asked": cleaned, "b64_json": Spliced((TWO,))})))
    assert answer == {"asked": cleaned, "b64_json": "AAE="}
    cleaned.encode()


def test_cleaning_changes_nothing_but_lone_surrogates() -> None:
    assert text.clean("猫 🎨 é \0") == "猫 🎨 é \0"
    assert text.clean("🐱 \ud83d, \udc31") == "🐱 \ufffd, \ufffd"


def test_a_json_value_is_cleaned_wherever_it_holds_a_text() -> None:
    value = {"\ud800": ["\udc00", {"a": "\udc00"}, 1, None, True], "b": "猫"}
    assert text.clean_json(value) == {"\ufffd": ["\ufffd", {"a": "\ufffd"}, 1, None, True], "b": "猫"}


def test_joining_texts_keeps_their_order_and_as_few_pieces_as_can_be() -> None:
    assert join() == ""
    assert join("a", "", "b") == "ab"
    assert join("a", Spliced(("b", ONE)), "c", "d") == Spliced(("ab", ONE, "cd"))
    assert join(Spliced((ONE,)), Spliced((TWO,))) == Spliced((ONE, TWO))


def test_what_is_no_json_is_a_bug_of_ours() -> None:
    with pytest.raises(TypeError, match="object"):
        write_json({"x": object()})


def test_an_event_is_its_data_and_its_name() -> None:
    assert sse.event({"a": 1}) == 'data: {"a":1}\n\n'
    assert sse.event({"a": 1}, "done") == 'event: done\ndata: {"a":1}\n\n'
    assert sent(sse.event({"a": Spliced((TWO,))})) == 'data: {"a":"AAE="}\n\n'


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_an_event_is_one_line_for_every_way_of_counting_lines(end: str) -> None:
    """Clients that split with Python's `splitlines`, such as httpx's `iter_lines`, split at each of these."""
    event = sse.event({"content": f"a{end}b"})
    assert isinstance(event, str)
    assert len(event.splitlines()) == 2
    assert json.loads(event.removeprefix("data: ")) == {"content": f"a{end}b"}


def test_pings_are_comments() -> None:
    assert sse.PING == ": ping\n\n"
