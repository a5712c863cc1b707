"""Which of many rules are worth a look for one message: those that need a member which is not there are not.

Whether a rule that is left matches is not told here: see select.py.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import member
from interpose.core.policy.select import Selector
from interpose.core.policy.subject import Subject

Watched = Sequence[tuple[tuple[str, ...], frozenset[str]]]
"""Names of members, by where they would be."""


class Shortlist:
    """Rules by the member that each of them needs, so that fifty of them cost little more than one."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._all = tuple(selectors)
        self._always: list[int] = []
        self._needing: dict[tuple[str, ...], dict[str, list[int]]] = {}  # by where the member is, and its name
        for number, selector in enumerate(self._all):
            if selector.needs is None:
                self._always.append(number)
            else:
                *holder, name = selector.needs
                self._needing.setdefault(tuple(holder), {}).setdefault(name, []).append(number)
        self._unconditional = tuple(self._all[number] for number in self._always)

    @property
    def watched(self) -> Watched | None:
        """The members of which one must be there before any rule is worth a look; None where one always is."""
        return None if self._always else tuple((path, frozenset(names)) for path, names in self._needing.items())

    def of(self, subject: Subject) -> Sequence[Selector]:
        """The rules to match against this message, in their order; all of them when it cannot be read."""
        if not self._needing:
            return self._unconditional
        try:
            chosen = self._called_for(subject.value)
        except RuleFault:
            return self._all
        if not chosen:
            return self._unconditional
        return [self._all[number] for number in sorted([*self._always, *chosen])]

    def _called_for(self, value: Any) -> list[int]:
        """The rules that need a member which is there. Raises: RuleFault."""
        chosen: list[int] = []
        for path, needing in self._needing.items():
            holder = member(value, path)
            if type(holder) is dict and not needing.keys().isdisjoint(holder):
                chosen += [number for name in needing if name in holder for number in needing[name]]
        return chosen


def calls_for_a_look(watched: Watched, values: Iterable[Any]) -> bool:
    """Whether one of these members stands in any of these params or results."""
    for path, names in watched:
        holders = values
        for name in path:
            holders = [holder.get(name) for holder in holders if type(holder) is dict]
        for holder in holders:
            if type(holder) is dict and not names.isdisjoint(holder):
                return True
    return False
