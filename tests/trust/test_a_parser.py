"""Part A, 1 to 11: what two readers could read in two ways goes nowhere, or passes when it is only watched."""

from typing import Any

import pytest
from tests.core.wire.test_gate_corpus import Row
from tests.trust.frames import corpus, refuse
from tests.trust.scene import DENY_DELETE, WATCH, Heard, Scene, denied, lives, passed

from interpose.core.events import End, Frame, Received

NO_SAMPLING = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'
NUDGE = '[[rule]]\nname = "nudge"\ntool = "*"\nkind = "request"\ndo = "set"\npath = "$.arguments.seen"\nvalue = true\n'


@corpus(1)
def test_01_a_carriage_return_that_cuts_a_line_in_two(row: Row) -> None:
    refuse(row)


def test_01_two_messages_on_a_line_are_refused_as_malformed() -> None:
    call = b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete_repo","arguments":{}}}'
    raw = b'{"jsonrpc":"2.0","method":"notifications/x"}\r' + call
    said = denied(Scene(DENY_DELETE).client(raw), "client", None, "gate")
    assert said["error"]["code"] == -32700
    watched = Scene(WATCH).client(raw)
    passed(watched, "client", raw)
    assert watched.entries[0].flags


def test_01_a_carriage_return_between_tokens_is_flagged_when_it_is_only_watched() -> None:
    raw = b'{"jsonrpc":"2.0",\r"id":2,"method":"ping"}'
    assert "ambiguous" in Scene().client(raw).entries[0].flags


@corpus(2)
def test_02_bytes_that_are_no_utf_8(row: Row) -> None:
    refuse(row)


@corpus(3)
def test_03_other_encodings_of_a_line(row: Row) -> None:
    refuse(row)


@corpus(4)
def test_04_compressed_bytes_on_a_line(row: Row) -> None:
    refuse(row)


@corpus(5)
def test_05_a_key_twice(row: Row) -> None:
    refuse(row)


PLAIN: list[tuple[str, str]] = [
    ('"method":"tools/call"', '"method":"tools/call","method":"ping"'),
    ('"id":2', '"id":2,"id":3'),
    ('"name":"delete_repo"', '"name":"delete_repo","name":"a"'),
    ('"params":{', '"params":{},"params":{'),
    ('"_meta":{}', '"_meta":{},"_meta":{}'),
    ('"a":{"b":[{"c":1}]}', '"a":{"b":[{"c":1,"c":1}]}'),
]


@pytest.mark.parametrize(("once", "twice"), PLAIN)
def test_05_a_key_twice_at_any_depth_is_refused_where_the_same_call_once_is_judged(once: str, twice: str) -> None:
    text = (
        '{"jsonrpc":"2.0","id":2,"method":"tools/call",'
        '"params":{"name":"delete_repo","_meta":{},"arguments":{"a":{"b":[{"c":1}]}}}}'
    )
    assert once in text
    denied(Scene(DENY_DELETE).client(text.encode()), "client", 2, "no-delete")
    said = denied(Scene(DENY_DELETE).client(text.replace(once, twice).encode()), "client", ..., "gate")
    assert said["id"] == (None if '"id":3' in twice else 2)


@corpus(6)
def test_06_keys_that_fold_to_a_protocol_key(row: Row) -> None:
    refuse(row)


ESCAPES = {
    "solidus as a code": b"sampling\\u002fcreateMessage",
    "solidus escaped": b"sampling\\/createMessage",
    "a letter as a code": b"s\\u0061mpling/createMessage",
}


