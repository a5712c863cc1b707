"""Lines for what is no message: HTTP where it matters, standard error, exits, and frames that are no JSON-RPC."""

from typing import assert_never

from interpose.core.events import Closed, Decided, Decision, Event, Received, Requested, Responded, Ticked, Told
from interpose.core.formats.excerpt import quoted, said
from interpose.core.formats.line import Line
from interpose.core.formats.words import listed, safe
from interpose.core.recording.entry import Entry
from interpose.core.session.exchanges import header
from interpose.core.session.pending import SESSION, STDIO
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting

HIDDEN = "hidden"  # the run of lines that only a full transcript shows
_DECISIONS: dict[Decision, str] = {
    "approve": "what was held was approved",
    "edit": "what was held was changed, and approved",
    "answer": "what was held was answered for the user",
    "decline": "what was held was declined",
    "cancel": "what was held was dismissed",
    "release": "what was held goes on",
    "expire": "nobody approved what was held, in time",
    "abandon": "what was held is gone: nobody waits for it any more",
}
_FLAGS = {
    "not-json": "not JSON",
    "not-json-rpc": "JSON, but no JSON-RPC",
    "not-utf8": "not UTF-8",
    "irregular": "irregular JSON",
    "no-version": "without jsonrpc 2.0",
    "method-not-text": "its method is no text",
    "odd-id": "an odd id",
    "two-roles": "request and answer at once",
    "ambiguous": "a carriage return that some readers take for the end of a line",
}
_NO_STREAM = 405
_SIGNALLED = {"130": "SIGINT", "137": "SIGKILL", "143": "SIGTERM"}


def oddities(flags: tuple[str, ...]) -> str:
    """What is odd about a frame, in words."""
    plainly = [flag for flag in flags if flag != "no-version" or "not-json-rpc" not in flags]
    return listed([_FLAGS.get(flag, flag) for flag in plainly])


def noise(entry: Entry, seen: Sighting) -> Line:
    """A frame that is no JSON-RPC message."""
    raw = seen.message.raw
    text = f"{oddities(seen.message.flags)}: {quoted(raw[:800].decode('utf-8', 'backslashreplace'))}"
    return Line("noise", seen.at, entry.seq, seen.end, "noise", text=text, failed=True, body=raw)


