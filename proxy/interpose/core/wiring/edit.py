"""Changes to a text, by place; and how a new value is written so that it looks like what is around it."""

import json
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from interpose.core.wiring.document import Document
from interpose.core.wiring.node import Member, Node

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Edit(NamedTuple):
    """Put `text` in the place of `[start, end)`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with all of these made. They do not overlap."""
    pieces, at = [], 0
    for start, end, new in sorted(edits, key=lambda each: each[:2]):
        pieces += [text[at:start], new]
        at = end
    return "".join((*pieces, text[at:]))


def quoted(value: str) -> str:
    """A string as JSON and TOML both write it."""
    is_whole = not any("\ud800" <= char <= "\udfff" or char == "\x7f" for char in value)
    return json.dumps(value, ensure_ascii=not is_whole).replace("\x7f", "\\u007f")


def listed(tokens: Iterable[str]) -> str:
    return "[" + ", ".join(tokens) + "]"


def prepended(document: Document, array: Node, tokens: list[str]) -> Edit:
    """Put values before those of an array."""
    items = array.items or ()
    if not items:
        return Edit(array.start + 1, array.start + 1, ", ".join(tokens))
    between = separator(document, array)
    return Edit(items[0].start, items[0].start, between.join(tokens) + between)


def separator(document: Document, array: Node) -> str:
    """What stands between two values of an array: a comma, and a new line where the first value has its own."""
    items = array.items or ()
    if not items:
        return ", "
    gap = document.text[array.start + 1 : items[0].start]
    if "\n" in gap and not gap[gap.rindex("\n") :].strip():
        begin = gap.rindex("\n")
        return "," + gap[begin - 1 if gap[:begin].endswith("\r") else begin :]
    is_tight = len(items) > 1 and document.text[items[0].end : items[1].start] == ","
    return "," if is_tight else ", "


def written(document: Document, like: Member, name: str, value: str) -> str:
    """A member as text, spelt like the one it will stand beside."""
    sign = document.text[like.key_end : like.node.start]
    if not document.is_toml:
        return quoted(name) + (sign if sign.strip() == ":" else ": ") + value
    return (
        like.lead + (name if _BARE.fullmatch(name) else quoted(name)) + (sign if sign.strip() == "=" else " = ") + value
    )


def gap_before(document: Document, table: Node, member: Member) -> str:
    """What to put between a member and one that shall follow it."""
    begin = document.text.rfind("\n", 0, member.start) + 1
    indent = document.text[begin : member.start]
    comma = "" if table.is_block else ","
    if begin and not indent.strip():
        return comma + _line_end(document) + indent
    if table.is_block:
        return _line_end(document)
    is_tight = document.text[member.key_end : member.node.start] in (":", "=")
    return "," if is_tight else ", "


def _line_end(document: Document) -> str:
    """How the first line ends, and so the others."""
    first = document.text.find("\n")
    return "\r\n" if first > 0 and document.text[first - 1] == "\r" else "\n"


def inserted(document: Document, table: Node, after: Member, text: str) -> Edit:
    """Put a member after another one; in TOML's lines, after the comment that may follow that."""
    at = after.node.end
    if table.is_block:
        found = document.text.find("\n", at)
        at = len(document.text) if found < 0 else found
        at -= document.text[:at].endswith("\r")
    return Edit(at, at, gap_before(document, table, after) + text)


def removed(document: Document, table: Node, member: Member) -> Edit:
    """Take a member out, with the comma or the line that it leaves."""
    return without(document, table, [member])[0]


def without(document: Document, table: Node, gone: Collection[Member]) -> list[Edit]:
    """Take members out together, as `removed` does one."""
    members = sorted(table.members or (), key=lambda each: each.start)
    found, is_first = [], True
    for place, member in enumerate(members):
        if member not in gone:
            is_first = False
        elif table.is_block:
            found.append(Edit(_line_before(document, member), member.node.end, ""))
        elif not is_first:
            found.append(Edit(members[place - 1].node.end, member.node.end, ""))
        else:
            end = members[place + 1].start if place + 1 < len(members) else member.node.end
            found.append(Edit(member.start, end, ""))
    return found


def _line_before(document: Document, member: Member) -> int:
    """Where the line before a member's ends."""
    begin = document.text.rfind("\n", 0, member.start)
    return max(begin - (begin > 0 and document.text[begin - 1] == "\r"), 0)
