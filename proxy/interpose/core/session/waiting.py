"""What waits, for whom and since when, as values. Not how it is shown, and not what a policy holds."""

from typing import Literal

import msgspec

from interpose.core.session.asks import Ask
from interpose.core.session.call import Call
from interpose.core.session.pending import Open
from interpose.core.session.rounds import Round
from interpose.core.session.state import Held, State
from interpose.core.session.tasks import Task

Who = Literal["USER", "MODEL", "CLIENT", "SERVER", "TASK", "STREAM", "NOBODY", "APPROVER", "DELAY"]

PARKED = "parked, may never come back"
ABANDONED = "abandoned"
RECONNECT = "the client reconnects"
REFUSED = "it is refused"
GOES_ON = "it goes on"
EXPIRES = "the task may be deleted"

_WHO: dict[str, Who] = {"elicitation": "USER", "sampling": "MODEL", "roots": "CLIENT"}


class Wait(msgspec.Struct, frozen=True, gc=False):
    """One thing that waits.

    `seq` is the message that waits, `blocks` the calls it holds up, `via` what it waits through: a call that waits on
    USER waits via the ask's message. `then` says what the deadline, or the wait itself, leads to.
    """

    who: Who
    since: float
    what: str
    seq: int
    blocks: tuple[int, ...] = ()
    via: tuple[int, ...] = ()
    deadline: float | None = None
    then: str | None = None


def waits(state: State, at: float) -> tuple[Wait, ...]:
    """What waits at a time, in the order in which it began to."""
    asked = _asked(state)
    found = [_of_call(state, entry, asked) for entry in state.pending.open.values() if not _is_listening(state, entry)]
    found += [wait for each in state.rounds.waiting() for wait in _of_round(each)]
    found += [wait for task in state.tasks.running.values() for wait in _of_task(task, _asked_in(state, task), at)]
    found += [_of_ask(ask) for ask in state.sign_ins.values() if _still_matters(state, ask)]
    found += [_of_broken(ended.call, ended.at) for ended in state.listening.broken.values()]
    held = {each.seq: each for each in state.held.values()}
    found = [wait for each in found if (wait := _behind(held, each)) is not None] if held else found
    found += map(_of_held, held.values())
    if state.gone:
        found = [msgspec.structs.replace(wait, who="NOBODY", then=ABANDONED, deadline=None) for wait in found]
    return tuple(sorted(found, key=lambda wait: (wait.since, wait.seq)))


def _behind(held: dict[int, Held], wait: Wait) -> Wait | None:
    """What waits through a held message waits for who holds it; the message itself has reached nobody yet."""
    if wait.seq in held:
        return None
    through = next((held[seq] for seq in wait.via if seq in held), None)
    if through is None:
        return wait
    return msgspec.structs.replace(wait, who=_holder(through), then=None if wait.deadline is None else wait.then)


def _holder(held: Held) -> Who:
    return "DELAY" if held.delayed else "APPROVER"


def _of_held(held: Held) -> Wait:
    then = GOES_ON if held.delayed else held.then or REFUSED
    return Wait(_holder(held), held.at, held.what, held.seq, held.blocks, (), held.until, then)


def _asked(state: State) -> dict[int, Ask]:
    """The ask that each call surely waits for: with several candidates nobody knows, and none is named."""
    open_asks = [
        ask
        for entry in state.pending.open.values()
        if entry.call.confidence in ("certain", "likely")
        for ask in entry.asks
    ]
    open_asks += [ask for ask in state.sign_ins.values() if ask.carrier == "request" and len(ask.parents) == 1]
    return {parent: ask for ask in open_asks for parent in ask.parents}


def _is_listening(state: State, entry: Open) -> bool:
    stream = state.listening.streams.get(entry.key)
    return stream is not None and stream.granted is not None


def _of_call(state: State, entry: Open, asked: dict[int, Ask]) -> Wait:
    call = entry.call
    if entry.asks:
        return _of_ask(entry.asks[0])
    wait = Wait("CLIENT" if call.end == "server" else "SERVER", call.at, _what(call, entry.progress), call.seq)
    wait = msgspec.structs.replace(wait, blocks=call.parents)
    ask = asked.get(call.seq)
    if ask is not None:
        return msgspec.structs.replace(wait, who=_WHO[ask.kind], via=(ask.seq,))
    if entry.lost is not None:
        retry = entry.lost.retry
        deadline = None if retry is None else entry.lost.at + retry
        return msgspec.structs.replace(wait, who="STREAM", deadline=deadline, then=RECONNECT)
    if call.method == "tasks/result" and call.task is not None:
        return msgspec.structs.replace(wait, who="TASK")
    return wait


def _what(call: Call, *more: str | None) -> str:
    return " ".join(word for word in (call.method, call.name, *more) if word)


def _of_ask(ask: Ask, then: str | None = None) -> Wait:
    what = f"{ask.method} {ask.mode}" if ask.mode else ask.method
    return Wait(_WHO[ask.kind], ask.at, what, ask.seq, ask.parents, then=then)


def _of_round(parked: Round) -> list[Wait]:
    """A parked call and what it asks. Without questions the client is only to ask again."""
    asks = [_of_ask(ask, PARKED) for ask in parked.asks]
    who: Who = asks[0].who if asks else "CLIENT"
    return [Wait(who, parked.at, _what(parked.call), parked.call.seq, via=(parked.seq,), then=PARKED), *asks]


def _asked_in(state: State, task: Task) -> tuple[Ask, ...]:
    """The asks that arrive as requests of their own but belong to a task (2025-11-25, related-task)."""
    return tuple(ask for entry in state.pending.open.values() for ask in entry.asks if ask.task == task.id)


def _of_task(task: Task, related: tuple[Ask, ...], at: float) -> list[Wait]:
    """A task and what it asks. One whose time has run out may be deleted, and waits for nobody."""
    call = task.origin.call if task.origin else None
    asks = [_of_ask(ask) for ask in task.asks]
    whom = asks + [_of_ask(ask) for ask in related]
    words = [f"task {task.id}", task.status, f"polled {task.polls}x"]
    if call is not None:
        words.insert(0, _what(call, task.origin.progress if task.origin else None))
    who: Who = whom[0].who if whom else "TASK"
    via = tuple(dict.fromkeys(wait.seq for wait in whom))
    over = task.expires_at is not None and task.expires_at <= at
    return [
        Wait(
            "NOBODY" if over else who,
            task.since,
            ", ".join(words),
            call.seq if call is not None else -1,
            via=via,
            deadline=task.expires_at,
            then=None if task.expires_at is None else EXPIRES,
        ),
        *asks,
    ]


def _still_matters(state: State, ask: Ask) -> bool:
    """A sign-in that nothing waits for any more is not shown: its completion may never be told."""
    waiting = {entry.call.seq for entry in state.pending.open.values()}
    return ask.carrier == "error" or not ask.parents or bool(waiting & set(ask.parents))


def _of_broken(call: Call, at: float) -> Wait:
    return Wait("STREAM", at, _what(call), call.seq, then=RECONNECT)
