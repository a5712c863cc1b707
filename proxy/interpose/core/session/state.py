"""Everything one session is known to hold, in one place. Behaviour is in the files that read and write it."""

import msgspec

from interpose.core.events import End
from interpose.core.protocol import EXTENSIONS, VERSIONS, Era, Table, table
from interpose.core.session.asks import Ask
from interpose.core.session.exchanges import Exchanges
from interpose.core.session.listening import Listening
from interpose.core.session.opening import Capabilities, Opening
from interpose.core.session.pending import Fate, Key, Open, Pending
from interpose.core.session.ring import Ring
from interpose.core.session.rounds import Rounds
from interpose.core.session.tasks import Task, Tasks

_TABLES = {version: table(version, EXTENSIONS) for version in VERSIONS}
_NEWEST: dict[Era, Table] = {each.era: each for each in _TABLES.values()}
_MOST_PENDING = 65_536


class Counts(msgspec.Struct, gc=False):
    """How much a session has seen. `asks` counts each once, however often it is repeated."""

    messages: int = 0
    requests: int = 0
    notifications: int = 0
    results: int = 0
    errors: int = 0
    opaque: int = 0
    asks: int = 0
    tasks: int = 0
    noted: int = 0


class Held(msgspec.Struct, frozen=True, gc=False):
    """A message that a policy holds: since when, until when, and whether only its time is waited for."""

    seq: int
    at: float
    until: float
    what: str
    blocks: tuple[int, ...] = ()
    delayed: bool = False
    then: str | None = None


class State:
    """One session's state. `current` is the era the latest evidence speaks for; `gone` maps ends to when they left."""

    def __init__(self) -> None:
        self.openings: dict[Era, Opening] = {"stateful": Opening("stateful"), "stateless": Opening("stateless")}
        self.current: Era | None = None
        self.pending = Pending()
        self.exchanges = Exchanges()
        self.rounds = Rounds()
        self.tasks = Tasks(self._let_go)
        self.listening = Listening()
        self.sign_ins: Ring[str, Ask] = Ring(256)
        self.held: dict[str, Held] = {}
        self.gone: dict[End, float] = {}
        self.counts = Counts()

    def _let_go(self, task: Task) -> None:
        # 2025-11-25: a progress token lives as long as the task
        if task.origin is not None:
            self.pending.drop_token(task.origin)

    @property
    def opening(self) -> Opening:
        return self.openings[self.current or "stateful"]

    def table(self, era: Era, version: str | None) -> Table:
        """The table to read a message by; of an unknown version, the newest of the era."""
        found = _TABLES.get(version) if version is not None else None
        return found if found is not None and found.era == era else _NEWEST[era]

    def version(self, era: Era) -> str | None:
        return self.openings[era].version

    def declared(self, side: str, era: Era) -> Capabilities | None:
        opening = self.openings[era]
        return opening.client_capabilities if side == "client" else opening.server_capabilities

    def begin(self, entry: Open) -> tuple[str, ...]:
        """Wait for an answer. INVARIANT: bounded: a peer that never answers must not fill the memory."""
        notes = self.pending.add(entry)
        if len(self.pending.open) > _MOST_PENDING:
            self.stop(next(iter(self.pending.open)), "lost")
        return notes

    def stop(self, key: Key, fate: Fate, at: float | None = None, keep_token: bool = False) -> None:
        """No longer wait for an answer; `at` marks a cancellation's time."""
        self.listening.ended(key)
        self.pending.end(key, fate, at, keep_token)
