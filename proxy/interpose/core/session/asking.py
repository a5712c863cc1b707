"""Following requests: what a request begins."""

from collections.abc import Callable

import msgspec

from interpose.core.events import other
from interpose.core.protocol import Era, Method, era
from interpose.core.session import opening
from interpose.core.session.asks import Ask, Asker, lift, settle
from interpose.core.session.call import Call
from interpose.core.session.nesting import nest, task_of
from interpose.core.session.notes import against_ask, against_table, against_task
from interpose.core.session.pending import STDIO, Open, scope
from interpose.core.session.reading import Meta, Params, ident, read
from interpose.core.session.rounds import Round
from interpose.core.session.sighting import Heard, Sighting
from interpose.core.session.state import State

# An exchange carries one request, or a batch of them: a channel that is neither must not grow without end.
_MOST_CARRIED = 256
Begun = tuple[tuple[Ask, ...], tuple[str, ...]]


def see_request(state: State, heard: Heard) -> Sighting:
    """Follow a request: it waits from now on."""
    message = heard.message
    params = read(message.params, Params)
    its_era = request_era(state, heard, params)
    _open(state, heard, params, its_era)
    version = params.meta.version if params.meta and its_era == "stateless" else state.version(its_era)
    method = state.table(its_era, version).get(message.method or "")
    turn = state.rounds.resume(message, params) if method is not None and method.rounds else None
    call = _call(state, heard, params, its_era, method)
    call = _with_round(call, turn)
    entry = Open((heard.end, scope(its_era, heard.channel), call.id), call, message, method)
    notes = against_table(state, heard, its_era, method, call.capabilities) + state.begin(entry)
    _carry(state, heard, its_era, entry)
    asks, more = _begin(state, heard, params, entry, turn)
    return Sighting(
        heard.seq,
        heard.at,
        heard.end,
        heard.channel,
        message,
        message.kind,
        its_era,
        heard.part,
        call.method,
        call.name,
        call,
        None,
        call.parents,
        call.confidence,
        asks,
        call.task,
        None,
        tuple(dict.fromkeys(notes + more)) if more else notes,
    )


def request_era(state: State, heard: Heard, params: Params) -> Era:
    """By the message itself, else by its session or stream, else by what the session did so far."""
    if heard.message.method == "initialize":
        return "stateful"
    if params.meta is not None and params.meta.version is not None:
        return era(params.meta.version)
    if heard.message.method == "server/discover":
        return "stateless"
    exchange = state.exchanges.open.get(heard.channel) if heard.channel != STDIO else None
    if exchange is not None and exchange.in_session:
        return "stateful"
    if exchange is not None and exchange.era is not None:
        return exchange.era
    # One process may serve both eras: without an envelope it is the session that initialize opened, if one did.
    opened = state.openings["stateful"].state in ("asked", "open", "ready")
    return "stateful" if opened else state.current or "stateful"


def name_in(method: Method | None, params: Params) -> str | None:
    """The tool, prompt, resource, task or elicitation that a message is about."""
    if method is None or method.name_param is None:
        return None
    return _NAMES[method.name_param](params)


_NAMES: dict[str, Callable[[Params], str | None]] = {
    "name": lambda params: params.name,
    "uri": lambda params: params.uri,
    "taskId": lambda params: params.task_id,
    "elicitationId": lambda params: params.elicitation,
}


def _open(state: State, heard: Heard, params: Params, its_era: Era) -> None:
    if heard.end == "server":
        return
    if heard.message.method == "initialize":
        state.gone.clear()
        state.openings["stateful"] = opening.on_initialize(heard.message.params)
        state.current = "stateful"
    elif its_era == "stateless":
        state.openings["stateless"] = opening.on_envelope(state.openings["stateless"], params.meta or Meta())
        state.current = "stateless"


def _call(state: State, heard: Heard, params: Params, its_era: Era, method: Method | None) -> Call:
    meta = params.meta or Meta()
    parents, confidence = nest(state, heard, params, its_era)
    task = task_of(state, params)
    return Call(
        heard.seq,
        heard.at,
        heard.end,
        heard.channel,
        heard.message.id or "",
        heard.message.method or "",
        its_era,
        part=heard.part,
        name=name_in(method, params),
        version=meta.version if its_era == "stateless" else state.version("stateful"),
        token=ident(meta.token),
        task=params.task_id if task is None else task.id,
        parents=parents,
        confidence=confidence,
        capabilities=state.declared("client", its_era),
    )


def _with_round(call: Call, turn: Round | None) -> Call:
    if turn is None:
        return call
    return msgspec.structs.replace(call, previous=turn.call.seq, round=turn.call.round + 1)


def _carry(state: State, heard: Heard, its_era: Era, entry: Open) -> None:
    if heard.channel == STDIO or heard.end == "server":
        return
    exchange = state.exchanges.carrying(heard.channel)
    exchange.era = its_era
    exchange.keys = (*exchange.keys[-_MOST_CARRIED:], entry.key)
    if heard.seq not in exchange.seqs:
        exchange.seqs = (*exchange.seqs[-_MOST_CARRIED:], heard.seq)


def _begin(state: State, heard: Heard, params: Params, entry: Open, turn: Round | None) -> Begun:
    """What the method itself begins."""
    if heard.end == "server":
        begun = _ask(state, heard, entry)
    elif entry.call.method == "subscriptions/listen":
        state.listening.began(entry.key, entry.call)
        begun = (), ()
    elif entry.call.method == "tasks/update":
        begun = _update_task(state, params)
    elif entry.method is not None and entry.method.name_param == "taskId":
        known = params.task_id is not None and state.tasks.get(other(heard.end), params.task_id) is not None
        begun = (), () if known else ("unknown-task",)
    else:
        begun = _next_round(params, entry, turn)
    if params.task and entry.call.era == "stateful" and entry.method is not None and entry.method.tasks:
        begun = begun[0], begun[1] + against_task(state, heard)
    if entry.call.method == "tasks/get" and params.task_id is not None:
        state.tasks.polled(other(heard.end), params.task_id, heard.at)
    return begun


def _ask(state: State, heard: Heard, entry: Open) -> Begun:
    call = entry.call
    asker = Asker(heard.seq, heard.at, "request", call.parents, call.task)
    asked = lift(asker, call.id, call.method, heard.message.params)
    if asked is None:
        return (), ()
    entry.asks = (asked,)
    state.counts.asks += 1
    known = entry.method is not None and call.era == "stateful"
    return entry.asks, against_ask(asked, call.capabilities, call.version) if known else ()


def _next_round(params: Params, entry: Open, turn: Round | None) -> Begun:
    if turn is not None:
        return settle(turn.asks, params.answers), ("reused-state",) if turn.again else ()
    foreign = entry.method is not None and entry.method.rounds and (params.state is not None or params.answers)
    return (), ("unknown-state",) if foreign else ()


def _update_task(state: State, params: Params) -> Begun:
    task = state.tasks.get("server", params.task_id or "")
    if task is None:
        return (), ("unknown-task",)
    given = params.answers or {}
    asks = settle((ask for ask in task.asks if ask.key in given), given)
    state.tasks.settled(task, asks)
    return asks, ()
