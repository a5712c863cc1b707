"""A recording as spans: OTLP/JSON by the semantic conventions for MCP. No bodies, and no SDK.

A request is a span, seen from between the ends; what happens in it is a child, what is told of it an event. A line is
a whole `TracesData`, as OpenTelemetry's file exporter writes them: spans are written as they end.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from interpose.core.exporting import otlp_words
from interpose.core.exporting.moment import nanoseconds
from interpose.core.exporting.otlp_span import INTERNAL, Context, Span, Value, digest, trace_parent
from interpose.core.exporting.otlp_text import Group, span_text, traces
from interpose.core.exporting.ruled import OWN, ruled, settled
from interpose.core.formats.excerpt import said
from interpose.core.formats.outcome import of_ask
from interpose.core.recording.entry import Entry, Header
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.exchanges import header as value_of
from interpose.core.session.pending import STDIO
from interpose.core.session.reading import read
from interpose.core.session.ring import Ring
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_BATCH = 512  # spans in a line, as in an SDK's batch
_ROOM = 65_536
Fields = Iterator[dict[str, Any]]


class _Traced(msgspec.Struct, gc=False):
    """What `_meta` says of a trace, by W3C's names."""

    parent: str | None = msgspec.field(default=None, name="traceparent")
    state: str | None = msgspec.field(default=None, name="tracestate")


class _Params(msgspec.Struct, gc=False):
    meta: _Traced | None = msgspec.field(default=None, name="_meta")


class _Exchange(msgspec.Struct, gc=False):
    """An HTTP exchange while it is open: the session it says it is of, its status, the requests it carries."""

    session: str | None = None
    status: int = 0
    calls: list[tuple[Call, bool]] = []


