"""How the members of one object are checked against what the protocol says of them, and how keys fold together.

Which members there are stands in `gate_members`.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from interpose.core.wire.gate_objection import Objection

Rule = Literal["", "plain", "token"]

SAFE_INTEGER = 2**53 - 1  # the largest that a reader with IEEE doubles tells from its neighbours
_UNKNOWN: frozenset[type] = frozenset()
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What is drawn as nothing: controls, zero-width and format characters, fillers, variation selectors, tags.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_TURKISH = {0x130: "i", 0x131: "i"}  # Java's comparison without case takes both for i


class Member(NamedTuple):
    """What the protocol says of a member. `types` None: anything. `level` is what is in it, `each` in its entries."""

    types: frozenset[type] | None = None
    said: str = ""
    rule: Rule = ""
    level: "Level | None" = None
    each: "Level | None" = None


class Level:
    """The members of one object. `enter` adds members later, as levels contain one another."""

    __slots__ = ("_deep", "_spelt", "_types", "members", "title")

    def __init__(self, title: str, members: Mapping[str, Member]) -> None:
        self.title = title
        self.members: dict[str, Member] = {}
        self._types: dict[str, frozenset[type] | None] = {}
        self._deep: dict[str, Member] = {}
        self._spelt: dict[str, str] = {}
        self.enter(members)

    def enter(self, members: Mapping[str, Member]) -> None:
        self.members |= members
        self._types |= {name: member.types for name, member in members.items()}
        self._deep |= {name: member for name, member in members.items() if member.rule or member.level or member.each}
        self._spelt |= {_spelling(name): name for name in members}

    def check(self, value: dict[str, Any]) -> Objection | None:
        """Why the object could be read in two ways, or None."""
        all_types, deep = self._types, self._deep
        for key, item in value.items():
            types = all_types.get(key, _UNKNOWN)
            if types is not None and type(item) not in types:
                if (found := self._misfit(key, known=types is not _UNKNOWN)) is not None:
                    return found
            elif (  # an empty value has nothing inside, and printable text breaks no rule
                item
                and key in deep
                and (type(item) is not str or not item.isprintable())
                and (found := self._check_inside(key, item)) is not None
            ):
                return found
        return None

    def _misfit(self, key: str, *, known: bool) -> Objection | None:
        if known:
            return Objection("envelope", f"`{key}` in {self.title} must be {self.members[key].said}")
        name = self._spelt.get(_spelling(key))
        if name is None:
            return None
        return Objection("key", f"a key in {self.title} can be read as `{name}` and is spelt differently")

    def _check_inside(self, key: str, item: Any) -> Objection | None:
        _, _, rule, level, each = self._deep[key]
        if rule:
            reason = _breach(item, rule)
            return Objection("envelope", f"`{key}` in {self.title} {reason}") if reason is not None else None
        if level is not None and type(item) is dict and (found := level.check(item)) is not None:
            return found
        return _check_each(item, each) if each is not None else None


def fold(key: str) -> str:
    """The key as the most lenient reader compares it: without case, width, unseen characters and outer blanks."""
    if key.isascii():
        plain = key if key.isprintable() else _UNSEEN.sub("", key)
        return plain.lower().strip()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key.translate(_TURKISH)).casefold())
    return _UNSEEN.sub("", folded).strip()


def is_token(value: object) -> bool:
    """Whether every reader gives this id or token back as it was."""
    return type(value) is str or (type(value) is int and -SAFE_INTEGER <= value <= SAFE_INTEGER)


def has_controls(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None


def _spelling(key: str) -> str:
    # The Python SDK takes members by their Python names too: `structured_content`, `request_state`, `meta`.
    return fold(key).replace("_", "").replace("-", "")


def _breach(item: object, rule: Rule) -> str | None:
    if rule == "plain":
        return "holds control characters" if has_controls(str(item)) else None
    return None if is_token(item) else "is an integer that readers round"


def _check_each(items: dict[str, Any] | list[Any], level: Level) -> Objection | None:
    for entry in items.values() if type(items) is dict else items:
        if type(entry) is dict and (found := level.check(entry)) is not None:
            return found
    return None
