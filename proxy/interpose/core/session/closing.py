"""Following what is no message: exchanges that begin, are answered and end, and ends that leave."""

import msgspec

from interpose.core.events import Closed, End, Event, Requested, Responded, Told
from interpose.core.session.exchanges import Exchange
from interpose.core.session.pending import SESSION, STDIO, Fate, Open
from interpose.core.session.state import State


def follow(state: State, event: Event) -> None:
    """Follow one event that carries no message."""
    match event:
        case Requested():
            exchange = state.exchanges.requested(event.channel, event.method, event.headers)
            _resume(state, exchange)
        case Responded():
            _responded(state, event)
        case Closed():
            _closed(state, event)
        case Told(what="exit"):
            _leave(state, event.end, event.at)


def _resume(state: State, exchange: Exchange) -> None:
    for key in exchange.keys:
        entry = state.pending.open.get(key)
        if entry is not None:
            entry.lost = None


def _responded(state: State, event: Responded) -> None:
    exchange = state.exchanges.open.get(event.channel)
    if exchange is None:
        return
    state.exchanges.responded(exchange, event.status, event.headers)
    if exchange.in_session and exchange.era != "stateless" and _ends_session(exchange):
        _end_session(state)


def _ends_session(exchange: Exchange) -> bool:
    # 2025-11-25 §basic/transports: 404 to a session's request means the session is lost; DELETE ends it.
    deleted = exchange.verb == "DELETE" and exchange.status is not None and 200 <= exchange.status < 300
    return deleted or exchange.status == 404


def _end_session(state: State) -> None:
    for key in state.pending.of_era("stateful"):
        state.stop(key, "lost")
    # What the ends had agreed stays readable; the next `initialize` starts afresh.
    state.openings["stateful"] = msgspec.structs.replace(state.openings["stateful"], state="none")
    state.listening.resources.clear()


def _closed(state: State, event: Closed) -> None:
    if event.channel in (STDIO, SESSION):
        _leave(state, event.end, event.at)
        return
    exchange = state.exchanges.closed(event.channel)
    if exchange is None:
        return
    if exchange.is_session:  # 2024-11-05 §basic/transports: the session is the SSE connection
        _leave(state, event.end, event.at)
    for key in exchange.keys:
        entry = state.pending.open.get(key)
        if entry is not None:
            _cut(state, exchange, entry, event)


def _cut(state: State, exchange: Exchange, entry: Open, event: Closed) -> None:
    """The exchange of a request ended before its answer."""
    if entry.call.era == "stateful":
        # A disconnect is no cancellation (2025-11-25 §basic/transports): the answer may come by a resumed stream.
        if event.end == "client" or exchange.may_resume:
            entry.lost = exchange.lost(event.at)
        else:
            state.stop(entry.key, "lost")
        return
    fate: Fate = "cancelled" if event.end == "client" else "lost"
    if fate == "lost":
        state.listening.ended(entry.key, broken_at=event.at)
    state.stop(entry.key, fate, event.at if fate == "cancelled" else None)


def _leave(state: State, end: End, at: float) -> None:
    state.gone.setdefault(end, at)
