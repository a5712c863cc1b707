"""The strict gate: real traffic passes, limits hold, and a refusal answers the right one with the right id."""

import json
import string
from pathlib import Path
from typing import Any

import pytest

from interpose.core.protocol import EXTENSIONS, VERSIONS, table
from interpose.core.wire import gate_members
from interpose.core.wire.gate import WITH_BATCHES, Gate, Objection, refusal, stand_in
from interpose.core.wire.gate_level import fold
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader

FOLDER = Path(__file__).parents[3] / "recordings"
FILES = sorted(FOLDER.rglob("*.jsonl"))
GATE = Gate()
ODD = Objection("key", "an object has the same key twice")
TABLES = [table(version) for version in VERSIONS] + list(EXTENSIONS.values())


def call(arguments: str = "{}", ident: str = "1") -> bytes:
    body = '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"echo","arguments":%s}}'
    return (body % (ident, arguments)).encode()


def refuse(raw: bytes, **settings: Any) -> str | None:
    objection = Gate(**settings).refuse(raw, version=None)
    return None if objection is None else objection.what


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_message_of_the_golden_recordings_passes(path: Path) -> None:
    with RecordingReader(path) as reader:
        frames = [(entry.seq, entry.payload()) for entry in reader if entry.kind == "message"]
    assert frames
    refused = [(seq, GATE.refuse(raw, version=path.parent.name)) for seq, raw in frames if raw is not None]
    assert [found for found in refused if found[1] is not None] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_golden_messages_pass_in_any_spelling_of_their_json(path: Path) -> None:
    with RecordingReader(path) as reader:
        values = [json.loads(raw) for entry in reader if entry.kind == "message" and (raw := entry.payload())]
    for value in values:
        for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, separators=(" ,", " : "))):
            assert GATE.refuse(text.encode(), version=path.parent.name, content_type="application/json") is None


def test_it_knows_the_requests_and_the_names_of_the_tables() -> None:
    methods = [method for version in TABLES for method in version.methods.values()]
    assert {m.name for m in methods if m.kind == "request"} == gate_members.REQUESTS
    assert {m.name: m.name_param for m in methods if m.name_param} == gate_members.NAMED
    assert {version.version for version in TABLES if version.batches} == WITH_BATCHES


def test_it_knows_the_members_of_the_tables() -> None:
    methods = [method for version in TABLES for method in version.methods.values()]
    assert {m.name_param for m in methods if m.name_param} <= gate_members.PARAMS.members.keys()
    assert {name for m in methods for name in m.result} <= gate_members.RESULT.members.keys()
    assert {m.ask for m in methods if m.ask} <= gate_members.ORDINARY


def test_no_two_ordinary_keys_fold_together() -> None:
    assert len({fold(key) for key in gate_members.ORDINARY}) == len(gate_members.ORDINARY)
    assert len(gate_members.ORDINARY_FOLDED) == len(gate_members.ORDINARY)


@pytest.mark.parametrize("name", ["method", "_meta", "taskId", "inputResponses", "kind"])
def test_every_reading_of_a_key_folds_to_one(name: str) -> None:
    plain = fold(name)
    assert fold(name.upper()) == plain
    assert fold(name.replace("s", "\u017f").replace("k", "\u212a").replace("i", "\u0131")) == plain
    wide = "".join(chr(ord(char) + 0xFEE0) if char in string.ascii_letters else char for char in name)
    assert fold(wide) == plain
    for unseen in "\0\t \u00a0\u00ad\u200b\u200d\u2060\u3000\u3164\ufe0f\ufeff\U000e0041":
        assert fold(name + unseen) == plain
        assert fold(unseen + name) == plain


