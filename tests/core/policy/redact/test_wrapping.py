"""Other spellings of a secret: what is read, and what is left with no harm done."""

import base64
import gzip
import json
import re
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.policy.redact.planted import AWS, JWT, masked, redact, text_result

from interpose.core.policy.redact.engine import Expression
from interpose.core.policy.redact.pieces import pieces
from interpose.core.policy.redact.wrapping import ESCAPED, unescaped

MASK = "[secret:aws-key-1]"
NESTED = json.dumps({"a": f"x\n{AWS}", "é": 1})


def _unicode_escapes(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def _full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def _bold(text: str) -> str:
    digits = {str(digit): chr(0x1D7CE + digit) for digit in range(10)}
    return "".join(digits.get(letter) or chr(0x1D400 + ord(letter) - 65) for letter in text)


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


READ = {
    "JSON in text": NESTED,
    "JSON in JSON in text": json.dumps({"b": NESTED}),
    "escapes in JSON in text": f'{{"a": "{_unicode_escapes(AWS)}"}}',
    "escaped solidus": f"\\/{AWS}\\/",
    "percent": "https://x.example/?k=" + "".join(f"%{ord(letter):02X}" for letter in AWS),
    "percent in part": "k=%41" + AWS[1:],
    "full width": _full_width(AWS),
    "mathematical": _bold(AWS),
    "tags": "hello" + _tags(" " + AWS),
    "zero width": "\u200b".join(AWS),
    "byte order marks": "\ufeff".join(AWS),
    "soft hyphens": "\u00ad".join(AWS),
    "bidirectional": f"\u202e{AWS}\u202c",
    "zero width after it": f"{AWS}\u200bword",
    "percent in JSON in text": json.dumps({"a": "%41" + AWS[1:], "b": "\n"}),
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_a_spelling_that_is_read_is_masked(text: str) -> None:
    got = masked(text_result(f"before {text} after"))["result"]["content"][0]["text"]
    assert got.startswith("before ")
    assert got.endswith(" after")
    assert MASK in got.replace("\\", "")
    assert redact(text_result(got)).findings == ()


@pytest.mark.parametrize("before", ["", "a", "ab ", "é: ", "https://x.example/?d=", "data:text/plain;base64,"])
@pytest.mark.parametrize("url", [False, True])
@pytest.mark.parametrize("extra", range(3))
def test_base64_of_text_keeps_its_form(before: str, url: bool, extra: int) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    decode = base64.urlsafe_b64decode if url else base64.b64decode
    plain = f"key?>~ {AWS} " + "x" * extra
    text = before.rstrip("ab") + encode(plain.encode()).decode()
    got = masked(text_result(text))["result"]["content"][0]["text"]
    assert decode(got.removeprefix(before.rstrip("ab"))).decode() == plain.replace(AWS, MASK)


def test_base64_goes_on_behind_what_was_masked() -> None:
    plain = f"für {AWS} und für mehr, für immer".encode()
    got = masked(text_result(base64.b64encode(plain).decode()))["result"]["content"][0]["text"]
    assert b"".join(base64.b64decode(got).split()) == b"".join(plain.replace(AWS.encode(), MASK.encode()).split())
    unpadded = base64.b64encode(f"key {AWS}!".encode()).decode().rstrip("=")
    assert "=" not in masked(text_result(unpadded))["result"]["content"][0]["text"]


def test_base64_over_several_lines_is_one() -> None:
    plain = f"{'a line of text ' * 5}{AWS}{' and another' * 9}"
    got = masked(text_result(base64.encodebytes(plain.encode()).decode()))["result"]["content"][0]["text"]
    assert base64.b64decode(got).decode() == plain.replace(AWS, MASK)


def test_hexadecimal_keeps_its_case() -> None:
    for text in (f"key {AWS}".encode().hex(), f"key {AWS}".encode().hex().upper()):
        got = masked(text_result(text))["result"]["content"][0]["text"]
        assert bytes.fromhex(got).decode() == f"key {MASK}"
        assert got in (got.lower(), got.upper())


def test_base64_in_base64_is_read() -> None:
    twice = base64.b64encode(base64.b64encode(f"key {AWS}!!".encode())).decode()
    got = masked(text_result(twice))["result"]["content"][0]["text"]
    assert base64.b64decode(base64.b64decode(got)).decode() == f"key {MASK}!!"


def test_a_token_is_masked_whole_and_not_in_its_parts() -> None:
    payload = base64.urlsafe_b64encode(b'{"mail":"somebody@example.org","n":1}').decode().rstrip("=")
    token = JWT.replace(JWT.split(".")[1], payload)
    assert masked(text_result(token)) == text_result("[secret:jwt-1]")


NOT_READ = {
    "gzip": base64.b64encode(gzip.compress(AWS.encode() * 40, mtime=0)).decode(),
    "UTF-16": base64.b64encode(AWS.encode("utf-16")).decode(),
    "base32": base64.b32encode(AWS.encode()).decode(),
    "reversed": AWS[::-1],
    "lower case": AWS.lower(),
    "spaced": " ".join(AWS),
    "other alphabets": AWS.replace("A", "А"),
    "HTML entities": "".join(f"&#{ord(letter)};" for letter in AWS),
    "separated hexadecimal": AWS.encode().hex(":"),
}


@pytest.mark.parametrize("text", NOT_READ.values(), ids=NOT_READ)
def test_a_spelling_that_is_not_read_stays_as_it_is(text: str) -> None:
    assert quote(redact(text_result(text)).raw) == quote(json.dumps(text_result(text)))


def test_escapes_are_read_as_a_json_reader_reads_them() -> None:
    text = '\\u00e9\\n\\t\\b\\f\\r\\\\\\"\\/\\ud83d\\ude00é😀\\u0041'
    assert unescaped(text.encode()).text.decode() == json.loads(f'"{text}"')
    assert unescaped(b"\\ud800\\u0041").text == b"\xed\xa0\x80A"


def test_what_is_wrapped_too_often_is_reported() -> None:
    done = redact(text_result(AWS, "%2541 \\\\n ＡＢ " * 20_000))
    assert [(finding.detector, finding.placeholder) for finding in done.findings] == [
        ("unfinished", ""),
        ("secrets", MASK),
    ]


_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[^u])", re.DOTALL)
_LONG = ["plain words here ", "a\\nb", "\\u0041", "\\\\", "x" * 5000, "even " * 900]
_SPELT = ["%41" + AWS[1:], AWS[:6] + "\u200b" + AWS[6:], "\\u0041" + AWS[1:], "%5Cu0041" + AWS[1:]]


@given(st.text('\\nu"a04dD8C\n/x ', max_size=30))
def test_escapes_are_read_from_left_to_right(text: str) -> None:
    way, done, at = unescaped(text.encode()), b"", 0
    while at < len(text):
        match = _PAIR.match(text, at) or _ESCAPE.match(text, at)
        if match is None:
            done, at = done + text[at].encode(), at + 1
            continue
        if match[0][1] == "u":
            done += json.loads(f'"{match[0]}"').encode("utf-8", "surrogatepass")
        else:
            done += {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}.get(match[0][1], match[0][1]).encode()
        at = match.end()
    assert way.text == done


@settings(max_examples=60)
@given(st.lists(st.sampled_from(_LONG), max_size=12))
def test_each_byte_of_a_long_reading_leads_back_to_where_it_came_from(parts: list[str]) -> None:
    text = "".join(parts).encode()
    way = unescaped(text)
    at = 0
    for pos in range(0, len(way.text), 7):
        start, end = way.origin(pos, pos + 1)
        assert start >= at
        assert unescaped(text[start:end]).text == way.text[pos : pos + 1]
        at = start
    assert not way.text or way.origin(0, len(way.text)) == (0, len(text))


@given(st.lists(st.sampled_from(["words ", "w" * 3000, "even " * 3000, "\\n", "line\n"]), max_size=12))
def test_only_what_is_near_another_spelling_is_read_again(parts: list[str]) -> None:
    text = "".join(parts).encode()
    found = pieces(text, Expression(ESCAPED))
    assert found == sorted(found)
    assert all(one[1] < two[0] for one, two in pairwise(found))
    for match in re.finditer(rb"\\n", text):
        [(start, end)] = [each for each in found if each[0] <= match.start() and match.end() <= each[1]]
        assert start == 0 or (text[start - 1 : start] in b" \n" and match.start() - start >= 4096)
        assert end == len(text) or (text[end : end + 1] in b" \n" and end - match.end() >= 4090)


@pytest.mark.parametrize("filler", ["word ", "x", "tab\\n ", "é ", "\u3042\u3001"])
@pytest.mark.parametrize("size", [100, 8190, 40_000])
@pytest.mark.parametrize("spelt", _SPELT)
def test_one_odd_place_in_a_long_text_is_masked_and_nothing_else(spelt: str, size: int, filler: str) -> None:
    before, after = filler * (size // 3), filler * (size // len(filler))
    text = masked(text_result(f"{before} {spelt} {after}"))["result"]["content"][0]["text"]
    assert text == f"{before} {MASK} {after}"


def test_a_long_text_of_three_spellings_is_read_to_the_end() -> None:
    message = text_result("a\\nb %41 \uff21 plain words all around it " * 20_000)
    assert redact(message).findings == ()
