"""Whether a recording is as it was written: its chain, its numbers and its last line. Reads no message."""

from collections.abc import Iterable

import msgspec

from interpose.core.recording.codec import chain_of, decode_entry, decode_header


class Verified(msgspec.Struct, frozen=True):
    """What was found. `problem` names the first line that is not right; None when all are."""

    lines: int
    problem: str | None = None


def verified(lines: Iterable[bytes]) -> Verified:
    """Check the lines of a recording, in order, up to the first that is wrong."""
    chain, number, kind = "", 0, ""
    for number, line in enumerate(lines, 1):
        problem = _broken(number, line)
        expected, chain = chain_of(chain, line)
        if problem is None and chain != expected:
            problem = "changed after it was recorded, or the line before it is gone"
        if problem is None and kind == "end":
            problem = "comes after the last line"
        if problem is not None:
            return Verified(number, f"line {number}: {problem}")
        kind = "header" if number == 1 else decode_entry(line).kind
    if not number:
        return Verified(0, "the file is empty")
    if kind != "end":
        return Verified(number, f"line {number} is no last line: the end is cut off, or the session still runs")
    return Verified(number)


def _broken(number: int, line: bytes) -> str | None:
    if not line.endswith(b"\n"):
        return "cut off"
    try:
        entry = decode_entry(line) if number > 1 else decode_header(line)
    except ValueError as error:
        return str(error)
    seq = getattr(entry, "seq", number - 1)
    return None if seq == number - 1 else f"has the number {seq}, and should have {number - 1}: entries are missing"
