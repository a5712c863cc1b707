"""Reading a message: what it is, what its id is, and what a strict peer would object to; the bytes always stay."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.wire.message import Kind, parse, read


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Kind.REQUEST),
        (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', Kind.NOTIFICATION),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', Kind.RESULT),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}', Kind.ERROR),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]', Kind.BATCH),
        (b'{"jsonrpc":"2.0","id":1}', Kind.OPAQUE),
        (b"[]", Kind.OPAQUE),
        (b"[[]]", Kind.OPAQUE),
        (b"[1]", Kind.OPAQUE),
        (b"7", Kind.OPAQUE),
        (b"listening on port 3000", Kind.OPAQUE),
        (b"", Kind.OPAQUE),
        (b'{"a":1} x', Kind.OPAQUE),
    ],
)
def test_a_frame_is_of_one_kind(raw: bytes, kind: Kind) -> None:
    message = read(raw)
    assert (message.kind, message.raw) == (kind, raw)


@pytest.mark.parametrize(
    ("text", "ident"),
    [
        ("0", "0"),
        ('""', '""'),
        ("1", "1"),
        ('"1"', '"1"'),
        ("1.0", "1.0"),
        ("12345678901234567890123", "12345678901234567890123"),
        ('"\\u0061"', '"a"'),
        ("null", "null"),
        ('"é"', '"é"'),
    ],
)
def test_an_id_keeps_its_type_and_digits(text: str, ident: str) -> None:
    assert read(f'{{"jsonrpc":"2.0","id":{text},"result":{{}}}}'.encode()).id == ident


def test_a_member_id_makes_a_request_whatever_its_value() -> None:
    assert read(b'{"jsonrpc":"2.0","id":null,"method":"tools/call"}').kind is Kind.REQUEST


@pytest.mark.parametrize(
    ("raw", "flag"),
    [
        (b'{"id":1,"method":"ping"}', "no-version"),
        (b'{"jsonrpc":"2.0","id":1,"method":7,"result":{}}', "method-not-text"),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', "odd-id"),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', "odd-id"),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', "two-roles"),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', "two-roles"),
        (b'{"jsonrpc":"2.0","id":1,"result":{"t":"\xff"}}', "not-utf8"),
        (b'{"jsonrpc":"2.0","id":1,"result":{"t":"\\ud800"}}', "irregular"),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"result":{}}', "irregular"),
        (b'{"jsonrpc":"2.0","id":1,"result":NaN}', "irregular"),
        (b"not json", "not-json"),
        (b'{"jsonrpc":"2.0"}', "not-json-rpc"),
    ],
)
def test_what_a_strict_peer_objects_to_is_flagged(raw: bytes, flag: str) -> None:
    assert flag in read(raw).flags


def test_broken_text_in_an_id_or_method_is_survived() -> None:
    assert read(b'{"jsonrpc":"2.0","id":"\xff","method":"a"}').flags == ("not-utf8",)
    assert read(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}').kind is Kind.OPAQUE


def test_a_method_in_escapes_is_the_same_method() -> None:
    assert read(rb'{"jsonrpc":"2.0","id":1,"method":"sampling\u002fcreateMessage"}').method == "sampling/createMessage"


def test_a_body_keeps_integers_and_lone_surrogates() -> None:
    message = read(rb'{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890123,"s":"\ud800"}}')
    assert message.body()["result"] == {"n": 12345678901234567890123, "s": "\ud800"}
    assert message.section("result") == message.body()["result"]
    assert message.section("error") is None


def test_a_hundred_thousand_brackets_and_five_thousand_digits_are_survived() -> None:
    assert read(b'{"params":' + b"[" * 100_000 + b"]" * 100_000 + b"}").kind is Kind.OPAQUE
    assert read(b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"n":' + b"9" * 5000 + b"}}").method == "x"
    assert parse(b"9" * 5000) is None


def test_a_large_message_of_wide_characters_is_checked_piecewise() -> None:
    text = "é" * (1 << 20)
    assert read(json.dumps({"jsonrpc": "2.0", "method": text}, ensure_ascii=False).encode()).flags == ()
    assert read(b'{"jsonrpc":"2.0","method":"x","p":"' + text.encode() + b'\xc3"}').flags == ("not-utf8",)


@pytest.mark.parametrize(
    ("raw", "flags"),
    [
        (b'{"jsonrpc":"2.0",\r"id":1,"method":"ping"}', ("ambiguous",)),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r', ("ambiguous",)),
        (b'{"jsonrpc":"2.0",\r\n"id":1,"method":"ping"}\r\n', ()),
        (b'{"id":1,\r"method":"ping"}', ("no-version", "ambiguous")),
        (b'[{"jsonrpc":"2.0",\r"id":1,"method":"ping"}]', ("ambiguous",)),
        (b'{"jsonrpc":"2.0","method":"a"}\r{"jsonrpc":"2.0","method":"b"}', ("not-json", "ambiguous")),
        (b'{"jsonrpc":"2.0","id":1,"method":"\\r"}', ()),
    ],
)
def test_a_carriage_return_that_may_end_a_line_is_ambiguous(raw: bytes, flags: tuple[str, ...]) -> None:
    assert read(raw).flags == flags


def test_only_whole_utf8_json_on_one_line_may_be_embedded() -> None:
    assert read(b'{"jsonrpc":"2.0","id":1,"result":{}}').embeddable
    for raw in (b'{"jsonrpc":"2.0",\n"id":1,"result":{}}', b'{"jsonrpc":"2.0","id":1,"result":"\xff"}', b"x"):
        assert not read(raw).embeddable


@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=40).map(str.encode),
        st.binary(max_size=9).map(lambda raw: b'{"jsonrpc":"2.0","id":"%b","method":"%b"}' % (raw, raw)),
    )
)
def test_reading_never_fails(raw: bytes) -> None:
    assert read(raw).raw == raw


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x) | st.dictionaries(st.sampled_from(["id", "method", "result", "error", "params", "jsonrpc"]), x)
        ),
        max_leaves=12,
    )
)
def test_reading_any_json_gives_a_message_with_its_bytes(value: object) -> None:
    raw = json.dumps(value).encode()
    message = read(raw)
    assert message.raw == raw
    assert all(part.kind is not Kind.BATCH for part in message.messages())
