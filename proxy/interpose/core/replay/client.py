"""Plays the recorded client against a live server, and reports where that differs from the recorded one.

A message is due when all that the recorded server said before it has come, but for what only time decides. The
server's questions are answered as recorded when they come; its tasks are polled until they are as far as recorded.
"""

from interpose.core.protocol import Era
from interpose.core.replay.awaited import Awaited
from interpose.core.replay.options import Options
from interpose.core.replay.player import (
    CANCELS,
    OWN_TOKEN,
    TOKEN,
    UNRECORDED,
    Player,
    Said,
    in_words,
)
from interpose.core.replay.polls import interval_of, is_ahead, is_behind
from interpose.core.replay.report import Finding
from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.replay.threads import CANCELLED, TIMED
from interpose.core.session.reading import Params, ident, read
from interpose.core.wire.ids import Path
from interpose.core.wire.message import Kind, Message
from interpose.core.wire.message import read as read_message

_PROGRESS = "notifications/progress"
_REPEATED = frozenset({"ping", "tasks/get", "tasks/list", "tasks/result"})  # a server may ask for these by itself
_MOST_LACKING = 100


class ClientPlayer(Player):
    """The recorded client."""

    def __init__(self, script: Script, options: Options, recording: str = "") -> None:
        super().__init__(script, options, recording)
        self._next = 0  # the first row that is not passed
        self._awaited = Awaited(script, self._done)
        self._calls: dict[str, int] = {}  # rows of requests that wait for their answers, by live id
        self._ids_of: dict[int, str] = {}  # the other way
        self._tokens: dict[str, int] = {}  # rows of requests, by the token that the server got
        self._asked: dict[str, str] = {}  # recorded progress tokens of the server's questions: the live ones
        self._furthest: dict[int, int] = {}  # by thread, the last row of the server that came
        self._last_answered: dict[int, int] = {}  # by key, the last question that was answered

    def begin(self) -> list[Said]:
        self._advance()
        return self._taken()

    @property
    def finished(self) -> bool:
        """Whether all was said and all that is waited for has come."""
        return self._next >= len(self.script) and not self._awaited.due and not self._polling

    @property
    def waiting(self) -> str | None:
        if self._awaited.due:
            return self.script.named(next(iter(self._awaited.due)))
        return None if self._next >= len(self.script) else self.script.named(self._next)

    @property
    def lacks(self) -> bool:
        """Whether something has not come that should have, though nothing waits for it."""
        return bool(self._lacking())

    def give_up(self, live: str) -> None:
        """Nothing more will come, and this is why."""
        self._findings.append(Finding("waiting", live, self.waiting or ""))

    @property
    def _polling(self) -> bool:
        return any(self.script.marks[row] & Mark.POLL for row in self._calls.values())

    # --- saying ------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Say all that is due."""
        script = self.script
        while self._next < len(script):
            row = self._next
            marks = script.marks[row]
            if marks & Mark.OWN:
                if not marks & Mark.RESPONSE:  # answers are said when their questions come
                    if self._awaited.due or not self._is_time_to_cancel(row):
                        return
                    self._say_own(row)
            elif not self._done[row]:
                awaited = self._awaited.due if self._is_significant(row, marks) else self._awaited.timed
                awaited[row] = None
            self._next += 1

    def _is_significant(self, row: int, marks: int) -> bool:
        if marks & Mark.FREE:
            return False
        return bool(marks & (Mark.REQUEST | Mark.RESPONSE)) or not self._is_free(self.script.method(row))

    def _is_time_to_cancel(self, row: int) -> bool:
        """A call is cancelled when it has said as much as it had when it was recorded."""
        script = self.script
        if script.method(row) != CANCELLED or (call := script.threads[row]) == NONE:
            return True
        said = script.follows[call]
        while said != NONE and said < row:
            if not script.own(said) and not self._done[said]:
                return False
            said = script.follows[said]
        return True

    def _say_own(self, row: int, poll: float | None = None) -> None:
        script, values = self.script, dict[Path, str]()
        method = script.method(row)
        if script.marks[row] & Mark.REQUEST:
            recorded = script.message(row).id or ""
            live = self._new_id(recorded)
            values["id",] = live
            if live != recorded:
                values[OWN_TOKEN] = live
            self._calls[live] = row
            self._ids_of[row] = live
        elif method == CANCELLED and (live := self._ids_of.get(script.threads[row], "")):
            values[CANCELS] = live
        elif method == _PROGRESS and (token := ident(read(script.message(row).params, Params).token)) is not None:
            values[TOKEN] = self._asked.get(token, token)
        raw = self._say(row, values, poll)
        if script.marks[row] & Mark.REQUEST and b"progressToken" in raw:
            self._follow_token(row, raw)

    def _follow_token(self, row: int, raw: bytes) -> None:
        meta = read(read_message(raw).params, Params).meta
        token = ident(meta.token) if meta is not None else None
        if token is not None:
            self._tokens[token] = row

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        match message.kind:
            case Kind.REQUEST:
                self._hear_question(message)
            case Kind.NOTIFICATION:
                self._hear_notification(message)
            case Kind.RESULT | Kind.ERROR:
                self._hear_answer(message)
            case _:
                self._find("extra", live=in_words(message))

    def _hear_answer(self, message: Message) -> None:
        request = self._calls.pop(message.id or "", NONE)
        if request == NONE:
            self._find("extra", live=in_words(message))
            return
        self._ids_of.pop(request, None)
        script, row = self.script, self.script.replies[request]
        if row == NONE or script.marks[row] & Mark.FREE:
            return  # it crossed a cancellation, when recorded or now
        if is_behind(script, request, message):
            self._say_own(request, interval_of(message))
            return
        name = self._name(request)
        if not self._equals(row, message, name) and not is_ahead(script, request, message):
            self._find("changed", row, in_words(message), self._compared(row, message, name))
        self._match_in_order(row, message)

    def _hear_question(self, message: Message) -> None:
        """A request of the server's: answered as recorded, whether it was asked quite like this or not."""
        row = self._recorded(message)
        key = self._request_key(message, self._era())
        if row == NONE and message.method in _REPEATED:
            self._repeat(key, message)
            return
        if row == NONE:
            row = self._awaited.alike(message.method or "")
            if row == NONE:
                self._find("extra", live=message.method or "")
                text = "replay: the recorded server did not ask for this"
                self._say_error(message.id or "", UNRECORDED, text, {})
                return
            self._find("changed", row, message.method or "", self._compared(row, message))
        self._last_answered[key] = row
        self._match_in_order(row, message)
        self._answer(row, message)

    def _answer(self, row: int, message: Message) -> None:
        recorded, live = (_token(each) for each in (self.script.message(row), message))
        if recorded is not None and live is not None:
            self._asked[recorded] = live
        reply = self.script.replies[row]
        if reply != NONE:
            self._say(reply, {("id",): message.id or ""})

    def _repeat(self, key: int, message: Message) -> None:
        """A poll of the server's beyond the recorded ones: the last state is shown again."""
        row = self._last_answered.get(key, NONE)
        if row != NONE:
            self._answer(row, message)
        elif message.method == "ping":
            self._out.append(Said(b'{"jsonrpc":"2.0","id":%b,"result":{}}' % (message.id or "").encode()))
        else:
            self._find("extra", live=message.method or "")
            self._say_error(message.id or "", UNRECORDED, "replay: the recorded server did not ask for this", {})

    def _hear_notification(self, message: Message) -> None:
        method = message.method or ""
        thread = self._thread_of(message)
        row = self._recorded(message, thread)
        if row == NONE:
            row = self._awaited.alike(method, thread)
            if row == NONE:
                if not self._is_forgiven(method, thread):
                    self._find("extra", live=method)
                return
            if not self.script.marks[row] & Mark.FREE:
                self._find("changed", row, method, self._compared(row, message))
        self._match_in_order(row, message)

    def _is_forgiven(self, method: str, thread: int) -> bool:
        """Whether one more of these is no difference: time decides, or the call is cancelled and races with it."""
        timed = method in TIMED and (method not in (_PROGRESS, "notifications/message") or self._is_cancelled(thread))
        return timed or (self._free is not None and self._free(method)) or method == CANCELLED

    def _is_cancelled(self, thread: int) -> bool:
        script = self.script
        row = NONE if thread == NONE else script.follows[thread]
        while row != NONE:
            if script.own(row) and script.method(row) == CANCELLED:
                return True
            row = script.follows[row]
        return False

    def _thread_of(self, message: Message) -> int:
        """The row of the call that progress is about."""
        if message.method != _PROGRESS:
            return NONE
        token = ident(read(message.params, Params).token)
        return self._tokens.get(token or "", NONE)

    def _recorded(self, message: Message, thread: int = NONE) -> int:
        """The recorded row that a live question or notification is; NONE when it was never recorded."""
        rows = (self._awaited.equal(key, thread) for key in self._keys(message, self._era()))
        return next((row for row in rows if row != NONE), NONE)

    def _match_in_order(self, row: int, message: Message) -> None:
        script = self.script
        self._match(row, message)
        self._awaited.came(row)
        thread = script.threads[row]
        if thread == NONE or not script.marks[row] & Mark.CERTAIN or script.marks[row] & Mark.FREE:
            return
        furthest = self._furthest.get(thread, NONE)
        if row < furthest:
            self._find("order", row, script.named(furthest))
        else:
            self._furthest[thread] = row

    def _era(self) -> Era:
        marks = self.script.marks[min(self._next, len(self.script) - 1)] if len(self.script) else 0
        return "stateless" if marks & Mark.STATELESS else "stateful"

    # --- at the end --------------------------------------------------------------------------------------------------

    def _lacking(self) -> tuple[Finding, ...]:
        script, found = self.script, list[Finding]()
        for row, marks in enumerate(script.marks):
            if not marks & (Mark.OWN | Mark.FREE) and not self._done[row] and self._counts(row):
                found.append(Finding("missing", "", script.named(row), script.seqs[row] + 1))
        return tuple(found[:_MOST_LACKING])

    def _counts(self, row: int) -> bool:
        """Whether this should have come: nobody misses what time decides, nor what races with a cancellation."""
        method = self.script.method(row)
        if method in TIMED and method not in (_PROGRESS, "notifications/message"):
            return False
        return self._free is None or not self._free(method)


def _token(message: Message) -> str | None:
    meta = read(message.params, Params).meta
    return ident(meta.token) if meta is not None else None
