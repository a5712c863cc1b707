"""Who may see the page: the browser that came with the address from standard error, and no page of anybody else's.

The address holds a token that works once. It becomes a cookie, which goes only to this server's own hidden path: a
cookie knows no ports, and other programs listen on this machine.
"""

import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs

from multidict import CIMultiDictProxy

_MOST_BROWSERS = 32
_COOKIE = "interpose"
MARK = "X-Interpose"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
Headers = CIMultiDictProxy[str]


class Guard:
    """Knows the browsers that were let in. `place` is the path below which everything is."""

    def __init__(self) -> None:
        self.place = f"/{secrets.token_hex(12)}/"
        self._token = secrets.token_urlsafe(32)
        self._browsers: dict[str, None] = {}

    @property
    def ticket(self) -> str:
        """What comes after the host in an address that lets one browser in."""
        return f"/?token={self._token}"

    def admit(self, query: str) -> str | None:
        """Take a token. The cookie's header for the browser that brought it; None when it is not the one."""
        try:
            [token] = parse_qs(query, strict_parsing=True, max_num_fields=4)["token"]
        except (KeyError, ValueError):
            return None
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            return None
        self._token = secrets.token_urlsafe(32)
        browser = secrets.token_urlsafe(32)
        self._browsers[browser] = None
        if len(self._browsers) > _MOST_BROWSERS:
            del self._browsers[next(iter(self._browsers))]
        return f"{_COOKIE}={browser}; Path={self.place}; HttpOnly; SameSite=Strict"

    def knows(self, headers: Headers) -> bool:
        """Whether a request comes from a browser that was let in."""
        try:
            cookies = SimpleCookie(headers.get("Cookie", "")[:8192])
        except CookieError:
            return False
        shown = cookies[_COOKIE].value.encode() if _COOKIE in cookies else b""
        return any(hmac.compare_digest(shown, browser.encode()) for browser in self._browsers)


def stranger(headers: Headers, port: int) -> str | None:
    """Why a request is not one of our own page's, or of a person who typed the address; None when it may pass."""
    hosts, origins = headers.getall("Host", []), headers.getall("Origin", [])
    if len(hosts) != 1 or not _is_ours(hosts[0], port):
        return "the Host header does not name this page; use the address that interpose printed"
    if len(origins) > 1 or (origins and origins[0] != f"http://{hosts[0]}"):
        return "another page may not ask this one"
    arrives = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    if not arrives and headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return "another page may not ask this one"
    return None


def meant(headers: Headers) -> str | None:
    """Why a POST was not made by our own page; None when it was."""
    if headers.get("Origin") != f"http://{headers.get('Host')}":
        return "a decision has to come from the page itself"
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return "a decision has to be application/json"
    if headers.get(MARK) != "1":
        return f"a decision needs the header {MARK}"
    return None


def _is_ours(host: str, port: int) -> bool:
    name, colon, number = host.rpartition(":")
    if not colon or number != str(port):
        return False
    if name == "localhost":
        return True
    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
