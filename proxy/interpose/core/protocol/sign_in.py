"""A server that wants its clients to sign in by OAuth: how it says so (RFC 9728 §5.1), and what to tell people."""

import re
from collections.abc import Iterable

_METADATA = re.compile(r"(?:^|[\s,])resource_metadata\s*=", re.IGNORECASE)
ADVICE = (
    "clients that sign in by OAuth break off behind a reverse proxy, since its address is not the one that the server "
    "names; put `interpose intercept` in front of the client instead"
)


def wants_sign_in(status: int, challenges: Iterable[str]) -> bool:
    """Whether an answer asks for that. `challenges` are the values of its `WWW-Authenticate`."""
    return status == 401 and any(map(_METADATA.search, challenges))
