"""The detectors by name, and the patterns that users add."""

import re
from collections.abc import Iterable, Mapping

from interpose.core.errors import InterposeError
from interpose.core.policy.redact import personal, secrets
from interpose.core.policy.redact.engine import Expression, RefusedError
from interpose.core.policy.redact.names import DETECTOR_NAMES
from interpose.core.policy.redact.pattern import Pattern

_PATTERNS = (secrets.PATTERNS, personal.EMAIL, personal.PHONE, personal.CARD, personal.IBAN, personal.IP)
DETECTORS: Mapping[str, tuple[Pattern, ...]] = dict(zip(DETECTOR_NAMES, _PATTERNS, strict=True))
# What a path or a key chose, whatever it says.
BY_PATH = Pattern("path", "hidden", "field", "", rank=-2)
BY_KEY = Pattern("key", "hidden", "field", "", rank=-2)
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z])?")
_LONGEST = 2000


class PatternError(InterposeError):
    """A detector, pattern, path or key that cannot be used: which, why, and what to write instead."""

    def __init__(self, subject: str, problem: str) -> None:
        self.subject, self.problem = subject, problem
        super().__init__(f"{subject}: {problem}")


def choose(names: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of the named detectors.

    Raises: PatternError for a name that there is not.
    """
    chosen: dict[str, tuple[Pattern, ...]] = {}
    for name in names:
        if name not in DETECTORS:
            raise PatternError(f"detector `{name}`", f"there is none of this name; known are {', '.join(DETECTORS)}")
        chosen[name] = DETECTORS[name]
    return tuple(pattern for patterns in chosen.values() for pattern in patterns)


def custom(patterns: Mapping[str, str]) -> tuple[Pattern, ...]:
    """The patterns of a user, by name. A group named `mask` is what is masked, else the whole match.

    Raises: PatternError for a name or an expression that cannot be used.
    """
    return tuple(_custom(name, expression) for name, expression in patterns.items())


def _custom(name: str, expression: str) -> Pattern:
    subject = f"pattern `{name}`"
    if not _NAME.fullmatch(name):
        raise PatternError(subject, "a name is made of a-z, 0-9 and `-`, begins and ends with a letter, 40 at most")
    if len(expression) > _LONGEST:
        raise PatternError(subject, f"the expression is longer than {_LONGEST} characters")
    try:
        compiled = Expression(expression, utf8=True)
    except (RefusedError, UnicodeEncodeError) as refusal:
        hint = "; look-around, back-references and counts over 1000 do not exist in RE2"
        raise PatternError(subject, f"RE2 refuses `{expression}`: {refusal}{hint}") from None
    if compiled.first(b"") is not None:
        raise PatternError(subject, f"`{expression}` matches the empty text; say what must be there")
    group = compiled.group("mask")
    return Pattern(name, "custom", name, expression, group=group, rank=-1)
