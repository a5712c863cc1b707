"""Values of a configuration file and where they stand in its text. Offsets count characters."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A value: `members` of a table, `items` of an array, else `value`. `is_block`: a TOML table made of lines."""

    start: int
    end: int
    value: object = None
    members: "tuple[Member, ...] | None" = None
    items: "tuple[Node, ...] | None" = None
    is_block: bool = False

    def member(self, name: str) -> "Member | None":
        """The member of this name; of several, the last, which is the one that counts in JSON."""
        return next((each for each in reversed(self.members or ()) if each.name == name), None)

    def text(self, name: str) -> str | None:
        """The string that a member holds; None where it holds none."""
        found = self.member(name)
        return found.node.value if found is not None and isinstance(found.node.value, str) else None

    def plain(self) -> object:
        """The value without its places."""
        if self.members is not None:
            return {each.name: each.node.plain() for each in self.members}
        if self.items is not None:
            return [each.plain() for each in self.items]
        return self.value

    def tables(self) -> Iterator["Node"]:
        """This value and those in it, if they are tables."""
        if self.members is not None:
            yield self
        for node in (*(each.node for each in self.members or ()), *(self.items or ())):
            yield from node.tables()


@dataclass(frozen=True, slots=True)
class Member:
    """A named value. The key is `[start, key_end)`; of a dotted TOML key, `lead` stands before its last part."""

    name: str
    start: int
    key_end: int
    node: Node
    lead: str = ""
