"""A recording as a HAR 1.2 file: what the client's side of HTTP saw. Bodies of event streams are put together again.

Exchanges are written as they end, so that only those that are open are held. What went over pipes is no HTTP: each
call of it stands as an exchange that never was, and says so.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from interpose.core.events import Headers
from interpose.core.exporting import har_fields
from interpose.core.exporting.har_pipes import Calls
from interpose.core.exporting.moment import iso, nanoseconds
from interpose.core.exporting.ruled import OWN, ruled
from interpose.core.recording.entry import Entry, Header, Sse
from interpose.core.session.exchanges import header
from interpose.core.session.pending import STDIO

_LINE_END = re.compile(r"\r\n|\r|\n")
_PLACE = re.compile(r"[A-Za-z0-9.\-_~%\[\]:]+")
_NOWHERE = "http://unknown.invalid"
_LEFT = "client disconnected"


class HarFile:
    """Makes the file, piece by piece. `began` is the recording's start in nanoseconds since 1970."""

    def __init__(self, header: Header, began: int) -> None:
        self._header, self._began = header, began
        self._origin = _origin(str(header.server.get("url") or ""))
        self._open: dict[str, _Exchange] = {}
        self._calls = Calls(lambda at: iso(nanoseconds(began, at)))
        self._written = 0

    def written(self, entries: Iterable[Entry]) -> Iterator[str]:
        """The whole file."""
        by = {"name": "interpose", "version": self._header.by.removeprefix("interpose ").partition(",")[0]}
        comment = f"session {self._header.session}"
        yield f'{{"log":{{"version":"1.2","creator":{_json(by)},"comment":{_json(comment)},"entries":['
        for entry in entries:
            yield from map(self._next, self._take(entry))
        yield from map(self._next, self._rest())
        yield "\n]}}\n"

    def _next(self, fields: dict[str, Any]) -> str:
        self._written += 1
        return ("\n" if self._written == 1 else ",\n") + _json(fields)

    def _take(self, entry: Entry) -> Iterator[dict[str, Any]]:
        if entry.channel == STDIO:
            yield from self._calls.take(entry)
            return
        self._calls.follow(entry)
        if entry.kind == "http-request":
            self._open[entry.channel] = _Exchange(entry)
        elif (exchange := self._open.get(entry.channel)) is None:
            return
        elif entry.kind == "http-response":
            exchange.answered(entry)
        elif entry.kind in ("message", "data"):
            exchange.say(entry)
        elif entry.kind == "closed":
            exchange.over(entry)
            yield self._fields(self._open.pop(entry.channel))

    def _rest(self) -> Iterator[dict[str, Any]]:
        """What was still open when the recording ended."""
        for exchange in self._open.values():
            exchange.comments.append("still open when the recording ended")
            yield self._fields(exchange)
        yield from self._calls.rest()

    def _fields(self, exchange: "_Exchange") -> dict[str, Any]:
        first = exchange.first
        url = _address(first, self._origin)
        asked = har_fields.request(first.method, url, first.headers, exchange.asked_body)
        answered = har_fields.response(exchange.status, exchange.headers, exchange.answer_body)
        if exchange.fault:
            answered["_error"] = exchange.fault
        started = iso(nanoseconds(self._began, first.at))
        fields = har_fields.entry(started, exchange.timings, asked, answered)
        if exchange.times:
            fields["_eventTimes"] = exchange.times
        if exchange.comments:
            fields["comment"] = "; ".join(dict.fromkeys(exchange.comments))
        return fields


class _Exchange:
    """One exchange while it is open."""

    def __init__(self, first: Entry) -> None:
        self.first = first
        self.status = 0
        self.headers: Headers = ()
        self.fault = ""
        self.comments: list[str] = []
        self.times: list[float] = []  # when each event of a stream came, in milliseconds since the start
        self._asked_at = self._answered_at = self._last = first.at
        self._asked: list[bytes] = []
        self._said: list[bytes] = []

    def answered(self, entry: Entry) -> None:
        self.status, self.headers = entry.status, entry.headers
        self._answered_at = self._last = entry.at

    def say(self, entry: Entry) -> None:
        found = ruled(entry)
        if found is not None and found.acted:
            self.comments.append(f"interpose: entry {entry.seq} was {found.text}")
        if entry.end == "client":
            if entry.by != OWN:
                self._asked.append(entry.payload() or b"")
                self._asked_at = entry.at
        elif found is None or found.goes_on or found.decision == "hold":
            self._said.append(_block(entry) if entry.sse is not None else _body(entry))
            self._last = entry.at
            if entry.sse is not None:
                self.times.append(round((entry.at - self.first.at) * 1000, 3))

    def over(self, entry: Entry) -> None:
        self._last = max(self._last, entry.at)
        if entry.reason != "end":
            self.fault = _LEFT if entry.reason == "disconnect" and entry.end == "client" else entry.reason

    @property
    def asked_body(self) -> bytes | None:
        return b"".join(self._asked) if self._asked else None

    @property
    def answer_body(self) -> bytes:
        return b"".join(self._said)

    @property
    def timings(self) -> dict[str, float]:
        answered = self._answered_at if self.status else self._last
        send = min(self._asked_at, answered) - self.first.at
        return {"send": send, "wait": answered - self.first.at - send, "receive": self._last - answered}


def _body(entry: Entry) -> bytes:
    return bytes(entry.delivered) or entry.payload() or b""


def _block(entry: Entry) -> bytes:
    """An event as a stream spells it. Of comments only their number was kept."""
    sse = entry.sse or Sse()
    fields = [":"] * sse.comments
    fields += [f"event: {sse.event}"] if sse.event is not None else []
    fields += [f"id: {sse.id}"] if sse.id is not None else []
    fields += [f"retry: {sse.retry}"] if sse.retry is not None else []
    data = sse.data if sse.data is not None else _data(entry)
    lines = [_LINE_END.sub(" ", field).encode() for field in fields]
    lines += [b"data: " + line.encode("utf-8", "surrogatepass") for line in _LINE_END.split(data or "")] * (
        data is not None
    )
    return b"\n".join(lines) + b"\n\n"


def _data(entry: Entry) -> str | None:
    body = _body(entry)
    return body.decode("utf-8", "replace") if body else None


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return _NOWHERE
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else _NOWHERE


def _address(first: Entry, origin: str) -> str:
    """Where a client sent it: by its `Host`, else where the server is."""
    host = header(first.headers, "host") or ""
    base = f"http://{host}" if _PLACE.fullmatch(host) else origin
    return base + first.target if first.target.startswith("/") else f"{base}/"


def _json(value: Any) -> str:
    """JSON that every reader takes: lone surrogates and line separators as escapes."""
    return json.dumps(value, separators=(",", ":"))
