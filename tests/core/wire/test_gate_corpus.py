"""The gate against its corpus, and against other readers: what passes, everybody reads the same."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interpose.core.wire.gate import Gate, refusal, stand_in
from interpose.core.wire.message import Kind, read

FOLDER = Path(__file__).parents[2] / "corpus" / "gate"
REPEAT = re.compile(rb"<<(.+?)\*(\d+)>>", re.DOTALL)
GATE = Gate()


class Row(NamedTuple):
    cases: str
    name: str
    what: str
    raw: bytes
    version: str | None = "2025-11-25"
    content_type: str | None = None


def rows(file: str) -> Iterator[Row]:
    for line in (FOLDER / file).read_text("ascii").splitlines():
        if not line.startswith("#"):
            cases, name, what, text, how = ("" if cell == "-" else cell for cell in line.split("\t"))
            raw = text.encode().decode("unicode_escape").encode("latin-1")
            raw = REPEAT.sub(lambda found: found[1] * int(found[2]), raw)
            kind, _, value = how.partition("=")
            version = (value or None) if kind == "version" else Row._field_defaults["version"]
            yield Row(cases, name, what, raw, version, value if kind == "type" else None)


REFUSED = list(rows("refused.tsv"))
PASSED = list(rows("passed.tsv"))


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_an_ambiguous_frame_is_refused(row: Row) -> None:
    objection = GATE.refuse(row.raw, version=row.version, content_type=row.content_type)
    assert objection is not None
    assert objection.what == row.what, objection
    assert len(objection.reason) < 120
    assert objection.reason.isascii()


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_a_refusal_is_a_legal_error_and_passes_the_gate_itself(row: Row) -> None:
    objection = GATE.refuse(row.raw, version=row.version, content_type=row.content_type)
    assert objection is not None
    for answer in (refusal(row.raw, objection), stand_in(row.raw, objection)):
        if answer is not None:
            found = GATE.refuse(answer, version="2025-03-26")
            assert found is None or row.name.startswith("id-")  # an odd integer or text is given back as it was
            for part in read(answer).messages():
                assert part.kind is Kind.ERROR


@pytest.mark.parametrize("row", PASSED, ids=lambda row: row.name)
def test_a_frame_with_one_reading_passes(row: Row) -> None:
    assert GATE.refuse(row.raw, version=row.version, content_type=row.content_type) is None


def test_every_case_of_the_list_is_in_the_corpus() -> None:
    cases = {case for row in REFUSED + PASSED for case in row.cases.split()}
    assert {str(number) for number in range(1, 17)} | {"19", "20"} <= cases
    names = [row.name for row in REFUSED + PASSED]
    assert len(names) == len(set(names))


def judged(value: Any) -> Any:
    """What a policy goes by; of each message of a batch."""
    if isinstance(value, list):
        return [judged(item) for item in value]
    params = value.get("params") or {}
    return [value.get("method"), value.get("id"), params.get("name"), params.get("uri"), params.get("taskId")]


def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def any_case(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """As a reader does that takes any spelling of a key."""
    return {"_meta" if key.lower() in ("meta", "_meta") else key.lower(): value for key, value in pairs}


def assert_one_reading(raw: bytes) -> None:
    text = raw.decode()
    value = json.loads(text)
    assert json.loads(text, object_pairs_hook=first_wins) == value
    assert orjson.loads(raw) == value
    assert msgspec.json.decode(raw) == value
    seen = json.loads(text, object_pairs_hook=any_case)
    for exact, lenient in zip(*(item if isinstance(item, list) else [item] for item in (value, seen)), strict=True):
        for key in ("method", "id", "jsonrpc"):
            assert exact.get(key) == lenient.get(key)
        for key in ("name", "uri"):
            assert (exact.get("params") or {}).get(key) == (lenient.get("params") or {}).get(key)
    for message in read(raw).messages():
        if message.kind is Kind.REQUEST:
            assert message.id is not None


@pytest.mark.parametrize("row", PASSED, ids=lambda row: row.name)
def test_what_passes_is_the_same_to_every_reader_in_python(row: Row) -> None:
    assert_one_reading(row.raw)


SCRIPT = """
const lines = require("fs").readFileSync(0, "utf8").split("\\n");
const judged = (value) => {
  if (Array.isArray(value)) return value.map(judged);
  const params = value.params ?? {};
  return [value.method, value.id, params.name, params.uri, params.taskId].map((item) => item ?? null);
};
const read = (line) => JSON.stringify(judged(JSON.parse(Buffer.from(line, "base64").toString("utf8"))));
for (const line of lines) if (line) console.log(read(line));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_what_passes_is_the_same_to_node() -> None:
    lines = b"\n".join(msgspec.json.encode(row.raw).strip(b'"') for row in PASSED)
    done = subprocess.run(["node", "-e", SCRIPT], input=lines, capture_output=True, timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [judged(json.loads(row.raw)) for row in PASSED]


SEEDS = [row.raw for row in PASSED if len(row.raw) < 1000]
GRAINS = [
    *(b"\\u0061", b'"', b"\\", b":", b",", b"{", b"}", b"[", b"]", b" ", b"\r", b"\n", b"\0", b"\xff", b"-0", b"1e400"),
    *(b'"name":"x",', b'"Name":"x",', b'"method":"a",', b'"id":1,', b'"na\\u006de":1,', b'"meta":{},', b"\\ud800"),
    *(b"9" * 25, b"null", b"NaN", b"\xe2\x80\xa8", b"\xc2\xa0", b"\xed\xa0\x80", b"\xc0\xaf", b"\\u003a", b"1.0"),
]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 3)))
        middle = draw(st.one_of(st.sampled_from(GRAINS), st.binary(max_size=2), st.just(raw[end : end + 20])))
        raw = raw[:start] + middle + raw[end:]
    return raw


@settings(max_examples=500, deadline=None)
@given(mutants())
@example(b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"a","name":"b"}}')
def test_a_mutant_is_refused_or_is_the_same_to_every_reader(raw: bytes) -> None:
    objection = GATE.refuse(raw, version="2025-03-26")
    if objection is None:
        assert_one_reading(raw)
    else:
        refusal(raw, objection)
        stand_in(raw, objection)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), inner),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 2]), st.booleans())
def test_any_ordinary_call_passes_however_it_is_written(value: Any, ascii_: bool, indent: int | None, c: bool) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {"value": value}}}
    raw = json.dumps(body, ensure_ascii=ascii_, indent=indent, separators=(",", ":") if c else None).encode()
    assert Gate(max_depth=30).refuse(raw, version=None, content_type="application/json") is None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text("aAbB_ \\:\"'", max_size=3), st.sampled_from([":", '":"', "\\", 1])), max_size=6))
def test_a_duplicate_is_seen_whatever_stands_around_it(pairs: list[tuple[str, Any]]) -> None:
    members = ", ".join(f"{json.dumps(key)} : {json.dumps(value)}" for key, value in pairs)
    raw = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{%b}}}' % members.encode()
    objection = Gate(exact_keys=True).refuse(raw, version=None)
    keys = [key for key, _ in pairs]
    assert (objection is not None) == (len(set(keys)) < len(keys))
