"""Plays the recorded server for a live client. A call's thread is what happens inside it; threads never wait for one
another but where a message was said outside of calls, or after the call that it belongs to.
"""

from interpose.core.protocol import Era, era
from interpose.core.replay import branch
from interpose.core.replay.difference import Difference, told
from interpose.core.replay.nearest import nearest
from interpose.core.replay.options import Options
from interpose.core.replay.player import (
    BRANCHED,
    CANCELS,
    TOKEN,
    UNRECORDED,
    Player,
    Said,
    in_words,
)
from interpose.core.replay.polls import States, interval_of, is_ahead, is_behind
from interpose.core.replay.runs import Run, Runs
from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.replay.threads import CANCELLED, POLLS
from interpose.core.session.reading import Params, ident, read
from interpose.core.wire.message import Kind, Message

_PROGRESS = "notifications/progress"
_OPENINGS = frozenset({"initialize", "server/discover"})
# Requests that a client repeats by itself: once all recorded ones are used up, the last answer is given again.
_REPEATABLE = (
    POLLS
    | _OPENINGS - {"initialize"}
    | {*("tools/list", "prompts/list", "resources/list", "resources/templates/list", "tasks/result")}
)
_MOST_UNASKED = 1000


class ServerPlayer(Player):
    """The recorded server."""

    def __init__(self, script: Script, options: Options, recording: str = "") -> None:
        super().__init__(script, options, recording)
        self._era: Era = "stateful"
        self._states = States(script, self._done)
        self._unused: dict[int, int] = {}  # by key, the first row that no live request has used, once one has
        self._calls: dict[str, Run] = {}  # that wait for their answers, by live id
        self._asked: dict[str, tuple[int, Run]] = {}  # by the id that the client was asked under
        self._runs = Runs(script, self._done)
        self._root = Run(NONE, script.root)
        self._go(self._root)

    def begin(self) -> list[Said]:
        self._advance()
        return self._taken()

    @property
    def waiting(self) -> str | None:
        asked = [self.script.named(row) for row, run in self._asked.values() if not run.over]
        if asked:
            return f"an answer to {asked[0]}"
        row = self._runs.waited_for()
        return None if row == NONE else self.script.named(row)

    def _unasked(self) -> tuple[str, ...]:
        """The client's requests that never came."""
        found = []
        for row, marks in enumerate(self.script.marks):
            if marks & Mark.REQUEST and not marks & (Mark.OWN | Mark.FREE | Mark.POLL) and not self._done[row]:
                found.append(row)
        return tuple(self.script.named(row) for row in found[:_MOST_UNASKED])

    # --- threads -----------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Say all that is due, in the order of the recording."""
        while (due := self._runs.take()) is not None:
            self._say_in(*due)
            self._go(due[1])

    def _go(self, run: Run) -> None:
        self._runs.go(run)

    def _came(self, row: int) -> None:
        """A message of the client's is here: what waited for it goes on."""
        for run in self._runs.waiting_for(row):
            self._go(run)

    def _say_in(self, row: int, run: Run) -> None:
        script, marks = self.script, self.script.marks[row]
        values = {} if run.token is None else {TOKEN: run.token}
        if marks & Mark.RESPONSE:
            self._calls.pop(run.id, None)
            values["id",] = run.id
        elif marks & Mark.REQUEST:
            self._ask(row, run)
            return
        elif script.method(row) == _PROGRESS and run.token is None:
            return  # nobody asked for it this time
        elif script.method(row) == CANCELLED:
            values = self._cancelled_id(row, run)
        self._say(row, values)

    def _ask(self, row: int, run: Run, poll: float | None = None) -> None:
        """Ask the client something; its tasks again and again, until they are as far as recorded."""
        live = self._new_id(self.script.message(row).id or "")
        self._asked[live] = row, run
        self._say(row, {("id",): live}, poll)

    def _cancelled_id(self, row: int, run: Run) -> dict[tuple[str, ...], str]:
        """The request that a cancellation of the server's names: one of its own, or a client's listen."""
        wanted = read(self.script.message(row).params, Params)
        recorded = ident(wanted.request_id)
        for live, (ask, _) in self._asked.items():
            if self.script.message(ask).id == recorded:
                return {CANCELS: live}
        return {CANCELS: run.id} if run.id else {}

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        match message.kind:
            case Kind.REQUEST:
                self._hear_request(message)
            case Kind.NOTIFICATION:
                self._hear_notification(message)
            case Kind.RESULT | Kind.ERROR:
                self._hear_answer(message)
            case _:
                self._find("extra", live=in_words(message))

    def _hear_request(self, message: Message) -> None:
        params = read(message.params, Params)
        self._see_era(message, params)
        row = self._recorded(message, message.method or "")
        if row == NONE:
            row = self._other(message, params)
        if row != NONE:
            self._begin(row, message, params)
        elif message.method == "ping":
            self._out.append(Said(b'{"jsonrpc":"2.0","id":%b,"result":{}}' % (message.id or "").encode()))

    def _see_era(self, message: Message, params: Params) -> None:
        if message.method in _OPENINGS:
            self._era = "stateful" if message.method == "initialize" else "stateless"
        elif params.meta is not None and params.meta.version is not None:
            self._era = era(params.meta.version)

    def _recorded(self, message: Message, method: str) -> int:
        """The recorded row that a live request or notification is; NONE when it was never recorded."""
        rows = (self._pick(key, method) for key in self._keys(message, self._era))
        return next((row for row in rows if row != NONE), NONE)

    def _pick(self, key: int, method: str) -> int:
        """The recorded request that a live one is: the first that is not used, else one that may be repeated."""
        if method in POLLS:
            return self._states.show(key)
        script = self.script
        row = before = self._unused.get(key, script.first.get(key, NONE))
        while row != NONE and self._done[row]:
            before, row = row, script.twins[row]
        if before != row:
            self._unused[key] = before if row == NONE else row
        if row != NONE:
            return row
        return before if method in _REPEATABLE or self._options.match == "request" else NONE

    def _begin(self, row: int, message: Message, params: Params) -> None:
        """A live request is a recorded one: its thread begins, or its answer is given again."""
        again = bool(self._done[row])
        token = ident(params.meta.token) if params.meta is not None else None
        run = Run(row, self.script.follows[row], message.id or "", token)
        self._match(row, message)
        if again and (message.method in _REPEATABLE or self._options.match != "request"):
            run.next, run.repeats = self.script.replies[row], True
        elif again:
            run.again = set()
        self._calls[run.id] = run
        self._go(run)
        self._came(row)

    def _hear_notification(self, message: Message) -> None:
        if message.method == CANCELLED:
            self._hear_cancelled(message)
            return
        row = self._recorded(message, "")
        if row != NONE:
            self._match(row, message)
            self._came(row)
        elif not self._is_free(message.method or ""):
            self._find("extra", live=in_words(message))

    def _hear_cancelled(self, message: Message) -> None:
        """Its very existence is a race: where none was recorded, the call just ends."""
        wanted = ident(read(message.params, Params).request_id)
        run = self._calls.get(wanted or "")
        if run is None:
            return
        row = run.next
        while row != NONE and (self.script.own(row) or self.script.method(row) != CANCELLED):
            row = self.script.follows[row]
        if row == NONE:
            run.over = True
            self._calls.pop(run.id)
        else:
            self._match(row, message)
            self._came(row)

    def _hear_answer(self, message: Message) -> None:
        asked = self._asked.pop(message.id or "", None)
        if asked is None:
            self._find("extra", live=in_words(message))
            return
        ask, run = asked
        row = self.script.replies[ask]
        if row == NONE:
            return  # nobody answered it when it was recorded: it was cancelled, or the session ended
        if is_behind(self.script, ask, message):
            self._ask(ask, run, interval_of(message))
            return
        name = self._name(ask)
        if not self._equals(row, message, name) and not is_ahead(self.script, ask, message):
            recorded, found = branch.outcome(self.script.message(row)), branch.outcome(message)
            self._find("branch", row, found, self._compared(row, message, name))
            if not self._options.lenient:
                self._break_off(row, run, recorded, found)
                return
        self._match(row, message)
        if run.again is not None:
            run.again.add(row)
        self._came(row)

    # --- what the recording does not go on from ----------------------------------------------------------------------

    def _break_off(self, row: int, run: Run, recorded: str, live: str) -> None:
        """End the call that a branch belongs to; what else waited for the answer goes on without it."""
        self._done[row] = 1
        self._fail(run, recorded, live)
        for other in self._runs.waiting_for(row):
            if other.head != NONE and self.script.method(other.head) == "tasks/result":
                self._fail(other, recorded, live)
            else:
                self._go(other)

    def _fail(self, run: Run, recorded: str, live: str) -> None:
        if run.head == NONE:
            self._go(run)
            return
        run.over = True
        if self._calls.pop(run.id, None) is not None:
            self._say_branch(run.id, recorded, live)

    def _say_branch(self, ident: str, recorded: str, live: str) -> None:
        text = f"replay: the recording goes on from {recorded}, and {live} came"
        self._say_error(ident, BRANCHED, text, {"recorded": recorded, "live": live})

    def _other(self, message: Message, params: Params) -> int:
        """What to make of a request that was never recorded like this. NONE: nothing, it is refused."""
        found = nearest(self.script, self._normal, self._done, self._as_recorded(message), self._era)
        if found is None:
            if message.method != "ping":
                self._refuse(message, NONE, ())
            return NONE
        near, differing = found
        if message.method in _OPENINGS:
            self._find("changed", near, in_words(message), differing)
            return near
        if params.answers is not None:
            recorded, came = branch.rounds(self.script.message(near), message)
            if differing and all(each.path.startswith("$.params.inputResponses") for each in differing):
                self._find("branch", near, came, differing)
                if self._options.lenient:
                    return near
                self._say_branch(message.id or "", recorded, came)
                return NONE
        self._refuse(message, near, differing)
        return NONE

    def _refuse(self, message: Message, near: int, differing: tuple[Difference, ...]) -> None:
        """Answer that this was never recorded, and what comes closest."""
        method = message.method or ""
        self._find("unrecorded", near, method, differing)
        if near == NONE:
            text = f"replay: no `{method}` was recorded"
        elif not differing:
            text = f"replay: {self.script.named(near)} was asked more often than recorded"
        else:
            text = f"replay: never recorded; the closest is {self.script.named(near)}: {told(differing[0])}"
        self._say_error(message.id or "", UNRECORDED, text, {"differences": [told(each) for each in differing[:20]]})
