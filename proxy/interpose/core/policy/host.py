"""The host of a URL, read so that no two parsers could disagree on it. Nothing is looked up."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from interpose.core.policy.fault import RuleFault

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_URL = re.compile(
    rf"(?:https?|wss?)://(?P<host>{_NAME}\.?|\[[0-9a-f:.]+\])(?::[0-9]{{0,5}})?(?:[/?#][!-\[\]-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_HOST = re.compile(rf"(?:\*\.)?{_NAME}|\[[0-9a-f:.]+\]", re.ASCII)
# A last label of digits makes an IPv4 address of the whole, in decimal, octal or hexadecimal (WHATWG URL §3.5).
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII)


def host_of(url: Any) -> str:
    """The host in lower case.

    Raises: RuleFault for what is no plain http URL: `user@`, a backslash, another scheme, blanks, other alphabets.
    """
    if not isinstance(url, str):
        raise RuleFault("a URL is no text")
    match = _URL.fullmatch(url)
    if match is None:
        raise RuleFault("a URL is not plain enough to tell its host")
    host = match["host"].lower().removesuffix(".")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and not _IPV4.fullmatch(host):
        raise RuleFault("a URL has a number for a host")
    return host


def hosts(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a host is one of these; `*.example.com` is what lies below, not `example.com` itself."""
    exact = frozenset(name for name in names if not name.startswith("*."))
    below = tuple(name[1:] for name in names if name.startswith("*."))
    return lambda host: host in exact or host.endswith(below)


def check_host(name: str) -> str:
    """A host as a rule may name it. Raises: ValueError."""
    lower = name.lower()
    if not _HOST.fullmatch(lower):
        raise ValueError(f"`{name}` is no host; write it like `example.com` or `*.example.com`, without scheme or path")
    return lower
