"""Inside which call a message happens, and how sure that is. No single parent is invented where the wire names none."""

from interpose.core.protocol import Era
from interpose.core.session.call import Call, Confidence
from interpose.core.session.pending import STDIO, scope
from interpose.core.session.reading import Params, ident
from interpose.core.session.sighting import Heard
from interpose.core.session.state import State
from interpose.core.session.tasks import Task

Nest = tuple[tuple[int, ...], Confidence]
NOWHERE: Nest = ((), "none")


def nest(state: State, heard: Heard, params: Params, era: Era) -> Nest:
    """The calls inside which an end sends a request or a notification, surest evidence first."""
    task = task_of(state, params)
    if task is not None and task.origin is not None:
        return _in_task(task)
    if heard.end == "client":
        return NOWHERE
    listen = listen_of(state, heard, params, era)
    if listen is not None:
        return (listen.seq,), "certain"
    return _in_exchange(state, heard, era) or _in_flight(state)


def task_of(state: State, params: Params) -> Task | None:
    """The task a message says it belongs to, by its parameters or its related-task metadata."""
    related = params.meta.related if params.meta else None
    task_id = params.task_id if related is None else related.task_id
    return None if task_id is None else state.tasks.related(task_id)


def listen_of(state: State, heard: Heard, params: Params, era: Era) -> Call | None:
    """The listen request whose stream a notification says it belongs to."""
    subscription = ident(params.meta.subscription) if params.meta else None
    if subscription is None:
        return None
    stream = state.listening.streams.get(("client", scope(era, heard.channel), subscription))
    return None if stream is None else stream.call


def _in_task(task: Task) -> Nest:
    # A client runs a task for something asked of it inside a call: that call is the parent.
    call = task.origin.call if task.origin else None
    if call is None or task.owner == "client":
        return (call.parents, call.confidence) if call else NOWHERE
    return (call.seq,), "certain"


def _in_exchange(state: State, heard: Heard, era: Era) -> Nest | None:
    exchange = state.exchanges.open.get(heard.channel) if heard.channel != STDIO else None
    if exchange is None or not exchange.seqs:
        return None
    if len(exchange.keys) > 1:
        return exchange.seqs, "candidates"
    # 2026-07-28 ties a stream to its request; before, its messages only SHOULD relate to it.
    return exchange.seqs, "certain" if era == "stateless" else "likely"


def _in_flight(state: State) -> Nest:
    seqs = state.pending.in_flight()
    if not seqs:
        return NOWHERE
    return seqs, "likely" if len(seqs) == 1 else "candidates"