class _Exchange:
    """What is remembered of an HTTP exchange while it is open: `waiting` are its requests without an answer."""

    __slots__ = ("status", "waiting", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.status = 0
        self.waiting: tuple[str, ...] = ()

    @property
    def stands(self) -> bool:
        return self.what.startswith("GET ")


class Facts:
    """Makes the lines of entries that carry no message."""

    def __init__(self) -> None:
        self._open: Ring[str, _Exchange] = Ring(4096)
        self._carrier: dict[str, _Exchange] = {}

    def carries(self, channel: str, number: str) -> None:
        """A request travels in an exchange."""
        exchange = self._open.get(channel)
        if exchange is not None:
            exchange.waiting = (*exchange.waiting, number)
            self._carrier[number] = exchange

    def answered(self, number: str) -> None:
        """A request has its answer, on whatever stream it came."""
        exchange = self._carrier.pop(number, None)
        if exchange is not None:
            exchange.waiting = tuple(each for each in exchange.waiting if each != number)

    def line(self, entry: Entry, event: Event) -> Line | None:
        """The line of an entry without a message; lines whose run is HIDDEN are for full transcripts only."""
        match event:
            case Requested():
                what = f"{said(event.method, 10)} {said(event.target, 60)}"
                self._open.put(event.channel, _Exchange(what))
                return _http(entry, f"{event.channel} {what}", run=HIDDEN)
            case Responded():
                return self._responded(entry, event)
            case Closed():
                return self._closed(entry, event)
            case Told():
                return _told(entry, event)
            case Received():
                return self._data(entry)
            case Decided():
                return _fact(entry, _decided(entry, event))
            case Ticked():
                return None
            case _:
                assert_never(event)

    def _data(self, entry: Entry) -> Line | None:
        """A frame that dispatches nothing: it matters where it is the body of a refusal."""
        exchange = self._open.get(entry.channel)
        text = entry.text or (entry.sse.data if entry.sse else None) or ""
        if exchange is not None and exchange.status >= 400 and text:
            return _http(entry, f"{entry.channel} body {quoted(text)}")
        event = entry.sse.event if entry.sse and entry.sse.event else "data"
        return _http(entry, f"{entry.channel} {said(event, 30)} {said(text)}".rstrip(), run=HIDDEN)

    def _responded(self, entry: Entry, event: Responded) -> Line:
        exchange = self._open.get(event.channel) or _Exchange("?")
        exchange.status = event.status
        text = f"{event.channel} {event.status} to {exchange.what}"
        if event.status >= 400:
            if event.status == _NO_STREAM and exchange.stands:
                return _http(entry, f"{text}: no standing stream is offered")
            return _http(entry, text, inside=exchange.waiting, failed=True)
        if exchange.what.startswith("DELETE "):
            return _http(entry, f"{text}: the session ends")
        streams = (header(event.headers, "content-type") or "").lower().startswith("text/event-stream")
        if streams and exchange.stands:
            return _http(entry, f"{text}: a standing stream is open")
        return _http(entry, text, run=HIDDEN)

    def _closed(self, entry: Entry, event: Closed) -> Line:
        reason = said(event.reason)
        if event.channel in (STDIO, SESSION):
            how = "closed its side" if event.reason == "end" else f"is gone: {reason}"
            return _fact(entry, how, failed=event.reason not in ("end", "disconnect"))
        exchange = self._open.pop(event.channel, None)
        if exchange is None:  # by the other end, before
            return _http(entry, f"{event.channel}: the {event.end} is done with it, too", run=HIDDEN)
        for number in exchange.waiting:
            self._carrier.pop(number, None)
        text = f"{event.channel} {exchange.what}: the {event.end} "
        if event.reason == "end":
            return _http(entry, f"{text}ended it", run=HIDDEN)
        text += "left" if event.reason == "disconnect" else f"broke it off: {reason}"
        if event.reason == "disconnect" and event.end == "client" and not exchange.waiting and not exchange.stands:
            return _http(entry, text, run=HIDDEN)  # the answer was there: how the client hangs up is its own affair
        bad = event.reason != "disconnect" or event.end == "server"
        return _http(entry, text, inside=exchange.waiting, failed=bad)


def _decided(entry: Entry, event: Decided) -> str:
    if event.decision == "release" and (entry.verdict or {}).get("decision") == "drop":
        return "what was held goes nowhere"
    if event.decision == "abandon" and event.by:
        return "what was held is judged anew: other rules are in force"
    return _DECISIONS[event.decision] + (f" by {said(event.by)}" if event.by else "")


def _told(entry: Entry, event: Told) -> Line:
    text = said(event.text)
    match event.what:
        case "stderr":
            return Line("stderr", event.at, entry.seq, event.end, "stderr", text=safe(event.text.rstrip()))
        case "exit":
            signal = _SIGNALLED.get(event.text)
            why = f" ({signal})" if signal else ""
            failed = event.text not in ("0", "130", "143")
            return _fact(entry, f"exited with status {text}{why}", failed=failed)
        case "signal":
            return _fact(entry, f"was sent {text}")
        case "note":
            return _fact(entry, text, run=f"note {text}")
        case what:
            return _fact(entry, f"{said(what, 20)} {text}".rstrip())


def _http(entry: Entry, text: str, *, inside: tuple[str, ...] = (), run: str = "", failed: bool = False) -> Line:
    facts = {"channel": entry.channel, "status": entry.status or None}
    return Line(
        "http", entry.at, entry.seq, entry.end, "http", text=text, inside=inside, run=run, failed=failed, facts=facts
    )


def _fact(entry: Entry, text: str, *, run: str = "", failed: bool = False) -> Line:
    label = "note" if entry.kind == "note" else entry.end or "session"
    facts = {"what": entry.kind}
    return Line("fact", entry.at, entry.seq, entry.end, label, text=text, run=run, failed=failed, facts=facts)