class Trace:
    """Makes spans of entries. `began` is the recording's start in nanoseconds since 1970; `group` holds its spans."""

    def __init__(self, header: Header, began: int) -> None:
        self._header, self._began, self._now = header, began, began
        self.group = Group(otlp_words.of_resource(header), header.by.removeprefix("interpose "))
        self._session, self._entries = Session(), 0
        self._root = _span(Context(digest(header.session, size=16), self._id("session")), "mcp session", began)
        self._root.kind = INTERNAL
        self._ways = {is_stdio: otlp_words.of_way(is_stdio, header) for is_stdio in (True, False)}
        self._open: dict[tuple[int, int], Span] = {}
        self._asks: dict[tuple[int, str], Span] = {}
        self._exchanges: Ring[str, _Exchange] = Ring()
        self._held: Ring[str, Span] = Ring()
        self._known: Ring[int, Context] = Ring(_ROOM)  # where the spans of calls are, also after they ended

    def written(self, entries: Iterable[Entry]) -> Iterator[str]:
        """The file, line by line."""
        batch: list[str] = []
        for entry in entries:
            batch += self.take(entry)
            if len(batch) >= _BATCH:
                yield traces([self.group.text(batch)])
                batch = []
        batch += self.rest()
        yield traces([self.group.text(batch)])

    def take(self, entry: Entry) -> Iterator[str]:
        """The spans that end with an entry, each as `span_text`."""
        return map(span_text, self._take(entry))

    def rest(self) -> Iterator[str]:
        """The spans that are open at the end, that of the session last."""
        return map(span_text, self._rest())

    def _take(self, entry: Entry) -> Fields:
        self._entries += 1
        self._now = max(self._now, nanoseconds(self._began, entry.at))
        event = entry.event()
        if event is None:
            self._root.attributes["interpose.end"] = said(entry.reason)
            return
        self._follow(entry)
        for seen in self._session.see(self._entries, event):
            yield from self._see(entry, seen)
        if entry.kind == "closed":
            yield from self._closed(entry)

    def _follow(self, entry: Entry) -> None:
        """What is no message."""
        if entry.kind == "http-request":
            self._exchanges.put(entry.channel, _Exchange(value_of(entry.headers, "mcp-session-id"), calls=[]))
        elif entry.kind == "http-response" and (exchange := self._exchanges.get(entry.channel)) is not None:
            exchange.status = entry.status
        elif entry.kind == "decision":
            span = self._held.pop(entry.hold, None) or self._root
            span.tell(self._now, "policy decision", {"interpose.decision": settled(entry)})

    def _see(self, entry: Entry, seen: Sighting) -> Fields:
        span = self._about(seen)
        if seen.kind is Kind.REQUEST and seen.call is not None:
            span = self._open[seen.seq, seen.part] = self._request(entry, seen, seen.call)
        elif seen.kind is Kind.NOTIFICATION:
            span.tell(self._now, seen.method or "notification", otlp_words.of_message(seen))
        self._judge(entry, span)
        for note in seen.notes:
            span.tell(self._now, "oddity", {"interpose.note": note})
        for ask in seen.asks:
            yield from self._ask(seen, ask)
        if seen.call is not None and seen.message.is_response:
            yield from self._answered(seen.call, seen)
        elif seen.call is not None and seen.method == "notifications/cancelled":
            yield from self._failed(seen.call, "cancelled")

    def _about(self, seen: Sighting) -> Span:
        """The open span that a message belongs to."""
        if seen.call is not None and (span := self._open.get((seen.call.seq, seen.call.part))) is not None:
            return span
        parents = (self._open.get((parent, 0)) for parent in seen.parents)
        return next((span for span in parents if span is not None), self._root)

    def _request(self, entry: Entry, seen: Sighting, call: Call) -> Span:
        parent = self._parent(call.parents)
        sent = read(seen.message.params, _Params).meta
        remote = None if sent is None else trace_parent(sent.parent, sent.state)
        within = remote or parent
        context = Context(within.trace, self._id(seen.seq, seen.part), within.state)
        span = _span(context, otlp_words.span_name(call), self._now, within.span)
        span.attributes = otlp_words.of_call(call) | self._ways[entry.channel == STDIO]
        span.attributes["interpose.entry"] = entry.seq
        exchange = self._exchanges.get(entry.channel)
        if exchange is not None:
            exchange.calls.append((call, call.era == "stateless"))
            if exchange.session is not None:
                span.attributes["mcp.session.id"] = exchange.session
        if remote is not None and call.parents:
            span.links.append(parent)
        if call.previous is not None and (before := self._known.get(call.previous)) is not None:
            span.links.append(before)
        self._known.put(seen.seq, context)
        return span

    def _parent(self, parents: tuple[int, ...]) -> Context:
        """The call that it happened in; of several candidates none, and the session instead."""
        known = self._known.get(parents[0]) if len(parents) == 1 else None
        return known or self._root.context

    def _ask(self, seen: Sighting, ask: Ask) -> Fields:
        """A question that came inside a result: a span from there to its answer."""
        if ask.carrier == "request":
            return
        name = (ask.seq, ask.key)
        if ask.state == "open":
            if ask.seq == seen.seq and name not in self._asks:
                self._asks[name] = self._asked(ask)
        elif (span := self._asks.pop(name, None)) is not None:
            span.attributes["interpose.outcome"] = of_ask(ask).slug
            yield span.fields(self._now)

    def _asked(self, ask: Ask) -> Span:
        parent = self._parent(ask.parents)
        span = _span(parent._replace(span=self._id(ask.seq, ask.key)), ask.method, self._now, parent.span)
        span.attributes = {"mcp.method.name": ask.method, "interpose.from": "server", "interpose.carrier": ask.carrier}
        return span

    def _judge(self, entry: Entry, span: Span) -> None:
        """What the policy made of the message, as an event."""
        if entry.by == OWN:
            span.tell(self._now, "policy", {"interpose.by": OWN, "interpose.entry": entry.seq})
        found = ruled(entry)
        if found is None:
            return
        about: dict[str, Value] = {"interpose.decision": found.decision, "interpose.entry": entry.seq}
        if found.rules:
            about["interpose.rules"] = ", ".join(found.rules)
        span.tell(self._now, "policy", about)
        if found.decision == "hold":
            self._held.put(str((entry.verdict or {}).get("hold", "")), span)

    def _closed(self, entry: Entry) -> Fields:
        """An exchange's end is that of its requests where it was refused, or where there is no session."""
        exchange = self._exchanges.pop(entry.channel, None) or _Exchange()
        for call, stateless in exchange.calls:
            if exchange.status >= 400:
                yield from self._failed(call, str(exchange.status))
            elif stateless:
                yield from self._failed(call, "cancelled" if entry.end == "client" else "lost")

    def _answered(self, call: Call, seen: Sighting) -> Fields:
        span = self._open.pop((call.seq, call.part), None)
        if span is not None:
            otlp_words.end(span, seen)
            yield span.fields(self._now)

    def _failed(self, call: Call, why: str) -> Fields:
        """A request that ends without an answer; `why` is a word or an HTTP status."""
        span = self._open.pop((call.seq, call.part), None)
        if span is not None:
            otlp_words.fail(span, why, f"HTTP {why}" if why.isdigit() else why)
            yield span.fields(self._now)

    def _rest(self) -> Fields:
        for span in (*self._open.values(), *self._asks.values()):
            span.attributes["interpose.outcome"] = "open"
            yield span.fields(self._now)
        yield self._root.fields(self._now)

    def _id(self, *words: object) -> str:
        return digest(self._header.session, *words, size=8)


def _span(context: Context, name: str, start: int, parent: str = "") -> Span:
    return Span(context, name, start, parent, attributes={}, events=[], links=[])
