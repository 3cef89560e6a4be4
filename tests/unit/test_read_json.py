"""Bodies before validation: JSON objects, and forms in the structure of JSON."""

import json
from typing import Any

import pytest

from flux import text
from flux.errors import InvalidJson
from flux.http import json_object

MAX = text.MAX_DEPTH
SIZE = 1024 * 1024
"""The largest body that is read as JSON."""


@pytest.mark.parametrize(
    "body",
    ["", " ", "{", "nonsense", '{"a":}', '{"a":1,}', "{'a':1}", '{"a":1}}', '{"a":NaN}', '{"a":Infinity}',
     '{"a":-Infinity}', '{"a":"\n"}', '{"a":01}', "[]", "[1]", '"a"', "5", "null", "true", "\ufeff{}",
     '{"a":' + "9" * 5000 + "}"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: str) -> None:
    """Strictly according to RFC 8259. This includes very long numbers, which Python does not read."""
    with pytest.raises(InvalidJson) as refusal:
        json_object(body)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_json")


@pytest.mark.parametrize("value", [{}, {"a": [1, {"b": None}], "ü": "猫\u2028"}, {"a": 1e308, "b": 2**64}])
def test_a_json_object_is_read(value: dict[str, Any]) -> None:
    assert json_object(json.dumps(value)) == value
    assert json_object(f"\r\n\t {json.dumps(value, ensure_ascii=False)} ") == value


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    """An object of this depth."""
    return opening * (depth - 1) + "{}" + closing * (depth - 1)


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ('{"a":[', "]}"), ('{"]":"}","a":', "}")])
def test_nesting_is_refused_before_it_is_parsed(opening: str, closing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under Pyodide the parser's recursion ends the whole isolate, so it must not start."""
    levels = MAX // opening.count("{") // (1 + opening.count("["))
    assert json_object(nested(levels, opening, closing))
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("parsed"))
    for depth in (MAX + 1, 10_000):
        with pytest.raises(InvalidJson, match="too deep"):
            json_object(nested(depth, opening, closing))


def test_brackets_that_closed_before_make_no_room_for_deeper_ones() -> None:
    """The limit is the same after a hundred pairs of them."""
    before = '{"a":[' + "[]," * 100 + '{}],"b":'
    assert json_object(before + nested(MAX - 1) + "}")
    with pytest.raises(InvalidJson, match="too deep"):
        json_object(before + nested(MAX) + "}")


@pytest.mark.parametrize(
    "said",
    ["[" * 100, '"' + "[" * 100, '\\"' + "{" * 100, "]" * 100 + "[" * 100, "\\" * 99 + '"[["' + "{" * 100, "]}" * 100],
)
def test_brackets_in_strings_are_no_nesting(said: str) -> None:
    """Whatever quotes and backslashes surround them."""
    for value in ({"prompt": said}, {said: said, "b": [said] * 100}):
        for ensure_ascii in (True, False):
            assert json_object(json.dumps(value, ensure_ascii=ensure_ascii)) == value


def test_pasted_code_is_no_structure() -> None:
    """However many brackets it has, because they are inside a string."""
    code = 'function f(a) { return [a["b"], {c: `\\`}]; }\n' * 15_000
    for ensure_ascii in (True, False):
        value = {"messages": [{"role": "user", "content": code}, {"role": "user", "content": f"猫 {code[:999]}"}]}
        assert json_object(json.dumps(value, ensure_ascii=ensure_ascii)) == value


def test_brackets_side_by_side_are_no_nesting() -> None:
    value: dict[str, Any] = {"messages": [{"content": [{}, [], {}]}] * 1000}
    assert json_object(json.dumps(value)) == value


@pytest.mark.parametrize(
    "unit", ["[", "{", '{"a":', "]", "[]", "{}", '"', '\\"', '"\\', "\\", '"a', '["', '",', '"[', '\\"[', "[{" + '"']
)
@pytest.mark.parametrize("head", ["", '{"a":"', "[]" * 100, '{"a":"' + "[" * 100])
def test_a_hostile_body_of_full_size_is_answered(head: str, unit: str) -> None:
    """If the work grew faster than the text, a mebibyte would take too long."""
    with pytest.raises(InvalidJson):
        json_object(head + unit * (SIZE // len(unit)))


def test_a_body_of_nothing_but_lists_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list would take many times its two characters in memory."""
    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", lambda *_, **__: pytest.fail("parsed"))
        for unit in ("[],", "{},", '{"]":[]},'):
            with pytest.raises(InvalidJson, match="too many"):
                json_object(f'{{"x": [{unit * text.MAX_BRACKETS}1]}}')
    few = f'{{"x": [{"[]," * 1000}1]}}'
    assert len(json_object(few)["x"]) == 1001


@pytest.mark.parametrize("value", [None, True, 5, "text", [], [1, {"a": None}], {"errors": [{"code": 7}]}])
def test_any_json_value_of_another_service_is_read(value: object) -> None:
    """Such an answer need not be an object."""
    assert text.read_json(json.dumps(value)) == value


@pytest.mark.parametrize("answer", ["", "<html>", "[" * 5000 + "]" * 5000, "[" * 100_000, "NaN"])
def test_what_is_no_json_of_another_service_is_a_value_error(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other exception: handlers of invalid answers would not catch a RecursionError."""
    if answer.startswith("["):
        monkeypatch.setattr(json, "loads", None)
    with pytest.raises(ValueError, match=r"^(is|holds) "):
        text.read_json(answer)
