"""Typed netstrings: what was written is read, and what is no such thing is named by its offset."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.importing.captured import tnetstring

from interpose.core.importing.tnetstring import read_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_written_is_read(value: object) -> None:
    data = tnetstring(value)
    assert read_value(b"xx" + data + b"rest", 2) == (value, 2 + len(data))


@given(VALUES, st.data())
def test_a_value_that_is_cut_off_is_known_as_such(value: object, data: st.DataObject) -> None:
    whole = tnetstring(value)
    with pytest.raises(EOFError):
        read_value(whole[: data.draw(st.integers(0, len(whole) - 1))], 0)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_complaint(data: bytes) -> None:
    problem, end = "", 0
    try:
        _, end = read_value(data, 0)
    except (EOFError, ValueError) as error:
        problem = str(error)
    assert problem.startswith("offset ") or 0 < end <= len(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"hello", "offset 0: no length"),
        (b"9999999999999:x,", "offset 0: no length"),
        (b"3:abc#", "offset 2: 3 bytes are no value of type '#'"),
        (b"4:tree!", "offset 2: 4 bytes are no value of type '!'"),
        (b"1:x~", "offset 2: 1 bytes are no value of type '~'"),
        (b"1:\xff;", "offset 2: 1 bytes are no value of type ';'"),
        (b"1:x?", "offset 2: 1 bytes are no value of type '?'"),
        (b"4:9:x,]", "offset 2: longer than what it is in"),
        (b"4:5:ab]cd,", "offset 2: longer than what it is in"),
        (b"8:1:x,3:ab]", "offset 6: longer than what it is in"),
        (b"4:1:k,}", "offset 2: a key without a value"),
        (b"8:1:1#1:v,}", "offset 2: a key that is no text"),
    ],
)
def test_what_is_no_value_is_named_by_its_offset(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")):
        read_value(data, 0)


def test_nothing_is_nested_without_end() -> None:
    data = b""
    for _ in range(200):
        data = b"%d:%b]" % (len(data), data)
    with pytest.raises(ValueError, match="nested more than 64 deep"):
        read_value(data, 0)


def test_a_number_that_is_none_is_read_for_what_it_is() -> None:
    value, _ = read_value(b"3:nan^", 0)
    assert isinstance(value, float)
    assert math.isnan(value)