def test_the_depth_is_a_setting() -> None:
    # the envelope, params and the arguments are three
    assert refuse(call('{"a":[]}'), max_depth=4) is None
    assert refuse(call('{"a":[[]]}'), max_depth=4) == "depth"
    deep = "[" * 500 + "]" * 500
    assert refuse(call(f'{{"a":{deep},"b":1}}'), max_depth=600) is None
    assert refuse(call(f'{{"a":{deep},"b":1,"b":2}}'), max_depth=600) == "key"
    assert refuse(call(f'{{"a":{deep}}}'), max_depth=500) == "depth"
    assert refuse(call("[" * 1010 + "]" * 1010), max_depth=2000) == "depth"  # deeper than Python goes


def test_deeper_than_the_reader_goes_is_no_crash() -> None:
    for depth in (1025, 5000, 100_000):
        raw = call('{"a":' + "[" * depth + "]" * depth + "}")
        assert refuse(raw) == "depth"
        assert refuse(raw, max_depth=10**6) == "depth"


def test_a_large_frame_that_is_no_json_is_refused_without_ado() -> None:
    for raw in (call("[" * 2_000_000), call("[]," * 1_000_000), b"[" * 2_000_000):
        objection = GATE.refuse(raw, version=None)
        assert objection is not None
        assert objection.what == "json"
        assert b'"id":null' in (refusal(raw, objection) or b"")
        assert stand_in(raw, objection) is None


def test_a_long_content_type_is_judged_at_once() -> None:
    for content_type in ("application/json" + " ; " * 20_000 + "!=", "application/json" + " " * 100_000 + "x"):
        objection = GATE.refuse(call(), version=None, content_type=content_type)
        assert objection is not None
        assert objection.what == "media"


def test_the_size_is_a_setting() -> None:
    assert refuse(call(), max_bytes=len(call())) is None
    assert refuse(call(), max_bytes=len(call()) - 1) == "size"


def test_keys_of_arguments_may_differ_by_case_where_that_is_allowed() -> None:
    assert refuse(call('{"path":1,"Path":2}')) == "key"
    assert refuse(call('{"path":1,"Path":2}'), exact_keys=True) is None
    assert refuse(call('{"path":1,"path":2}'), exact_keys=True) == "key"
    assert refuse(b'{"jsonrpc":"2.0","id":1,"Method":"ping"}', exact_keys=True) == "key"


def test_keys_that_fold_together_may_stand_in_different_objects() -> None:
    assert refuse(call('{"a":{"Key":1},"b":[{"key":1,"x":{"KEY":2}}]}')) is None
    assert refuse(call('{"a":{"Key":1},"b":[{"key":1,"KEY":2}]}')) == "key"
    assert refuse(call('{"\u00e9":1,"E\u0301":{"\u00c9":1}}')) == "key"


def test_a_reason_holds_nothing_of_the_sender() -> None:
    raw = (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s3cret","arguments":{"s3cret":1,"s3cret":2}}}'
    )
    objection = GATE.refuse(raw, version=None)
    assert objection is not None
    assert b"s3cret" not in (refusal(raw, objection) or b"")


@pytest.mark.parametrize(
    ("raw", "ident"),
    [
        (call(ident="7"), "7"),
        (call(ident='"a\\u0062"'), '"a\\u0062"'),
        (call(ident="12345678901234567890123"), "12345678901234567890123"),
        (call(ident="null"), "null"),
        (call(ident="1.0"), "null"),
        (call(ident="-0"), "null"),
        (call(ident="true"), "null"),
        (call(ident='"\\ud800"'), "null"),
        (call(ident='"%s"' % ("a" * 2000)), "null"),
        (call(ident="9" * 5000), "null"),
        (call(ident='1,"id":2'), "null"),
        (call('{"a":"\xff"}').decode().encode("latin-1"), "1"),
        (call('{"a":NaN}'), "1"),
        (call('{"a":[' + "1," * 1_000_000 + "NaN]}"), "1"),
        (call("[" * 90_000 + "]" * 90_000), "1"),
        (b'{"jsonrpc":"2.0","id":3,"method":"x","result":{}}', "null"),
        (b'{"jsonrpc":"2.0","id":3}', "null"),
        (call() + b"\r" + call(), "null"),
        (b'{"jsonrpc":"2.0","method":"notifications/x"}\r' + call(), "null"),
        (call() + b" x", "null"),
        (call()[:-1], "null"),
        (b"\xef\xbb\xbf" + call(), "null"),
        (b"listening", "null"),
        (b"[]", "null"),
        (b"7", "null"),
    ],
)
def test_a_refusal_gives_the_id_back_that_is_certain(raw: bytes, ident: str) -> None:
    answer = refusal(raw, ODD)
    assert answer is not None
    assert answer.startswith(b'{"jsonrpc":"2.0","id":%b,"error":' % ident.encode())
    assert refusal(read(raw), ODD) == answer


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","method":"notifications/x","params":[]}',
        b'{"jsonrpc":"2.0","method":"tools/call"}',
        b'{"jsonrpc":"2.0","id":1,"result":null}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
        b'[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}}]',
        b"",
        b" \t",
    ],
)
def test_what_nobody_answers_gets_no_answer(raw: bytes) -> None:
    assert refusal(raw, ODD) is None


