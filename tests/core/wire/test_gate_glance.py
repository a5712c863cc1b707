"""The gate's quick look: it clears everyday messages, and nothing that the careful one refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.wire.test_gate import FILES, FOLDER
from tests.core.wire.test_gate_corpus import PASSED, REFUSED, mutants

from interpose.core.wire.gate import Gate
from interpose.core.wire.gate_glance import everyday
from interpose.core.wire.gate_lines import everyday_answers, everyday_calls
from interpose.core.wire.message import Kind, read
from interpose.edge.stores.jsonl import RecordingReader

VERSION = "2025-11-25"
EVERYDAY: list[dict[str, Any]] = [
    {"id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"city": "Zürich", "n": [1.5, None]}}},
    {"id": "a-1", "method": "resources/read", "params": {"uri": "file:///a", "_meta": {"progressToken": 7}}},
    {"method": "notifications/progress", "params": {"progressToken": 7, "progress": 0.5}},
    {"id": 0, "result": {"content": [{"type": "text", "text": "a\nb: \"c\" {[😀"}], "isError": False}},
    {"id": 2, "result": {}},
]  # fmt: skip


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def assert_not_too_quick(raw: bytes, depth: int = 64) -> bool:
    """Whether the quick look clears it; then the careful one must pass it too."""
    cleared = everyday(read(raw), depth) is not None
    if cleared:
        for content_type in (None, "application/json"):
            assert Gate(max_depth=depth).judge(raw, version=VERSION, content_type=content_type) is None
    return cleared


@pytest.mark.parametrize("body", EVERYDAY, ids=str)
def test_everyday_messages_are_cleared(body: dict[str, Any]) -> None:
    assert assert_not_too_quick(compact({"jsonrpc": "2.0"} | body))
    backwards = dict(reversed([*body.items(), ("jsonrpc", "2.0")]))
    assert assert_not_too_quick(compact(backwards))


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_nothing_of_what_is_refused_is_cleared(row: Any) -> None:
    assert everyday(read(row.raw), 64) is None or row.content_type is not None


@pytest.mark.parametrize("row", PASSED, ids=lambda row: row.name)
def test_what_is_cleared_of_what_passes_passes_with_care(row: Any) -> None:
    assert_not_too_quick(row.raw)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_most_of_the_golden_messages_are_cleared(path: Path) -> None:
    with RecordingReader(path) as reader:
        raws = [raw for entry in reader if entry.kind == "message" and (raw := entry.payload()) is not None]
    cleared = [assert_not_too_quick(raw) for raw in raws for _ in read(raw).messages()]
    plain = [(read(raw).kind is not Kind.ERROR and b'"params":' in raw) or b'"result":' in raw for raw in raws]
    assert sum(cleared) >= sum(plain) // 2


@settings(max_examples=1000, deadline=None)
@given(mutants(), st.sampled_from([1, 2, 3, 4, 64]))
def test_a_mutant_is_cleared_only_when_it_passes(raw: bytes, depth: int) -> None:
    assert_not_too_quick(raw, depth)


KEYS = st.sampled_from(
    ["name", "Name", "arguments", "_meta", "meta", "content", "taskId", "task_id", "k", "K", "é", "É"]
)
TEMPLATES = [
    '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}',
    '{"jsonrpc":"2.0","method":"%s","params":%s}',
    '{"jsonrpc":"2.0","id":%s,"result":%s}',
    '{"id":%s,"jsonrpc":"2.0","result":%s,"a":1}',
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(tuple),
    max_leaves=12,
)


def spelt(value: Any) -> str:
    """JSON in which a tuple of pairs is an object, with all its duplicates."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{spelt(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelt, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from(["1", '"a"', "null", "1.0", "-0", "01", '"\\u0061"', "9007199254740993", '"\\n"', '"\x7f"']),
    st.sampled_from(["tools/call", "ping", "tools/list", "notifications/progress", "x", "Tools/call", " ping"]),
    st.lists(st.tuples(KEYS, VALUES), max_size=4).map(tuple),
    st.sampled_from(TEMPLATES),
    st.sampled_from([1, 2, 3, 64]),
)  # fmt: skip
def test_a_message_of_odd_pieces_is_cleared_only_when_it_passes(
    ident: str, method: str, body: Any, template: str, depth: int
) -> None:
    if template.count("%s") == 3:
        text = template % (ident, method, spelt(body))
    else:
        text = template % (method if "method" in template else ident, spelt(body))
    raw = text.encode("utf-8", "surrogatepass")
    assert_not_too_quick(raw, depth)
    for everyone in EVERYDAY[:2], EVERYDAY[3:]:
        assert_no_quicker_together([*(compact({"jsonrpc": "2.0"} | each) for each in everyone), raw], depth)


