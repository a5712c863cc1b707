"""Headers that a command line asks for, as they stand there or from the environment, where nobody else sees them."""

import os

from interpose.core.errors import UsageError


def stated(text: str) -> tuple[str, str]:
    """`NAME: VALUE` taken apart. Raises UsageError."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isprintable():
        raise UsageError("--header: want 'NAME: VALUE'")
    return name.strip(), value.strip()


def from_environment(text: str, option: str = "--header-env") -> tuple[str, str]:
    """`NAME=VAR`: the name, and the value that the variable has. Raises UsageError, which does not tell the value."""
    name, _, variable = text.rpartition("=")
    if not name.strip() or not variable or not text.isprintable():
        raise UsageError(f"{option}: want NAME=VAR")
    value = os.environ.get(variable)
    if value is None:
        raise UsageError(f"{option} {text}: the environment has no {variable}")
    if not value.isprintable():
        raise UsageError(f"{option} {text}: what {variable} holds fits in no header")
    return name.strip(), value.strip()
