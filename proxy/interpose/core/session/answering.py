"""Following responses: what an answer ends, and what it begins instead (a round of questions, a task)."""

from collections.abc import Callable

import msgspec

from interpose.core.events import other
from interpose.core.session import opening
from interpose.core.session.asks import Ask, Asker, answered, is_sign_in, lift_error, lift_inputs
from interpose.core.session.call import Call
from interpose.core.session.notes import against_ask
from interpose.core.session.pending import STDIO, Key, Open
from interpose.core.session.reading import Failure, Result, TaskFields, read
from interpose.core.session.rounds import Round
from interpose.core.session.sighting import Heard, Sighting
from interpose.core.session.state import State
from interpose.core.session.tasking import Outcome, create_task, on_task, on_task_list, on_task_result, task_error
from interpose.core.wire.message import Kind, Message


def see_response(state: State, heard: Heard) -> Sighting:
    """Follow an answer: its request waits no more."""
    notes: tuple[str, ...] = ()
    key = _asked(state, heard)
    if key is None:
        key = state.pending.find(other(heard.end), heard.channel, heard.message.id or "")
    elif heard.message.id != key[2]:
        notes = ("null-id",)
    entry = state.pending.open.get(key)
    if entry is None:
        return _see_late(state, heard, key)
    outcome = _outcome(state, heard, entry)
    state.stop(key, "answered", keep_token=outcome.keeps_token)
    call = entry.call
    if outcome.task is not None and outcome.task != call.task:
        call = msgspec.structs.replace(call, task=outcome.task)
    return _sighting(state, heard, call, entry.request, outcome, notes + outcome.notes)


def _asked(state: State, heard: Heard) -> Key | None:
    """The request of an error without an id: the one its HTTP exchange carried, when there is just one."""
    if heard.message.id not in (None, "null") or heard.message.kind is not Kind.ERROR:
        return None
    exchange = state.exchanges.open.get(heard.channel)
    keys = exchange.keys if exchange is not None and heard.end == "server" else ()
    return keys[0] if len(keys) == 1 and keys[0] in state.pending.open else None


def _see_late(state: State, heard: Heard, key: Key) -> Sighting:
    tomb = state.pending.tombs.get(key)
    if tomb is None:
        return _sighting(state, heard, None, None, Outcome(), ("orphan",))
    notes = {"answered": ("duplicate-answer",), "cancelled": ("late", "after-cancel")}.get(tomb.fate, ("late",))
    state.pending.tombs.put(key, msgspec.structs.replace(tomb, fate="answered"))
    return _sighting(state, heard, tomb.call, None, Outcome(), notes)


def _sighting(
    state: State, heard: Heard, call: Call | None, request: Message | None, outcome: Outcome, notes: tuple[str, ...]
) -> Sighting:
    return Sighting(
        heard.seq,
        heard.at,
        heard.end,
        heard.channel,
        heard.message,
        heard.message.kind,
        call.era if call else state.current or "stateful",
        heard.part,
        call.method if call else None,
        call.name if call else None,
        call,
        request,
        call.parents if call else (),
        call.confidence if call else "none",
        outcome.asks,
        outcome.task or (call.task if call else None),
        heard.at - call.at if call else None,
        notes,
    )


def _outcome(state: State, heard: Heard, entry: Open) -> Outcome:
    if entry.asks:
        return _answered_ask(state, heard, entry)
    if heard.message.kind is Kind.ERROR:
        return _failed(state, heard, entry)
    follow = _RESULTS.get(entry.call.method)
    if follow is not None:
        return follow(state, heard, entry)
    method = entry.method
    # INVARIANT: a result is looked into only where it may be a question or a task; most are not read at all.
    if method is None or not (method.rounds or method.tasks):
        return Outcome()
    return _maybe_not_the_end(state, heard, entry)


def _maybe_not_the_end(state: State, heard: Heard, entry: Open) -> Outcome:
    result = read(heard.message.result, Result)
    fields: TaskFields | None = None
    if entry.call.era == "stateful":
        fields = result.task
    elif result.type == "input_required":
        return _park(state, heard, entry, result)
    elif result.type == "task":
        fields = result
    if fields is None or fields.task_id is None:
        return Outcome()
    return Outcome(task=create_task(state, heard, entry, fields).id, keeps_token=entry.call.era == "stateful")


