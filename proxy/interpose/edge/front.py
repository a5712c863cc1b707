"""The addresses of a relay: which of its paths stand for which of the upstream's, and how addresses are rewritten.

Text in, text out. A reverse proxy rewrites what would lead a client past it, and nothing else.
"""

from urllib.parse import urljoin, urlsplit

from interpose.core.wire.http import same_origin

FRONT_PATHS = ("/mcp", "/sse")


class Front:
    """What clients see of one upstream URL. `/mcp` and `/sse` stand for its path; other paths pass as they are."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._path = parts.path or "/"
        self._query = parts.query
        self._mcp = {*FRONT_PATHS, self._path.removesuffix("/")}
        self._moved: set[str] = set()

    def is_mcp(self, target: str) -> bool:
        """Whether an exchange with this target is MCP. A slash at the end makes no difference."""
        path = target.partition("?")[0]
        return path.removesuffix("/") in self._mcp or path in self._moved

    def target(self, target: str) -> str:
        """What the upstream is asked for. The query of the configured URL is kept."""
        path, mark, query = target.partition("?")
        if path.removesuffix("/") not in FRONT_PATHS:
            return target
        slash = "/" if path.endswith("/") and not self._path.endswith("/") else ""
        query = "&".join(part for part in (self._query, query) if part)
        return self._path + slash + (f"?{query}" if query else mark)

    def location(self, value: str, ours: str) -> str:
        """A `Location` for a client: one in the upstream's own origin is made ours."""
        rest = self._own(value)
        return value if rest is None else ours + rest

    def moved(self, target: str, location: str) -> None:
        """The server sent a client from here to another path of its own (307, 308): that is MCP too."""
        rest = self._own(urljoin(self.origin + self.target(target), location))
        if rest is not None:
            self._moved.add(rest.partition("?")[0])

    def endpoint(self, target: str, data: str) -> tuple[str, str] | None:
        """Where an `endpoint` event tells a client of `target` to post to; None when that is another origin.

        First the upstream's own target; then what the event must say for the client to find it. That is `data` itself
        unless it would lead past us.
        """
        resolved = self._own(urljoin(self.origin + self.target(target), data.strip()))
        if resolved is None:
            return None
        ours = urljoin("http://client" + target, data.strip())
        return resolved, data if ours == "http://client" + resolved else resolved

    def _own(self, address: str) -> str | None:
        """Path and query of an absolute address in the upstream's origin; None for any other address."""
        try:
            parts = urlsplit(address)
            own = bool(parts.netloc) and same_origin(urljoin(self.origin, address), self.origin)
        except ValueError:
            return None
        rest = address.partition("//")[2].removeprefix(parts.netloc)
        return (rest if rest.startswith("/") else f"/{rest}") if own else None
