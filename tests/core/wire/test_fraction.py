"""Fractions are floats to whoever counts, and are written as they came."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpose.core.policy.outcome import encode
from interpose.core.wire.fraction import Fraction
from interpose.core.wire.message import parse, parse_exact

NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True).filter(
    lambda text: text != "-0"  # an integer, which no reader keeps: the gate refuses it
)
TEXTS = st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False))
VALUES = st.recursive(
    NUMBERS | TEXTS | st.sampled_from(["true", "false", "null"]),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: f"[{','.join(each)}]")
        | st.dictionaries(TEXTS, inner, max_size=4).map(
            lambda each: f"{{{','.join(f'{k}:{v}' for k, v in each.items())}}}"
        )
    ),
    max_leaves=12,
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,:\[\]{}"]+|[,:\[\]{}]')


@settings(max_examples=300)
@given(st.dictionaries(TEXTS.filter(lambda key: key != '"edited"'), VALUES, max_size=4), VALUES)
def test_what_an_edit_does_not_touch_keeps_its_tokens(members: dict[str, str], value: str) -> None:
    text = "{" + ",".join([*(f"{name}:{each}" for name, each in members.items()), f'"edited":{value}']) + "}"
    body = parse_exact(text.encode())
    assert body == parse(text.encode())
    body["edited"] = [1.5, {"new": True}]
    written = encode(body).decode()
    kept = text[: len(text) - len(value) - 1]
    assert _TOKEN.findall(written) == [*_TOKEN.findall(kept), *_TOKEN.findall('[1.5,{"new":true}]}')]


@given(NUMBERS)
def test_a_fraction_is_a_float(text: str) -> None:
    number, plain = parse_exact(text.encode()), parse(text.encode())
    assert (number, hash(number), number + 1 > number) == (plain, hash(plain), plain + 1 > plain)
    assert isinstance(number, type(plain))
    assert (encode([number]), encode(copy.deepcopy({"a": number}))) == (
        f"[{text}]".encode(),
        f'{{"a":{text}}}'.encode(),
    )


def test_what_only_a_lenient_reader_takes_keeps_its_digits_too() -> None:
    body = parse_exact(b'{"a":1e2,"b":NaN,"c":-Infinity,"d":"\xff"}')
    assert (body["a"], body["c"]) == (100.0, float("-inf"))
    del body["d"]
    assert encode(body) == b'{"a":1e2,"b":NaN,"c":-Infinity}'
    assert parse_exact(b"{") is None


def test_lone_surrogates_stay_escapes() -> None:
    assert encode({"a": "\ud800"}) == b'{"a":"\\ud800"}'


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="no JSON value: object"):
        encode({"a": object()})
    value: Any = Fraction("1.50")
    assert (value.text, value) == ("1.50", 1.5)
