"""Following tasks: what creates one, what its owner says of it, and how it ends, in both dialects."""

import msgspec

from interpose.core.session.asks import Ask, Asker, answered, lift_inputs
from interpose.core.session.call import Call
from interpose.core.session.pending import Open, token_key
from interpose.core.session.reading import Failure, Result, TaskFields, read
from interpose.core.session.sighting import Heard
from interpose.core.session.state import State
from interpose.core.session.tasks import Task

_INVALID_PARAMS = -32602


class Outcome(msgspec.Struct, gc=False):
    """What an answer meant, beyond being one."""

    asks: tuple[Ask, ...] = ()
    task: str | None = None
    notes: tuple[str, ...] = ()
    keeps_token: bool = False


def create_task(state: State, heard: Heard, entry: Open, fields: TaskFields) -> Task:
    state.counts.tasks += 1
    # The task may live for hours: it keeps who asked for it, not what was asked.
    origin = Open(entry.key, entry.call, None, entry.method)
    if entry.call.era == "stateful" and state.pending.tokens.get(token_key(entry)) is entry:
        state.pending.tokens[token_key(entry)] = origin  # 2025-11-25: the token lives as long as the task
    return state.tasks.create(heard.end, origin, fields, heard.at)


def show_task(state: State, heard: Heard, fields: Result) -> Outcome:
    """A task as its owner shows it (2026-07-28: with what it asks)."""
    task, notes = state.tasks.hear(heard.end, fields, heard.at)
    if task.over or heard.end == "client":
        return Outcome(task=task.id, notes=notes)
    parents = (task.origin.call.seq,) if task.origin else ()
    shown = lift_inputs(Asker(heard.seq, heard.at, "task", parents, task.id), fields.inputs)
    asks = state.tasks.asked(task, shown) if fields.status is not None else ()
    state.counts.asks += sum(ask.seq == heard.seq for ask in asks)
    return Outcome(asks, task.id, notes)


def task_error(state: State, heard: Heard, call: Call) -> Outcome:
    task_id = call.task or ""
    if read(heard.message.error, Failure).code == _INVALID_PARAMS:
        state.tasks.gone(heard.end, task_id, heard.at)
        return Outcome(task=task_id)
    return _ended_task(state, heard, task_id, "failed") if call.method == "tasks/result" else Outcome(task=task_id)


def _ended_task(state: State, heard: Heard, task_id: str, status: str) -> Outcome:
    known = state.tasks.get(heard.end, task_id)
    asks = tuple(answered(ask, heard.message) for ask in known.asks) if known and known.owner == "client" else ()
    if known is not None and known.over:
        return Outcome(asks, task_id)  # the answer repeats an end that a poll has already told
    return Outcome(asks, task_id, state.tasks.hear(heard.end, TaskFields(task_id, status), heard.at)[1])


def on_task(state: State, heard: Heard, entry: Open) -> Outcome:
    fields = read(heard.message.result, Result)
    if fields.task_id is None:
        return Outcome(task=entry.call.task)  # the extension acknowledges without a state
    return show_task(state, heard, fields)


def on_task_result(state: State, heard: Heard, entry: Open) -> Outcome:
    failed = read(heard.message.result, Result).failed is True
    task_id = entry.call.task
    return _ended_task(state, heard, task_id, "failed" if failed else "completed") if task_id is not None else Outcome()


def on_task_list(state: State, heard: Heard, _: Open) -> Outcome:
    for raw in read(heard.message.result, Result).tasks or ():
        fields = read(raw, TaskFields)
        if fields.task_id is not None:
            state.tasks.hear(heard.end, fields, heard.at)
    return Outcome()
