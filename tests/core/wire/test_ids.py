"""Finding values in the bytes of a message and putting others there: all the rest stays, byte for byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.wire.ids import Finder, splice

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
_KEYS = st.sampled_from(["id", "params", "_meta", "progressToken", "x", 'q"\\', "é", "{", "]"])
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=30
)
_OBJECTS = st.dictionaries(_KEYS, _JSON, max_size=6)
_PATHS = (("id",), ("params", "_meta", "progressToken"), ("params", "x"))


def _at(value: Any, path: tuple[str, ...]) -> list[Any]:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    return [value]


def _text(value: Any, spaced: bool, escaped: bool) -> bytes:
    separators = (" , ", "\t:\n") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=escaped, separators=separators).encode()


@given(_OBJECTS, st.booleans(), st.booleans())
def test_a_span_holds_the_value_that_a_json_reader_finds(value: dict[str, Any], spaced: bool, escaped: bool) -> None:
    raw = _text(value, spaced, escaped)
    found = Finder(*_PATHS).first(raw)
    for path in _PATHS:
        assert [json.loads(found[path])] == _at(value, path) if path in found else _at(value, path) == []


@given(_OBJECTS, _SCALARS, st.booleans())
def test_splicing_changes_the_value_and_nothing_else(value: dict[str, Any], new: Any, spaced: bool) -> None:
    raw = _text(value, spaced, escaped=True)
    spans = Finder(*_PATHS).find(raw)
    there = splice(raw, [(start, end, json.dumps(new).encode()) for _, start, end in spans])
    for path, _, _ in spans:
        assert _at(json.loads(there), path) == [new]
    again = Finder(*_PATHS).find(there)
    assert [span.path for span in again] == [span.path for span in spans]
    back = [
        (new_span.start, new_span.end, raw[old.start : old.end]) for new_span, old in zip(again, spans, strict=True)
    ]
    assert splice(there, back) == raw


@given(_JSON, st.integers(0, 400))
def test_what_is_no_object_or_is_cut_off_has_no_spans(value: Any, cut: int) -> None:
    raw = _text({"params": {"x": value}, "id": 1}, spaced=False, escaped=True)
    assert Finder(*_PATHS).find(raw[: min(cut, len(raw) - 1)]) == []
    assert Finder(*_PATHS).find(_text([value], spaced=False, escaped=True)) == []


def test_spelling_nesting_and_order_do_not_matter() -> None:
    raw = b'\xef\xbb\xbf{"a":{"id":1,"b":["}",{"id":2}]}, "\\u0069d" :  -1.50E+2 ,"id":"\\"}"}'
    assert [raw[start:end] for _, start, end in Finder(("id",)).find(raw)] == [b"-1.50E+2", b'"\\"}"']
    assert Finder(("id",)).first(raw) == {("id",): b'"\\"}"'}


def test_depth_costs_no_stack() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert Finder(("id",)).first(b'{"x":%b,"id":7}' % deep) == {("id",): b"7"}
    assert Finder(("id",)).find(b'{"x":%b,"id":7}' % deep[:-1]) == []


@pytest.mark.parametrize("raw", [b"", b" ", b"7", b'{"id" 1}', b'{"id":}', b'{"id":1', b"{1:2}", b'{"a":1,,"id":2}'])
def test_what_is_no_json_has_no_spans(raw: bytes) -> None:
    assert Finder(("id",)).find(raw) == []


def test_bytes_that_are_no_utf8_are_stepped_over() -> None:
    assert Finder(("id",)).first(b'{"\xff":"\xfe\xff","id":1}') == {("id",): b"1"}