@pytest.mark.parametrize("spelt", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("key", [b"method", b"m\\u0065thod"])
def test_07_escapes_change_neither_verdict_nor_audit(spelt: bytes, key: bytes) -> None:
    def ask(method: bytes, name: bytes) -> tuple[Heard, Any]:
        scene = Scene(NO_SAMPLING)
        scene.call(1)
        params = b'{"messages":[],"maxTokens":1}'
        raw = b'{"jsonrpc":"2.0","id":7,"%b":"%b","params":%b}' % (name, method, params)
        heard = scene.server(raw)
        return heard, (heard.entries[0].verdict, [entry.payload() for entry in heard.entries[1:]])

    plain, escaped = ask(b"sampling/createMessage", b"method"), ask(spelt, key)
    denied(escaped[0], "server", 7, "no-sampling")
    assert escaped[1] == plain[1]
    assert escaped[0].server == plain[0].server


@pytest.mark.parametrize("name", [b"del\\u0065te_repo", b"\\u0064elete\\u005frepo"])
def test_07_an_escaped_name_is_the_name(name: bytes) -> None:
    raw = b'{"jsonrpc":"2.0","id":2,"method":"tools\\/call","params":{"name":"%b"}}' % name
    denied(Scene(DENY_DELETE).client(raw), "client", 2, "no-delete")


@corpus(8)
def test_08_numbers_that_readers_round(row: Row) -> None:
    refuse(row)


NUMBERS = ["9" * 5000, "1e400", "-0", "NaN", "Infinity", "-Infinity", str(2**53 + 1), str(2**64), str(-(2**63) - 1)]
KEPT = ["-0.0", "0.1", str(2**53 + 1), str(2**64 - 1)]
RESPELT = ["1e2", "1E+2", "1.10", "0.12345678901234567890123"]


@pytest.mark.parametrize("number", NUMBERS + KEPT + RESPELT, ids=lambda number: number[:12])
@pytest.mark.parametrize("place", ["id", "argument", "meta", "result"])
def test_08_a_number_keeps_its_digits_or_goes_nowhere(number: str, place: str) -> None:
    scene = Scene(DENY_DELETE)
    body = {"id": "2", "argument": "1", "meta": "1"} | {place: number}
    raw = (
        f'{{"jsonrpc":"2.0","id":{body["id"]},"method":"tools/call","params":'
        f'{{"name":"x","arguments":{{"n":{body["argument"]}}},"_meta":{{"k":{body["meta"]}}}}}}}'
    ).encode()
    heard = scene.client(raw)
    if heard.server:
        passed(heard, "client", raw)
    else:
        denied(heard, "client", ..., "gate")
    if place == "result":
        answer = b'{"jsonrpc":"2.0","id":2,"result":{"content":[],"structuredContent":{"n":%b}}}' % number.encode()
        heard = scene.server(answer)
        assert heard.client == [answer] or heard.rules == ["gate"]
    lives(scene)


@pytest.mark.parametrize("number", KEPT + RESPELT)
def test_08_a_number_keeps_its_digits_in_a_message_that_a_rule_edits(number: str) -> None:
    raw = f'{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"x","arguments":{{"n":{number}}}}}}}'
    heard = Scene(NUDGE).client(raw.encode())
    assert heard.rules == ["nudge"]
    assert not heard.server or f'"n":{number},' in heard.server[0].decode()


@corpus(9)
def test_09_too_deep(row: Row) -> None:
    refuse(row)


@pytest.mark.parametrize(
    ("end", "depth"),
    [
        ("client", 65),
        ("client", 1025),
        ("client", 100_000),
        ("server", 65),
        ("server", 1025),
    ],
)
def test_09_depth_is_refused_and_the_next_call_works(end: End, depth: int) -> None:
    scene = Scene(DENY_DELETE)
    method = "tools/call" if end == "client" else "sampling/createMessage"
    nested = "[" * depth + "]" * depth
    raw = f'{{"jsonrpc":"2.0","id":5,"method":"{method}","params":{{"name":"x","arguments":{{"a":{nested}}}}}}}'
    said = denied(scene.say(end, raw.encode()), end, ..., "gate")
    assert said["error"]["code"] in (-32600, -32700)
    lives(scene)
    denied(scene.call(6, "delete_repo"), "client", 6, "no-delete")


@corpus(10)
def test_10_lone_surrogates(row: Row) -> None:
    refuse(row)


@pytest.mark.parametrize(
    ("ident", "name", "value"), [("2", "x", "\\ud800"), ("2", "\\udfff", "a"), ('"\\ud800"', "x", "a")]
)
def test_10_a_lone_surrogate_is_refused_and_the_audit_stays_json(ident: str, name: str, value: str) -> None:
    call = f'"method":"tools/call","params":{{"name":"{name}","arguments":{{"a":"{value}"}}}}'
    scene = Scene(DENY_DELETE)
    denied(scene.client(f'{{"jsonrpc":"2.0","id":{ident},{call}}}'.encode()), "client", ..., "gate")
    lives(scene)


@corpus(11)
def test_11_what_is_more_or_less_than_one_object(row: Row) -> None:
    refuse(row)


@pytest.mark.parametrize("blank", [b"", b" ", b"\t \t"])
def test_11_lines_with_nothing_on_them_are_no_messages(blank: bytes) -> None:
    scene = Scene(DENY_DELETE)
    effects = scene.core.feed(Received(1.0, "client", "stdio", Frame(blank)))
    assert len(effects) <= 2
    lives(scene)
