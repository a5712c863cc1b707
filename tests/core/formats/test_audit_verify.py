"""Whether a recording is as it was written: every way to change one is found, with the first line that shows it."""

import pytest
from tests.core.formats.tape import Tape

from interpose.core.formats.audit_verify import verified


def lines() -> list[bytes]:
    return Tape().opens().client(id=1, method="tools/list").server(id=1, result={}).ends().lines


def problem(changed: list[bytes]) -> str:
    return verified(changed).problem or ""


def test_a_whole_recording_is_whole() -> None:
    assert (verified(lines()).lines, verified(lines()).problem) == (7, None)


@pytest.mark.parametrize("number", range(7))
def test_a_changed_line_is_named(number: int) -> None:
    changed = lines()
    changed[number] = changed[number].replace(b"00", b"01", 1).replace(b"s1", b"s2", 1)
    assert problem(changed) == f"line {number + 1}: changed after it was recorded, or the line before it is gone"


def test_missing_moved_and_added_lines_are_found() -> None:
    whole = lines()
    assert problem(whole[:3] + whole[4:]).startswith("line 4: has the number 4, and should have 3")
    assert problem([*whole[:3], whole[4], whole[3], *whole[5:]]).startswith("line 4: has the number 4")
    assert problem([*whole, whole[-1].replace(b'"seq":6', b'"seq":7')]).startswith("line 8: changed")
    assert problem(whole[:-1]).startswith("line 6 is no last line: the end is cut off")
    assert problem([*whole[:-1], whole[-1][:20]]) == "line 7: cut off"
    assert problem([*whole[:3], b"{nonsense}\n", *whole[4:]]).startswith("line 4: not an entry")
    assert problem([b"{}\n"]).startswith("line 1: not a recording")
    assert problem([]) == "the file is empty"


def test_what_comes_after_the_last_line_is_found() -> None:
    again = Tape().opens().ends()
    again.client(id=9, method="ping")
    assert problem(again.lines) == "line 6: comes after the last line"
