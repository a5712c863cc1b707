"""Somebody who looks at the page: follows its feed, and asks for what the page's script asks for. usage: ... ADDRESS

It draws nothing. A line on standard output says that the feed began.
"""

import json
import sys
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

_SHOWN = 40  # rows that fit into a window
_AT_ONCE = 300


class PageViewer:
    """One browser on the page of an interpose."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._asking = HTTPConnection(self._host, self._port)
        self._asking.request("GET", f"{parts.path}?{parts.query}")
        admitted = self._asking.getresponse()
        admitted.read()
        self._place = admitted.headers["Location"]
        self._headers = {"Cookie": admitted.headers["Set-Cookie"].partition(";")[0]}
        self._until = 0

    def follow(self) -> None:
        """Until the feed ends."""
        session = quote(self._ask("sessions")[-1]["session"])
        self._more(session)
        feed = HTTPConnection(self._host, self._port)
        feed.request("GET", f"{self._place}api/feed?session={session}", headers=self._headers)
        print("following", flush=True)
        event = b""
        for line in feed.getresponse():
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: "):
                self._heard(event, json.loads(line[6:]), session)

    def _heard(self, event: bytes, told: dict[str, int], session: str) -> None:
        if event == b"rows":
            self._until = max(self._until, told["first"])
        elif event == b"jump":
            self._more(session)

    def _more(self, session: str) -> None:
        """Which rows there are further on, and those of them that a window shows."""
        found = self._ask(f"sessions/{session}/find?from={self._until}&q=")
        self._until = found["until"]
        if found["rows"]:
            self._ask(f"sessions/{session}/rows?ids={','.join(map(str, found['rows'][-_SHOWN:]))}")

    def _ask(self, what: str) -> "object":
        self._asking.request("GET", f"{self._place}api/{what}", headers=self._headers)
        return json.loads(self._asking.getresponse().read())


if __name__ == "__main__":
    try:
        PageViewer(sys.argv[1]).follow()
    except (OSError, ValueError):
        pass  # interpose ended first