def assert_no_quicker_together(raws: list[bytes], depth: int = 64) -> bool:
    """Whether these lines are cleared together; then each of them must be so on its own, and read in the same way."""
    for look in (everyday_calls, everyday_answers):
        if (seen := look(raws, depth)) is not None:
            messages = list(map(read, raws))
            assert [everyday(message, depth) for message in messages] == list(seen.values)
            assert [message.id for message in messages] == list(seen.ids)
            if look is everyday_calls:
                assert [message.method for message in messages] == list(seen.methods)
            return True
    return False


@pytest.mark.parametrize("member", ["method", "result"])
def test_everyday_lines_are_cleared_together(member: str) -> None:
    raws = [compact({"jsonrpc": "2.0"} | body) for body in EVERYDAY if "id" in body and member in body]
    assert len(raws) == 2
    assert assert_no_quicker_together(raws)
    assert assert_no_quicker_together(raws * 20)
    notice = b'{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}'
    for odd in (b"", b"x", b"[]", b"1", notice, raws[0][:-1], raws[0] + b" ", raws[0] + b"," + raws[0]):
        assert not assert_no_quicker_together([*raws, odd])
        assert not assert_no_quicker_together([odd, *raws])


@pytest.mark.parametrize("row", [*REFUSED, *PASSED], ids=lambda row: row.name)
def test_no_odd_line_is_cleared_among_everyday_ones(row: Any) -> None:
    for body in EVERYDAY:
        assert_no_quicker_together([compact({"jsonrpc": "2.0"} | body), row.raw])
        assert_no_quicker_together([row.raw, compact({"jsonrpc": "2.0"} | body)])


@settings(max_examples=1000, deadline=None)
@given(st.lists(mutants(), min_size=1, max_size=3), st.sampled_from([0, 1, 2, 3, 4, 64]))
def test_mutants_are_cleared_together_only_when_each_is(raws: list[bytes], depth: int) -> None:
    assert_no_quicker_together(raws, depth)


SHAPES = [
    '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%s,"arguments":%s}}',
    '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%s,"_meta":%s}}',
    '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%s}],"structuredContent":%s}}',
    '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%s}],"_meta":%s}}',
    '{"jsonrpc":"2.0","id":%s,"result":{"_meta":%s,"content":[],"resultType":%s}}',
]
PLAIN_IDS = st.sampled_from(
    ["1", "0", "999999999999999", '"a"', '"é"', "-1", "1.0", "1e2", "true", "10000000000000000"]
)
TEXTS = st.sampled_from(
    ['"a"', '"é\U0001f600"', '"\\n"', '"\x7f"', '"\\u0061"', "1", "null", '"complete"', '"a","name":"b"']
)


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.lists(st.tuples(PLAIN_IDS, TEXTS, st.lists(st.tuples(KEYS, VALUES), max_size=3)), min_size=1, max_size=3),
    st.sampled_from([3, 4, 5, 64]),
)
def test_calls_and_what_they_return_are_cleared_together_only_when_each_is(
    shape: str, pieces: list[tuple[str, str, list[tuple[str, Any]]]], depth: int
) -> None:
    texts = [shape % (ident, text, spelt(tuple(inner))) for ident, text, inner in pieces]
    assert_no_quicker_together([text.encode("utf-8", "surrogatepass") for text in texts], depth)


def test_a_value_over_the_end_of_a_line_is_no_line() -> None:
    whole = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"k":[{},{}]}}}'
    for cut in range(1, len(whole)):
        assert not assert_no_quicker_together([whole[:cut], whole[cut:]])
    head, tail = whole.split(b",{}]")
    assert not assert_no_quicker_together([head, b"{}]" + tail])
    assert assert_no_quicker_together([whole, whole])
