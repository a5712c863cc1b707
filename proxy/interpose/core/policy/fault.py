"""What a rule raises when it cannot tell whether it matches, and how doubtful and certain answers add up."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class RuleFault(Exception):
    """A rule met something it cannot judge: a wrong type, a doubtful path, too many values. The text says what.

    INVARIANT: who hears it counts the rule as matched, unless the rule permits something (`Rule.permits`).
    """


def decide(values: Sequence[T], test: Callable[[T], bool], every: bool) -> bool:
    """Whether one of the values passes, or all of them and at least one. A doubt yields to a value that decides.

    Raises: RuleFault where the doubtful values decide.
    """
    doubt: RuleFault | None = None
    for value in values:
        try:
            if test(value) is not every:
                return not every
        except RuleFault as fault:
            doubt = doubt or fault
    if doubt is not None:
        raise doubt
    return every and bool(values)
