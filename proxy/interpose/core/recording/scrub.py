"""What never reaches a recording: credentials in headers, addresses and command lines; session ids get pseudonyms.

Bodies of messages are not touched here: a policy rule says what to redact in them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

SCRUBBED = "[scrubbed]"

_SECRET_HEADERS = frozenset(
    (
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-access-token",
        "x-amz-security-token",
        "x-goog-api-key",
        "x-csrf-token",
    )
)
_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:token|secret|password|passwd|pwd|passphrase|api[-_]?key|apikey|access[-_]?key|private[-_]?key|auth|"
    r"authorization|credentials?|bearer|code|code[-_]verifier|assertion|sig|signature|jwt|key)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SESSION_NAME = re.compile(r"^(?:mcp[-_]?)?session[-_]?id$", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"^(?P<name>[A-Za-z][A-Za-z0-9-]*):\s*.+$")


class Scrubber:
    """Scrubs one session. The same session id gets the same pseudonym everywhere in a recording."""

    def __init__(self) -> None:
        self._sessions: dict[str, str] = {}

    def header(self, header: tuple[str, str]) -> tuple[str, str]:
        """A header: its name as it is, a secret value replaced."""
        name, value = header
        return name, self._header(name, value)

    def address(self, address: str) -> str:
        """A URL or request target: user info and secret query values replaced, the rest to the letter."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return SCRUBBED
        netloc = f"{SCRUBBED}@{parts.netloc.rpartition('@')[2]}" if "@" in parts.netloc else parts.netloc
        if netloc == parts.netloc and not parts.query:
            return address
        return urlunsplit((parts.scheme, netloc, parts.path, self._query(parts.query), parts.fragment))

    def command(self, command: Sequence[str]) -> list[str]:
        """A command line: `--token X`, `--token=X`, `NAME_TOKEN=X`, `Header: X` and user info in addresses."""
        scrubbed: list[str] = []
        secret_follows = False
        for word in command:
            scrubbed.append(SCRUBBED if secret_follows else self._word(word))
            secret_follows = not secret_follows and word.startswith("-") and "=" not in word and is_secret(word)
        return scrubbed

    def session(self, ident: str) -> str:
        """The pseudonym of a session id."""
        return self._sessions.setdefault(ident, f"session-{len(self._sessions) + 1}")

    def _header(self, name: str, value: str) -> str:
        lowered = name.lower()
        if lowered in _SECRET_HEADERS:
            return SCRUBBED
        if lowered == "mcp-session-id":
            return self.session(value)
        if lowered in ("location", "referer", "content-location"):
            return self.address(value)
        return SCRUBBED if is_secret(name) and not lowered.startswith(("mcp-", "sec-")) else value

    def _query(self, query: str) -> str:
        if not query:
            return query
        return "&".join(self._pair(pair) for pair in query.split("&"))

    def _pair(self, pair: str) -> str:
        name = pair.partition("=")[0]
        parsed = parse_qsl(pair, keep_blank_values=True)
        plain_name, value = parsed[0] if parsed else (name, "")
        if _SESSION_NAME.match(plain_name):
            return f"{name}={self.session(value)}"
        return f"{name}={quote(SCRUBBED, safe='[]')}" if is_secret(plain_name) else pair

    def _word(self, word: str) -> str:
        name, equals, _ = word.partition("=")
        if equals and is_secret(name):
            return f"{name}={SCRUBBED}"
        header = _HEADER_VALUE.match(word)
        if header and (header["name"].lower() in _SECRET_HEADERS or is_secret(header["name"])):
            return f"{header['name']}: {SCRUBBED}"
        return self.address(word) if "://" in word else word


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Does a name (of a header, parameter or option) say that its value is a credential."""
    return _SECRET_NAME.search(_CAMEL.sub("-", name)) is not None
