"""Policy files from disk."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from interpose.core.errors import UsageError
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import PolicyError, Problem, read_policy
from interpose.core.policy.rule import Fault, Pin, Policy
from interpose.core.policy.shorthand import shorthand
from interpose.core.recording.entry import Header

_MOST = 1 << 24


def read(path: str) -> Policy:
    """The policy in a file. Raises: PolicyError for its contents, UsageError for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if len(raw) > _MOST:
        raise PolicyError(path, None, None, f"longer than {_MOST >> 20} MB: no policy is")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PolicyError(path, line, None, "no UTF-8; save the file as UTF-8") from None
    return read_policy(text, path)


def read_all(paths: Iterable[str]) -> tuple[Policy, ...]:
    """The policies in files, which are in force together. Raises: PolicyError with all that is wrong in all of them."""
    found: dict[Path, Policy] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            found.setdefault(Path(path).resolve(), read(path))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError.of(problems)
    return tuple(found.values())


def enforceable(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """The same policies. Raises: UsageError for a rule that nothing carries out yet, rather than let it do nothing."""
    for policy in policies:
        for rule in policy.rules:
            match rule:
                case Fault(fault="delay" | "slow" | "disconnect"):
                    what = f"the fault `{rule.fault}`"
                case Pin(file=str()):
                    what = "`file` of a pin"
                case _:
                    continue
            raise UsageError(f"policy {policy.name}, rule `{rule.name}`: {what} is not carried out yet; take it out")
    return policies


def from_rules(texts: Sequence[str]) -> tuple[Policy, ...]:
    """Short forms of the command line as one policy; none when there are none. Raises: PolicyError."""
    if not texts:
        return ()
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return (Policy("command line", tuple(map(shorthand, texts)), digest),)


def engine(policies: Iterable[Policy], header: Header) -> Engine:
    """The policies at work on the session that a recording holds."""
    return Engine(policies, str(header.server.get("name", "")))