def _park(state: State, heard: Heard, entry: Open, result: Result) -> Outcome:
    asks = lift_inputs(Asker(heard.seq, heard.at, "input_request", (entry.call.seq,)), result.inputs)
    state.rounds.park(Round(entry.call, heard.seq, heard.at, asks), entry.request, result)
    state.counts.asks += len(asks)
    return Outcome(asks, notes=_undeclared(entry.call, asks))


def _undeclared(call: Call, asks: tuple[Ask, ...]) -> tuple[str, ...]:
    for ask in asks:
        notes = against_ask(ask, call.capabilities, call.version)
        if notes:
            return notes
    return ()


def _answered_ask(state: State, heard: Heard, entry: Open) -> Outcome:
    if heard.message.kind is Kind.RESULT and entry.call.era == "stateful":
        fields = read(heard.message.result, Result).task
        if fields is not None and fields.task_id is not None:
            # The client answers by a task of its own: the answer proper comes with tasks/result.
            task = create_task(state, heard, entry, fields)
            asks = tuple(msgspec.structs.replace(ask, task=task.id) for ask in entry.asks)
            state.tasks.asked(task, asks)
            return Outcome(asks, task.id, keeps_token=True)
    asks = tuple(answered(ask, heard.message) for ask in entry.asks)
    _remember_sign_ins(state, asks)
    return Outcome(asks)


def _remember_sign_ins(state: State, asks: tuple[Ask, ...]) -> None:
    for ask in asks:
        if is_sign_in(ask):
            state.sign_ins.put(ask.elicitation or "", ask)


def _failed(state: State, heard: Heard, entry: Open) -> Outcome:
    call = entry.call
    if call.method == "server/discover":
        _probe_failed(state, heard)
    elif call.method == "initialize":
        state.openings["stateful"] = opening.on_refused(state.openings["stateful"])
    elif call.method in ("tasks/get", "tasks/result") and call.task is not None:
        return task_error(state, heard, call)
    asks = lift_error(Asker(heard.seq, heard.at, "error", (call.seq,)), heard.message.error)
    state.counts.asks += len(asks)
    _remember_sign_ins(state, asks)
    return Outcome(asks)


def _probe_failed(state: State, heard: Heard) -> None:
    code = read(heard.message.error, Failure).code
    exchange = state.exchanges.open.get(heard.channel) if heard.channel != STDIO else None
    modern = code in opening.MODERN_ERRORS or (code == -32601 and exchange is not None and exchange.status == 404)
    if not modern and state.openings["stateless"].state == "asked":
        state.openings["stateless"] = opening.on_refused(state.openings["stateless"])
        state.current = "stateful"


def _on_initialize(state: State, heard: Heard, _: Open) -> Outcome:
    state.openings["stateful"] = opening.on_initialized_result(state.openings["stateful"], heard.message.result)
    return Outcome()


def _on_discover(state: State, heard: Heard, _: Open) -> Outcome:
    state.openings["stateless"] = opening.on_discovered(state.openings["stateless"], heard.message.result)
    return Outcome()


def _on_subscribe(state: State, heard: Heard, entry: Open) -> Outcome:
    if entry.call.name is not None:
        state.listening.resources.put(entry.call.name, heard.at)
    return Outcome()


def _on_unsubscribe(state: State, _: Heard, entry: Open) -> Outcome:
    state.listening.resources.pop(entry.call.name or "", None)
    return Outcome()


_RESULTS: dict[str, Callable[[State, Heard, Open], Outcome]] = {
    "initialize": _on_initialize,
    "server/discover": _on_discover,
    "tasks/get": on_task,
    "tasks/cancel": on_task,
    "tasks/result": on_task_result,
    "tasks/list": on_task_list,
    "resources/subscribe": _on_subscribe,
    "resources/unsubscribe": _on_unsubscribe,
}
