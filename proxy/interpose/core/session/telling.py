"""Following notifications: what an end tells without waiting for an answer."""

from collections.abc import Callable

import msgspec

from interpose.core.events import other
from interpose.core.protocol import Era
from interpose.core.session.asking import name_in, request_era
from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.nesting import Nest, listen_of, nest, task_of
from interpose.core.session.notes import against_table
from interpose.core.session.pending import SESSION, Key, Open, scope
from interpose.core.session.reading import Params, Result, ident, read
from interpose.core.session.sighting import Heard, Sighting
from interpose.core.session.state import State
from interpose.core.session.tasking import show_task


class Told(msgspec.Struct, gc=False):
    """What a notification is about."""

    call: Call | None = None
    nest: Nest | None = None
    asks: tuple[Ask, ...] = ()
    task: str | None = None
    notes: tuple[str, ...] = ()


def see_notification(state: State, heard: Heard) -> Sighting:
    """Follow a notification."""
    message = heard.message
    params = read(message.params, Params)
    era = request_era(state, heard, params)
    method = state.table(era, state.version(era)).get(message.method or "")
    notes = against_table(state, heard, era, method)
    follow = _FOLLOW.get(message.method or "")
    told = follow(state, heard, params, era) if follow is not None else _unlinked(state, heard, params, era)
    parents, confidence = told.nest or nest(state, heard, params, era)
    task = task_of(state, params) if told.task is None else None
    return Sighting(
        heard.seq,
        heard.at,
        heard.end,
        heard.channel,
        message,
        message.kind,
        era,
        heard.part,
        message.method,
        name_in(method, params),
        told.call,
        None,
        parents,
        confidence,
        told.asks,
        told.task or (task.id if task else params.task_id),
        None,
        notes + told.notes,
    )


def _unlinked(state: State, heard: Heard, params: Params, era: Era) -> Told:
    """A notification of no known consequence; on a listen stream it belongs to the listen request."""
    if params.meta is None or not params.meta.subscription:
        return Told()
    call = listen_of(state, heard, params, era)
    return Told(call) if call is not None else Told(notes=("unknown-subscription",))


def _on_initialized(state: State, _: Heard, __: Params, ___: Era) -> Told:
    opening = state.openings["stateful"]
    state.openings["stateful"] = msgspec.structs.replace(opening, state="ready")
    return Told()


def _on_progress(state: State, heard: Heard, params: Params, era: Era) -> Told:
    token = ident(params.token)
    if token is None:
        return Told(notes=("unknown-token",))
    asker = other(heard.end)
    for key in ((asker, heard.channel, token), (asker, SESSION, token)):
        entry = state.pending.tokens.get(key)
        if entry is not None:
            entry.progress = _progress(params)
            return Told(entry.call, _inside(entry.call))
        old = state.pending.old_tokens.get(key)
        if old is not None:
            return Told(old, _inside(old), notes=("late",))
    return Told(notes=("unknown-token",))


def _progress(params: Params) -> str | None:
    if params.progress is None:
        return None
    return f"{params.progress:g}" if params.total is None else f"{params.progress:g}/{params.total:g}"


def _inside(call: Call) -> Nest:
    """What is told about a client's call happens in it; about a server's request, in that one's calls."""
    return ((call.seq,), "certain") if call.end == "client" else (call.parents, call.confidence)


def _on_cancelled(state: State, heard: Heard, params: Params, era: Era) -> Told:
    wanted = ident(params.request_id)
    if wanted is None:
        return Told(notes=("unknown-request",))
    key = state.pending.find(heard.end, heard.channel, wanted)
    if heard.end == "server" and key not in state.pending.open:
        key = _listen_key(state, heard, wanted, era) or key
    entry = state.pending.open.get(key)
    if entry is None:
        return _cancelled_nothing(state, key)
    return _cancel(state, heard, entry)


def _listen_key(state: State, heard: Heard, wanted: str, era: Era) -> Key | None:
    """A server may end a listen stream by cancelling it (2026-07-28 §basic/cancellation, stdio)."""
    key: Key = ("client", scope(era, heard.channel), wanted)
    return key if key in state.listening.streams else None


def _cancelled_nothing(state: State, key: Key) -> Told:
    # An answer may cross a cancellation: then it is no cancellation of nothing.
    tomb = state.pending.tombs.get(key)
    return Told(notes=("unknown-request",)) if tomb is None else Told(tomb.call, _inside(tomb.call), notes=("late",))


def _cancel(state: State, heard: Heard, entry: Open) -> Told:
    notes: tuple[str, ...] = ()
    if entry.call.method == "initialize":
        notes = ("cancel-of-initialize",)
    elif entry.request is not None and entry.call.era == "stateful" and read(entry.request.params, Params).task:
        notes = ("cancel-of-task",)
    asks = tuple(ask.became("withdrawn") for ask in entry.asks)
    state.stop(entry.key, "cancelled", heard.at)
    return Told(entry.call, _inside(entry.call), asks, entry.call.task, notes)


def _on_elicitation_complete(state: State, _: Heard, params: Params, __: Era) -> Told:
    ask = state.sign_ins.pop(params.elicitation or "", None)
    if ask is None:
        return Told(notes=("unknown-ask",))
    return Told(nest=(ask.parents, "certain"), asks=(ask.became("done"),), task=ask.task)


def _on_task_status(state: State, heard: Heard, params: Params, era: Era) -> Told:
    fields = read(heard.message.params, Result)
    if fields.task_id is None:
        return Told()
    if era == "stateful":
        task, notes = state.tasks.hear(heard.end, fields, heard.at)
        return Told(task.origin.call if task.origin else None, task=task.id, notes=notes)
    shown = show_task(state, heard, fields)
    return Told(listen_of(state, heard, params, era), asks=shown.asks, task=shown.task, notes=shown.notes)


def _on_acknowledged(state: State, heard: Heard, params: Params, era: Era) -> Told:
    subscription = ident(params.meta.subscription) if params.meta else None
    key: Key = ("client", scope(era, heard.channel), subscription or "")
    if not state.listening.acknowledged(key, heard.message.params):
        return Told(notes=("unknown-subscription",))
    return _unlinked(state, heard, params, era)


_FOLLOW: dict[str, Callable[[State, Heard, Params, Era], Told]] = {
    "notifications/initialized": _on_initialized,
    "notifications/progress": _on_progress,
    "notifications/cancelled": _on_cancelled,
    "notifications/elicitation/complete": _on_elicitation_complete,
    "notifications/tasks/status": _on_task_status,
    "notifications/tasks": _on_task_status,
    "notifications/subscriptions/acknowledged": _on_acknowledged,
}