def test_a_refusal_says_who_and_why() -> None:
    assert json.loads(refusal(call(), ODD) or b"") == {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {
            "code": -32600,
            "message": "Invalid request: an object has the same key twice",
            "data": {"interpose": {"reason": "an object has the same key twice"}},
        },
    }
    assert json.loads(refusal(b"x", Objection("json", "no JSON")) or b"")["error"]["code"] == -32700


def test_every_request_of_a_refused_batch_is_answered() -> None:
    batch = b"[" + call(ident="1") + b',{"jsonrpc":"2.0","method":"a"},' + call(ident='"2"') + b"]"
    assert [answer["id"] for answer in json.loads(refusal(batch, ODD) or b"")] == [1, "2"]


@pytest.mark.parametrize(
    ("raw", "ident"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":null}', 7),
        (b'{"jsonrpc":"2.0","id":"a","result":{},"result":{}}', "a"),
        (b'{"jsonrpc":"2.0","id":7,"id":8,"result":{}}', None),
        (b'{"jsonrpc":"2.0","id":1.0,"result":{}}', None),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","result":{}}', None),
        (b'{"jsonrpc":"2.0","id":7,"Method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":7}', None),
        (b"x", None),
    ],
)
def test_the_one_who_waits_for_a_refused_response_gets_an_error(raw: bytes, ident: str | int | None) -> None:
    for frame in (raw, read(raw)):
        answer = stand_in(frame, ODD)
        assert (None if answer is None else json.loads(answer)["id"]) == ident


@pytest.mark.parametrize(
    ("head", "ident"),
    [
        ('{"jsonrpc":"2.0","id":7,"method":"a"', 7),
        ('{ "method" : "a" , "id" : "x" , "jsonrpc":"2.0"', "x"),
        ('{"jsonrpc":"2.0","id":7,"id":8,"method":"a"', None),
        ('{"jsonrpc":"2.0","id":7,"m\\u0065thod":"a","method":"a"', None),
        ('{"jsonrpc":"2.0","id":7.0,"method":"a"', None),
        ('{"jsonrpc":"2.0","id":7,"method":"a","result":1', None),
        ('{"jsonrpc":"2.0","id":7', None),
        ('{"a":[],"id":7,"method":"a"', None),
        ('{"jsonrpc":"2.0","id":"' + "i" * 2000 + '","method":"a"', None),
    ],
)
def test_a_request_of_endless_depth_is_answered_under_its_id_where_that_is_certain(
    head: str, ident: int | str | None
) -> None:
    raw = f'{head},"params":{"[" * 100_001}{"]" * 100_001}}}'.encode()
    deep = Objection("depth", "too deep")
    assert json.loads(refusal(raw, deep) or b"")["id"] == ident
    assert json.loads(refusal(raw, ODD) or b"")["id"] is None
    assert stand_in(raw, deep) is None
