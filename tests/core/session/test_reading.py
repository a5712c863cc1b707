"""What is read of a message: as typed, or absent, and never at the cost of the rest."""

import pytest
from msgspec import Raw

from interpose.core.session.reading import Meta, Params, Result, ident, read


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"7", b"null", b"{", b"\xff", b'{"name":7}', b'{"name":"\\ud8"}', b'{"k":NaN}', b"[" * 3000, b'"x"'],
)
def test_what_cannot_be_read_is_absent(raw: bytes) -> None:
    assert read(raw, Params).name is None


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (rb'{"\u006eame":"\u0074"}', "t"),
        (b'{"name":"t","taskId":7}', "t"),
        (b'{"name":"a","name":"t"}', "t"),
        (b'{"name":7,"name":"t"}', "t"),
        (b'{"x":"\xff","name":"t"}', "t"),
        (b'{"x":NaN,"name":"t"}', "t"),
        (b'{"x":1e999,"name":"t"}', "t"),
        (rb'{"x":"\ud800","name":"t"}', "t"),
        (rb'{"name":"\ud800","uri":1}', "\ud800"),
        (b'{"_meta":[],"name":"t"}', "t"),
        (b'{"_meta":{"progressToken":{}},"name":"t"}', "t"),
        (b'{"inputResponses":[],"name":"t"}', "t"),
    ],
)
def test_one_odd_member_does_not_hide_the_others(raw: bytes, name: str) -> None:
    assert read(raw, Params).name == name


def test_an_odd_member_of_a_member_does_not_hide_its_neighbours() -> None:
    raw = b'{"io.modelcontextprotocol/related-task":{"taskId":7},"io.modelcontextprotocol/protocolVersion":"v"}'
    meta = read(b'{"_meta":' + raw + b"}", Params).meta
    assert meta is not None
    assert (meta.version, meta.related and meta.related.task_id) == ("v", None)


def test_a_big_result_is_not_built_to_read_its_type() -> None:
    raw = (
        b'{"content":['
        + b",".join([b'{"type":"text","text":"' + b"x" * 1000 + b'"}'] * 1000)
        + b'],"resultType":"task"}'
    )
    found = read(raw, Result)
    assert (found.type, found.task) == ("task", None)


@pytest.mark.parametrize(
    ("raw", "text"), [(b"1", "1"), (b'"1"', '"1"'), (rb'"\u0031"', '"1"'), (b"null", "null"), (b"", None)]
)
def test_an_id_inside_a_message_has_the_text_of_the_id_itself(raw: bytes, text: str | None) -> None:
    assert ident(Raw(raw)) == text


def test_an_id_that_is_no_text_is_still_one() -> None:
    assert ident(Raw(b'"\xff"')) is not None
    assert read(b'{"progressToken":1}', Meta).token == Raw(b"1")
