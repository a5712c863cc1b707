"""Policy files from disk, with the lock files that their pins name."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from interpose.app.texts import TextFault, read_text
from interpose.core.policy.actions.lock import LockError, read_lock
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import PolicyError, Problem, read_policy
from interpose.core.policy.rule import AnyRule, Pin, Policy
from interpose.core.policy.shorthand import shorthand
from interpose.core.recording.entry import Header

_MOST = 1 << 24


def read(path: str) -> Policy:
    """The policy in a file. Raises: PolicyError for its contents, UsageError for a file that cannot be read."""
    try:
        text = read_text(path, _MOST, "no policy is")
    except TextFault as fault:
        raise PolicyError(path, fault.line, None, fault.problem, fault.column) from None
    return locked(read_policy(text, path))


def locked(policy: Policy) -> Policy:
    """The policy with its lock files as they are now: their paths absolute, beside the policy's own file.

    Raises: PolicyError for a lock that cannot be used.
    """
    rules: list[AnyRule] = []
    locks: dict[str, bytes] = {}
    holders: dict[str, str] = {}
    for rule in policy.rules:
        if isinstance(rule, Pin) and rule.file is not None:
            path = Path(os.path.abspath(Path(policy.path).parent / rule.file))
            rule = rule.model_copy(update={"file": str(path)})
            holder = holders.setdefault(str(path), rule.name)
            if holder != rule.name:
                raise PolicyError(policy.path, None, f"`{rule.name}`", f"`file` is that of the rule `{holder}`")
            if (content := _lock(policy, rule, path)) is not None:
                locks[str(path)] = content
        rules.append(rule)
    return msgspec.structs.replace(policy, rules=tuple(rules), locks=locks) if holders else policy


def missing_locks(policy: Policy) -> Iterator[tuple[str, str]]:
    """Rules and the lock files that they name and that are not there."""
    for rule in policy.rules:
        if isinstance(rule, Pin) and rule.file is not None and rule.file not in policy.locks:
            yield rule.name, rule.file


def _lock(policy: Policy, rule: Pin, path: Path) -> bytes | None:
    """What stands in a lock file; None where there is none, and it can be written."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST + 1)
    except FileNotFoundError:
        if path.parent.is_dir():
            return None
        raise PolicyError(policy.path, None, f"`{rule.name}`", f"`file` is in no folder: {path.parent}") from None
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); the rule `{rule.name}` of {policy.path} names it"
        raise PolicyError(str(path), None, None, problem) from None
    try:
        if len(content) > _MOST:
            raise LockError(None, f"longer than {_MOST >> 20} MB")
        read_lock(content)
    except LockError as error:
        problem = f"{error.problem}; mend the lock file, or delete it to have it written anew"
        raise PolicyError(str(path), error.line, None, problem) from None
    return content


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


def from_rules(texts: Sequence[str]) -> tuple[Policy, ...]:
    """Short forms of the command line as one policy; none when there are none. Raises: PolicyError."""
    if not texts:
        return ()
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return (Policy("command line", tuple(map(shorthand, texts)), digest),)


def engine(policies: Iterable[Policy], header: Header) -> Engine:
    """The policies at work on the session that a recording holds."""
    return Engine(policies, str(header.server.get("name", "")))
