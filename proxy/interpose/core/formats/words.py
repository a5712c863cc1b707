"""Words and numbers as people read them, and text of strangers made safe to show. Not layout."""

import re
import unicodedata

# Controls, bidi controls, line separators, lone surrogates and what is invisible or hides a message in plain sight.
# The joiners U+200C and U+200D stay: scripts and emoji need them, and they move nothing.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e0fff]"
)
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))
_ID_ROOM = 12
ELLIPSIS = "…"
_UNUSUAL = re.compile("[^\x00-\x7f…→←⇒×·─]")


def safe(text: str) -> str:
    """The text with whatever could move the cursor, turn the reading direction or hide written out as an escape."""
    return _UNSAFE.sub(_escaped, text) if not text.isascii() or not text.isprintable() else text


def safe_json(text: str) -> str:
    """JSON with the same characters as `\\u` escapes: they can only stand inside its strings."""
    return _UNSAFE.sub(_json_escaped, text)


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else len(text) + sum(map(_extra, _UNUSUAL.findall(text)))


def cut(text: str, room: int) -> str:
    """The text in at most `room` columns, with an ellipsis where something is missing."""
    if len(text) <= room and cells(text) <= room:
        return text
    if room <= 0:
        return ""
    kept = text[: room - 1]
    while cells(kept) >= room:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def squeezed(text: str, room: int) -> str:
    """The text in at most `room` columns, without its middle: names differ at their ends."""
    if cells(text) <= room:
        return text
    tail = text[-(room // 3) :]
    return cut(text, room - cells(tail)) + tail if cells(tail) < room else cut(text, room)


def padded(text: str, room: int) -> str:
    return text + " " * (room - cells(text))


def took(seconds: float) -> str:
    """A duration: `0.4 ms`, `12 ms`, `3.0 s`, `2:05 min`."""
    if seconds < 0.00095:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{age(seconds)} min" if seconds < 3600 else f"{age(seconds)} h"


def span(seconds: float) -> str:
    """A length of time that somebody chose: `50 ms`, `5 s`, `15 min`."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:.0f} {name}"
    return took(seconds)


def age(seconds: float) -> str:
    """How long ago, as a clock counts: `0:21`, `1:02:03`, `3 days`."""
    whole = int(max(0.0, seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_of_day(seconds: float) -> str:
    """A time given in seconds since midnight."""
    whole, milli = divmod(round(seconds % 86400 * 1000) % 86_400_000, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{milli:03}"


def size(number: int) -> str:
    """How many bytes, roughly."""
    for unit, name in _UNITS:
        if number >= unit:
            amount = number / unit
            return f"{amount:.1f} {name}" if amount < 10 else f"{amount:.0f} {name}"
    return plural(number, "byte")


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short_id(ident: str) -> str:
    """An id in few characters: enough to tell it from the others of a session."""
    return ident if len(ident) <= _ID_ROOM else ident[:8] + ELLIPSIS


def listed(words: list[str], last: str = "and") -> str:
    return f" {last} ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _json_escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _extra(character: str) -> int:
    """How many columns more than one a character takes."""
    if unicodedata.combining(character) or character in "\u200c\u200d\ufe0f":
        return -1
    return 1 if unicodedata.east_asian_width(character) in "WF" else 0
