"""URIs as a server that tidies them would read them, so that a rule about a resource meets its other spellings too."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from interpose.core.policy.fault import RuleFault, decide
from interpose.core.policy.glob import Matcher, matcher

_ROUNDS = 3  # an escape of an escape of an escape
_DOUBTFUL = re.compile(r"%[0-9A-Fa-f]{2}|[\x00-\x1f\x7f\ufffd]")


def spellings(uri: str) -> tuple[str, ...]:
    """As written; tidied: escapes undone, `.`, `..` and empty steps taken, the scheme and host in lower case; and bare.

    Bare is a URI without its fragment; of a file, without host and query too: many servers look at its path alone.
    """
    tidied = _tidied(uri)
    return tuple(dict.fromkeys((uri, tidied, _bare(tidied))))


def matcher_of_uris(globs: Sequence[str]) -> Matcher:
    """Whether a spelling is one of these, tidied or not."""
    return matcher([each for glob in globs for each in dict.fromkeys((glob, _tidied(glob)))])


def uri_matcher(globs: Sequence[str], every: bool) -> Matcher:
    """Whether one spelling of a URI is one of these, or every one is.

    Raises (when called): RuleFault where what stays doubtful decides: deeper escapes, control characters, no UTF-8.
    """
    is_one = matcher_of_uris(globs)

    def is_certainly_one(spelling: str) -> bool:
        found = is_one(spelling)
        if found is every and _DOUBTFUL.search(_tidied(spelling)):
            raise RuleFault("the URI of a resource hides characters behind `%`, or has control characters")
        return found

    return lambda uri: decide(spellings(uri), is_certainly_one, every)


def _tidied(uri: str) -> str:
    for _ in range(_ROUNDS):
        uri = unquote(uri)
    scheme, mark, rest = uri.replace("\\", "/").partition(":")
    if not mark:
        return uri
    scheme = scheme.strip().lower()
    if not rest.startswith("//"):
        if not rest.startswith("/"):
            return f"{scheme}:{rest}"
        return f"{scheme}:{'//' if scheme == 'file' else ''}{_steps(rest)}"  # RFC 8089: a file may come without `//`
    host, _, path = rest[2:].partition("/")
    host = host.lower()
    return f"{scheme}://{'' if (scheme, host) == ('file', 'localhost') else host}{_steps(path)}"


def _bare(tidied: str) -> str:
    tidied = tidied.partition("#")[0]
    if not tidied.startswith("file://"):
        return tidied
    _, slash, path = tidied.removeprefix("file://").partition("?")[0].partition("/")
    return f"file://{slash}{path}"


def _steps(path: str) -> str:
    taken: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del taken[-1:]
        elif step not in ("", "."):
            taken.append(step)
    return "/" + "/".join(taken)
