"""Numbers as people read them, and strangers' text that can do no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.formats import body, words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("two\nlines\tand\rmore", r"two\nlines\tand\rmore"),
        ("\x9b2J", r"\x9b2J"),
        ("gpj.\u202egnp", r"gpj.\u202egnp"),
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half \ud800", r"half \ud800"),
        ("Größe 東京 👩\u200d🚀", "Größe 東京 👩\u200d🚀"),
    ],
)
def test_what_could_move_turn_or_hide_is_written_out(text: str, shown: str) -> None:
    assert words.safe(text) == shown


@given(st.text())
def test_json_made_harmless_still_says_the_same(text: str) -> None:
    shown = words.safe_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert words.safe(shown) == shown


@given(st.text(), st.integers(0, 30))
def test_a_cut_text_fits(text: str, room: int) -> None:
    shown = words.safe(text)
    assert words.cells(words.cut(shown, room)) <= room
    assert words.cells(words.squeezed(shown, room)) <= max(room, 0)


def test_a_squeezed_name_keeps_both_ends() -> None:
    assert words.squeezed("demo://resource/static/features.md", 20) == "demo://resour…res.md"


def test_wide_and_combining_characters_count_as_the_terminal_counts_them() -> None:
    assert [words.cells(text) for text in ("abc", "東京", "e\u0301", "→…")] == [3, 4, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0004, "0.4 ms"), (0.012, "12 ms"), (0.9999, "1.0 s"), (3.04, "3.0 s"), (125, "2:05 min"), (3725, "1:02:05 h")],
)
def test_a_duration_is_told_in_its_own_unit(seconds: float, shown: str) -> None:
    assert words.took(seconds) == shown


def test_chosen_lengths_of_time_are_round() -> None:
    assert [words.span(each) for each in (0.05, 5, 90, 900, 7200)] == ["50 ms", "5 s", "90 s", "15 min", "2 h"]


def test_sizes_ages_times_and_lists() -> None:
    assert [words.size(each) for each in (1, 12, 2048, 64 << 20)] == ["1 byte", "12 bytes", "2.0 KB", "64 MB"]
    assert [words.age(each) for each in (-1, 21, 3723, 260_000)] == ["0:00", "0:21", "1:02:03", "3 days"]
    assert words.time_of_day(86399.9996) == "00:00:00.000"
    assert words.listed(["a", "b", "c"], "or") == "a, b or c"
    assert words.short_id("0123456789abcdef") == "01234567…"


def test_a_body_keeps_digits_and_spelling_and_empty_things_stay_together() -> None:
    raw = b'{"n":1.10,"t":"\\u00e9 {,}","l":[],"o":{"a":[1,{"b":null}]}}'
    assert "\n".join(body.lines(raw)) == (
        '{\n  "n": 1.10,\n  "t": "\\u00e9 {,}",\n  "l": [],\n'
        '  "o": {\n    "a": [\n      1,\n      {\n        "b": null\n      }\n    ]\n  }\n}'
    )


def test_a_body_that_is_no_json_is_shown_harmlessly() -> None:
    assert list(body.lines(b"plain \x1b[2J \xff")) == [r"plain \x1b[2J \xff"]


def test_a_large_body_is_cut_and_says_so() -> None:
    *_, last = body.lines(b'"' + b"x" * (body.MOST * 3) + b'"')
    assert last == "… 2.0 MB more of 3.0 MB"


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))
)
def test_a_body_reads_back_as_the_same_json(value: object) -> None:
    raw = json.dumps({"v": value}).encode()
    assert json.loads("\n".join(body.lines(raw))) == {"v": value}
