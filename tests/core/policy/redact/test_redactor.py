"""What redaction leaves alone, byte for byte; that it can be repeated; that nothing makes it fail."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.policy.redact.planted import AWS, EVERYTHING, GITHUB, PEOPLE, SECRETS, placeholders, redact, text_result

from interpose.core.policy.redact.detectors import DETECTORS
from interpose.core.policy.redact.redactor import Options, Redactor
from interpose.core.policy.redact.tokens import Path, leaves, parts, spans

_PLACEHOLDER = re.compile(rb"\[[a-z]+:[a-z-]+-[0-9]+\]")
_FOUND = [AWS, GITHUB, *(text for _, text, _ in SECRETS[::3]), *(text for _, text, _ in PEOPLE[::3])]
_ODD = [
    *(AWS[:9], AWS[9:], "é", "\\", '"', "\\u0041", "%41", "\u200b", "Ａ", " ", "\n", "password", "=", ":"),
    "[secret:aws-key-1]",
]
_PIECES = st.sampled_from([*_FOUND, *_ODD])
_TEXT = st.lists(_PIECES | st.text(max_size=5), max_size=6).map("".join)
_KEYS = (
    st.sampled_from(
        [
            "params",
            "result",
            "error",
            "_meta",
            "content",
            "text",
            "type",
            "arguments",
            "structuredContent",
            "inputSchema",
            "data",
            "blob",
            "id",
            "uri",
        ]
    )
    | _TEXT
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)
_MESSAGES = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]), _JSON, max_size=4
)
_RULES = Redactor(
    Options(
        tuple(DETECTORS),
        {"vowels": "[aeiou]{2}", "anchored": "^x.*$"},
        ("$..data", "$.result.content[0]"),
        ("text", "id"),
    )
)


def _spelled(value: Any, spaced: bool, escaped: bool) -> bytes:
    separators = (" , ", "\t:\n") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=escaped, separators=separators).encode("utf-8", "surrogatepass")


@settings(max_examples=300, deadline=None)
@given(_MESSAGES, st.booleans(), st.booleans(), st.sampled_from([EVERYTHING, _RULES]))
def test_redacting_twice_changes_nothing_more(message: Any, spaced: bool, escaped: bool, redactor: Redactor) -> None:
    session = placeholders()
    once = redactor.redact(_spelled(message, spaced, escaped), session)
    twice = redactor.redact(once.raw, session)
    assert twice.raw is once.raw
    assert twice.findings == ()
    assert redactor.redact(once.raw, placeholders()).raw is once.raw


@settings(max_examples=300, deadline=None)
@given(_MESSAGES, st.booleans(), st.booleans())
def test_only_the_strings_with_findings_change(message: Any, spaced: bool, escaped: bool) -> None:
    raw = _spelled(message, spaced, escaped)
    done = redact(raw)
    before, after = spans(raw), spans(done.raw)
    assert len(before) == len(after)
    start = there = 0
    for (a, b), (c, d) in zip(before, after, strict=True):
        assert raw[start:a] == done.raw[there:c]
        assert raw[a:b] == done.raw[c:d] or done.findings
        start, there = b, d
    assert raw[start:] == done.raw[there:]
    assert (done.raw is raw) == (not done.findings)
    assert _types(json.loads(done.raw)) == _types(json.loads(raw))


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return [_types(inner) for inner in value.values()]
    return [_types(inner) for inner in value] if isinstance(value, list) else type(value)


@given(st.text(alphabet=st.characters(exclude_categories=())), st.sampled_from([AWS, GITHUB]))
def test_what_stands_around_a_secret_in_a_string_stays_to_the_letter(around: str, secret: str) -> None:
    inside = json.dumps(around)[1:-1].replace("/", "\\/").encode()
    raw = b'{"jsonrpc":"2.0","id":1,"result":{"a":"%s %s %s"}}' % (inside, secret.encode(), inside)
    done = EVERYTHING.redact(raw, placeholders())
    if len(done.findings) == 1:
        assert _PLACEHOLDER.sub(secret.encode(), done.raw) == raw
    assert secret.encode() not in done.raw


@given(st.binary(max_size=200) | _JSON.map(lambda value: _spelled(value, True, False)), st.integers(0, 200))
def test_nothing_makes_it_fail(raw: bytes, cut: int) -> None:
    for candidate in (
        raw,
        raw[:cut],
        b'{"result":"' + raw + b'"}',
        b'{"result":["' + raw[:cut] + b'","\xff\xfe' + AWS.encode(),
    ):
        done = redact(candidate)
        assert done.raw is candidate or done.findings
        assert redact(candidate, _RULES)


@given(_TEXT | st.text())
def test_a_text_can_be_redacted_again_and_again(text: str) -> None:
    session = placeholders()
    once, findings = EVERYTHING.redact_text(text, session)
    assert EVERYTHING.redact_text(once, session) == (once, ())
    assert bool(findings) == (once != text)
    assert bool(EVERYTHING.scan_text(text)) == bool(findings)


@given(_JSON, st.booleans(), st.booleans())
def test_the_strings_and_their_places_are_those_of_a_json_reader(value: Any, spaced: bool, escaped: bool) -> None:
    raw = _spelled(value, spaced, escaped)
    read = [part[1 : part.rindex(b'"')].decode("utf-8", "surrogatepass") for part in parts(raw)]
    assert read == _strings(json.loads(raw))
    found = list(leaves(raw))
    for leaf in found:
        if not leaf.is_key:
            assert json.dumps(json.loads(raw[leaf.start : leaf.end])) == json.dumps(_at(json.loads(raw), leaf.path))
    for leaf in found:
        assert list(leaves(raw, [leaf.start])) == [leaf]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        names = {name.encode("utf-8", "replace").decode(): name for name in value} if isinstance(value, dict) else {}
        value = value[names.get(str(step), step)]
    return value


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (key, *_strings(inner))]
    return [text for inner in value for text in _strings(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":1e0, "result" :{"a":1.0,"a":1234567890123456789,"text":"%s","u":"\\u0041\\/","a":-0}}',
        b'\xef\xbb\xbf{"result":"%s"}\r\n',
        b'{"result":"\xff\xfe %s \\ud800 \xed\xa0\x80"}',
        b'{"result":{"x":NaN,"y":[1E400,"%s"]}}',
        b'{"result":"\\ud83d\\ude00\\u0000%s"}',
        b'{"result":"\\u0022%s\\u005c"}',
        b'{"result":"x","result":"%s"}',
        b'[{"result":"%s"}]',
        b'{"result":' + b"[" * 500 + b'"%s"' + b"]" * 500 + b"}",
        b'{"result":{"a":"' + b"x" * 5000 + b'","b":[{"c":{}},[]],"d":"%s"}}',
    ],
)
def test_everything_but_the_secret_stays_as_it_was(raw: bytes) -> None:
    done = redact(raw.replace(b"%s", AWS.encode()))
    assert done.raw == raw.replace(b"%s", b"[secret:aws-key-1]")


def test_a_secret_spelled_in_escapes_goes_with_them() -> None:
    escaped = "".join(f"\\u{ord(letter):04X}" for letter in AWS).encode()
    assert redact(b'{"result":"a\\n' + escaped + b'\\n"}').raw == b'{"result":"a\\n[secret:aws-key-1]\\n"}'


@pytest.mark.parametrize("raw", [b"", b"{", b"log line", b'{"a":"' + AWS.encode(), b"[" * 200_000, b'{"a" "b"}'])
def test_what_is_no_json_is_reported_and_left_to_the_caller(raw: bytes) -> None:
    done = redact(raw)
    assert done.raw is raw
    assert [finding.detector for finding in done.findings] == ["unreadable"]


def test_a_parsed_message_is_redacted_in_place_of_its_bytes() -> None:
    message = text_result("nothing", number=12345678901234567890123)
    assert EVERYTHING.redact_value(message, placeholders()) == (message, ())
    assert EVERYTHING.redact_value(message, placeholders())[0] is message
    got, findings = EVERYTHING.redact_value(text_result(AWS, "\ud800"), placeholders())
    assert got == text_result("[secret:aws-key-1]", "\ud800")
    assert [finding.path for finding in findings] == ["$.result.content[0].text"]


def test_what_looks_like_a_placeholder_but_is_none_is_looked_at() -> None:
    fake = f"[secret:{AWS}-1] [secret:aws-key-{'1' * 9}{AWS}]"
    assert AWS not in EVERYTHING.redact_text(fake, placeholders())[0]


def test_it_keeps_up() -> None:
    """Prints its speed and holds it to nothing: machines differ."""
    words = "the quick brown fox jumps over 13 lazy dogs at 10:30 on 2026-07-28, v1.2.3; "
    rows = [{"id": number, "at": "2026-01-01T00:00:00Z", "sha": f"{number:040x}"} for number in range(9000)]
    cases = {
        "text": text_result(words * 13_000),
        "rows": text_result("ok", structuredContent=rows),
        "JSON in text": text_result(json.dumps(rows)),
        "10 000 hits": text_result(" ".join(f"{words} u{number}@example.org" for number in range(10_000))),
    }
    for name, message in cases.items():
        raw = json.dumps(message).encode()
        start = time.perf_counter()
        found = len(redact(raw).findings)
        print(f"{name}: {len(raw) / 1e6:.2f} MB in {(time.perf_counter() - start) * 1e3:.1f} ms, {found} findings")
