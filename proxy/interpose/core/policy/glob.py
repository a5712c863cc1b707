"""Names with `*` (any characters) and `?` (one): matched whole, in exact case."""

import re
from collections.abc import Callable, Sequence

from interpose.core.policy.fault import RuleFault
from interpose.core.policy.redact.engine import Expression

Matcher = Callable[[str], bool]


def matcher(globs: Sequence[str]) -> Matcher:
    """Whether a name is one of these. Raises (when called): RuleFault for a name that is no text in Unicode."""
    exact = frozenset(glob for glob in globs if not _is_wild(glob))
    ends = tuple(glob[:-1] for glob in globs if _is_wild(glob) and _is_prefix(glob))
    wild = [glob for glob in globs if _is_wild(glob) and not _is_prefix(glob)]
    if not wild:
        return exact.__contains__ if not ends else lambda name: name in exact or name.startswith(ends)
    expression = Expression(f"(?s)^(?:{'|'.join(map(_translate, wild))})$", utf8=True)

    def matches(name: str) -> bool:
        if name in exact or name.startswith(ends):
            return True
        try:
            return expression.first(name.encode()) is not None
        except UnicodeEncodeError:
            raise RuleFault("a name is no valid text") from None

    return matches


def _is_wild(glob: str) -> bool:
    return "*" in glob or "?" in glob


def _is_prefix(glob: str) -> bool:
    return glob.endswith("*") and not _is_wild(glob[:-1])


def _translate(glob: str) -> str:
    return re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")
