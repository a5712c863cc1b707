"""Every detector finds what it is for, all of it and nothing around it, and leaves what only looks like it."""

from pathlib import Path

import pytest
from tests.core.policy.redact.planted import AWS, EVERYTHING, PEOPLE, SECRETS, masked, placeholders, redact, text_result

from interpose.core.policy.redact.detectors import DETECTORS, PatternError
from interpose.core.policy.redact.redactor import Options, Redactor

PRECISION = Path(__file__).with_name("precision.txt").read_text(encoding="utf-8").split("\n")


@pytest.mark.parametrize(("label", "text", "secret"), SECRETS, ids=[f"{n}-{s[0]}" for n, s in enumerate(SECRETS)])
def test_a_secret_is_masked_and_nothing_else(label: str, text: str, secret: str) -> None:
    for before, after in (("", ""), ("see ", " there"), ("(", ")\n")):
        got, findings = EVERYTHING.redact_text(before + text + after, placeholders())
        assert got == (before + text + after).replace(secret, f"[secret:{label}-1]")
        assert [finding.detector for finding in findings] == ["secrets"]
        assert masked(text_result(before + text + after)) == text_result(got)


@pytest.mark.parametrize(("label", "text", "value"), PEOPLE, ids=[f"{n}-{p[0]}" for n, p in enumerate(PEOPLE)])
def test_what_points_to_somebody_is_masked_by_its_own_detector_alone(label: str, text: str, value: str) -> None:
    for redactor in (EVERYTHING, Redactor(Options(detectors=(label,)))):
        got, findings = redactor.redact_text(text, placeholders())
        assert got == text.replace(value, f"[personal:{label}-1]")
        assert [finding.detector for finding in findings] == [label]
    others = Redactor(Options(detectors=tuple(name for name in DETECTORS if name != label)))
    assert not [finding for finding in others.scan_text(text) if finding.detector == "secrets"]


@pytest.mark.parametrize("name", DETECTORS)
def test_no_detector_takes_ordinary_text_for_something_else(name: str) -> None:
    redactor = Redactor(Options(detectors=(name,)))
    assert [(line, found) for line in PRECISION if (found := redactor.scan_text(line))] == []


def test_ordinary_text_goes_through_messages_untouched() -> None:
    assert len(PRECISION) > 600
    for line in PRECISION:
        message = text_result(line, structuredContent={"x": [line], line: 1})
        done = redact(message)
        assert not done.findings, line
    whole = text_result(*PRECISION, structuredContent=PRECISION)
    assert redact(whole).findings == ()


def test_ordinary_members_of_the_protocol_are_no_secrets() -> None:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "sampling/createMessage",
        "params": {
            "maxTokens": 100,
            "_meta": {"progressToken": "a1b2c3d4e5f6g7h8i9j0"},
            "arguments": {"maxTokens": "1000a1b2c3d4", "pageToken": "CAUQAA1b2c3d4e5", "tokenType": "bearer2bearer3"},
        },
    }
    assert redact(message).findings == ()


def test_a_pattern_of_the_user_sees_each_string_by_itself() -> None:
    redactor = Redactor(
        Options(
            detectors=(),
            patterns={
                "ticket": r"\bTICKET-\d+\b",
                "whole": "^nur das$",
                "wide": "von.*bis",
                "part": r"user=(?P<mask>\w+)",
                "letter": "[äöü]+x",
            },
        )
    )
    got = masked(
        text_result("a TICKET-12, TICKET-13 TICKET-12", "nur das", "nur das?", "von", "bis", "user=bob grüße äöüx"),
        redactor,
    )
    assert [block["text"] for block in got["result"]["content"]] == [
        "a [custom:ticket-1], [custom:ticket-2] [custom:ticket-1]",
        "[custom:whole-1]",
        "nur das?",
        "von",
        "bis",
        "user=[custom:part-1] grüße [custom:letter-1]",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(detectors=("secret",)), "detector `secret`: there is none of this name; known are secrets, email"),
        (Options(patterns={"x": "(?<!a)b"}), "pattern `x`: RE2 refuses `(?<!a)b`: invalid perl operator: (?<!"),
        (Options(patterns={"x": r"(a)\1"}), r"invalid escape sequence: \1; look-around, back-references"),
        (Options(patterns={"x": "a{1001}"}), "invalid repetition size: {1001}"),
        (Options(patterns={"x": "a*"}), "`a*` matches the empty text"),
        (Options(patterns={"x": "a" * 2001}), "longer than 2000"),
        (Options(patterns={"x": "\ud800"}), "RE2 refuses"),
        (Options(patterns={"Bad name": "a"}), "a name is made of a-z"),
        (Options(paths=("result.x",)), "path `result.x`: write it like"),
        (Options(paths=("$.a.",)), "`.` was not understood"),
        (Options(paths=("$",)), "write it like"),
        (Options(keys=("-",)), "key `-`: a name of a member is needed"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(options: Options, said: str) -> None:
    with pytest.raises(PatternError) as refusal:
        Redactor(options)
    assert said in str(refusal.value)


def test_an_evil_pattern_of_a_user_takes_no_time() -> None:
    redactor = Redactor(Options(detectors=(), patterns={"evil": "(a+)+$"}))
    assert redact(text_result("a" * 100_000 + "!"), redactor).findings == ()


def test_scanning_names_what_redacting_would_mask() -> None:
    text = f"{AWS} bob@example.org \ud800"
    assert [finding.placeholder for finding in EVERYTHING.scan_text(text)] == ["[secret:aws-key]", "[personal:email]"]
    assert EVERYTHING.redact_text(text, placeholders())[0] == "[secret:aws-key-1] [personal:email-1] \ud800"
