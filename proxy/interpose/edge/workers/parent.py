"""The parent of workers: accepts connections, brings each to its worker, and sees to it that there are workers.

One thread, no event loop: it forks. Once a connection is handed over, its exchanges cost nothing here.
"""

import hashlib
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from interpose.core.errors import EndError
from interpose.edge.workers.arrivals import Arrival, Arrivals, again
from interpose.edge.workers.lane import Handed, Lane, Left, Moved, Owns, Ready, Stop, pair
from interpose.edge.workers.places import Places
from interpose.edge.workers.process import Say, exit_status, fork
from interpose.edge.workers.waking import Waking
from interpose.edge.workers.whose import Whose, head_end, opens, value_of

_PATIENCE = 10.0  # how long workers may take to stop
_MOST_DEATHS, _WITHIN = 5, 60.0
_NO_MORE_FILES = 0.1  # how long nothing is accepted where no file can be opened


@dataclass(eq=False, slots=True)
class _Child:
    """A worker as its parent knows it."""

    number: int
    pid: int
    lane: Lane
    is_ready: bool = False


class Parent:
    """`begin` is what a worker does with its end of a lane."""

    def __init__(
        self,
        count: int,
        listening: list[socket.socket],
        whose: Whose,
        begin: Callable[[Lane], int],
        ready: Callable[[int], None],
        say: Say,
    ) -> None:
        self._count = count
        self._listening = listening
        self._whose = whose
        self._begin = begin
        self._ready: Callable[[int], None] | None = ready
        self._say = say
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}
        self._moved: list[bytes] = []  # paths that sessions are at, beyond those of `whose` at first
        self._started = 0
        self._places = Places()
        self._arrivals = Arrivals()
        self._unplaced: deque[Arrival] = deque()
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        self._resume_at: float | None = None
        self._crowded = False  # people were told
        self._stop_by: float | None = None
        self._status = 0

    def run(self) -> int:
        """Returns the exit status."""
        with Waking(self._selector) as waking:
            for _ in range(self._count):
                self._start()
            while self._children:
                for key, _ in self._selector.select(self._next()):
                    if key.fd in self._selector.get_map():
                        key.data()
                self._place_all()
                self._reap()
                self._look_at_clock()
                if waking.asked and self._stop_by is None:
                    self._stop()
            self._stop_listening()
        self._selector.close()
        return self._status

    # --- connections -------------------------------------------------------------------------------------------------

    def _accept(self, listening: socket.socket) -> None:
        try:
            while True:
                sock, address = listening.accept()
                sock.setblocking(False)
                arrival = self._arrivals.add(sock, str(address[0]), time.monotonic())
                self._selector.register(sock, selectors.EVENT_READ, partial(self._read, arrival))
        except BlockingIOError:
            return
        except ConnectionError:
            return
        except OSError as error:
            self._pause(error)

    def _pause(self, error: OSError) -> None:
        """There is no room for another connection now."""
        if not self._crowded:
            self._crowded = True
            self._say(f"connections have to wait: {error.strerror}")
        for listening in self._listening:
            self._selector.unregister(listening)
        self._resume_at = time.monotonic() + _NO_MORE_FILES

    def _listen(self) -> None:
        self._resume_at = None
        for listening in self._listening:
            self._selector.register(listening, selectors.EVENT_READ, partial(self._accept, listening))

    def _read(self, arrival: Arrival) -> None:
        try:
            if not arrival.read():
                return
        except EOFError:
            self._drop(arrival)
            return
        self._forget(arrival)
        self._unplaced.append(arrival)

    def _place_all(self) -> None:
        """Bring connections to workers. What workers have said is heard first: a client may have been told a session's
        id a moment ago."""
        while self._unplaced:
            for child in tuple(self._children.values()):
                self._hear(child)
            if not self._places.workers:  # they start again
                return
            self._place(self._unplaced.popleft())

    def _place(self, arrival: Arrival) -> None:
        head = arrival.data[: head_end(arrival.data)]
        key = self._whose.key_of(head)
        child = self._children[self._places.place(key, _client(arrival.host, head), opens=opens(head))]
        child.lane.say(Handed(arrival.data, key or b""), arrival.sock)
        self._watch(child)

    def _forget(self, arrival: Arrival) -> None:
        self._selector.unregister(arrival.sock)
        self._arrivals.remove(arrival)

    def _drop(self, arrival: Arrival) -> None:
        self._forget(arrival)
        arrival.sock.close()

    # --- workers -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        ours, theirs = pair()

        def run() -> int:
            self._let_go(ours)
            return self._begin(theirs)

        self._started += 1
        child = _Child(self._started, fork(run, self._say), ours)
        theirs.close()
        self._children[child.number] = child
        self._selector.register(ours, selectors.EVENT_READ, partial(self._talk, child))

    def _let_go(self, ours: Lane) -> None:
        """In a new worker: whatever it holds open, nobody else can end."""
        self._selector.close()
        for sock in (*self._listening, *(arrival.sock for arrival in (*self._arrivals.all(), *self._unplaced))):
            sock.close()
        for lane in (ours, *(child.lane for child in self._children.values())):
            lane.close()

    def _talk(self, child: _Child) -> None:
        child.lane.push()
        self._hear(child)
        self._watch(child)

    def _watch(self, child: _Child) -> None:
        """Wait for what it says, and for room where it has not taken all."""
        with suppress(KeyError):
            all_out = child.lane.push()
            events = selectors.EVENT_READ if all_out else selectors.EVENT_READ | selectors.EVENT_WRITE
            key = self._selector.get_key(child.lane)
            if key.events != events:
                self._selector.modify(child.lane, events, key.data)

    def _hear(self, child: _Child) -> None:
        try:
            heard = child.lane.hear()
        except EOFError:  # it is about to end: `_reap` knows
            with suppress(KeyError):
                self._selector.unregister(child.lane)
            return
        for word, connection in heard:
            match word:
                case Owns(key):
                    self._places.own(key, child.number)
                case Moved(path):
                    self._pass_on(path, child)
                case Left():
                    self._places.left(child.number)
                case Handed(read):
                    if connection is not None:
                        self._unplaced.append(again(connection, read))
                case Ready():
                    self._join(child)
                case Stop():
                    raise AssertionError("a worker does not say when to stop")

    def _pass_on(self, path: bytes, origin: _Child) -> None:
        """INVARIANT: others know before a connection is brought to them that goes there."""
        if path in self._moved:
            return
        self._whose = self._whose.and_at(path)
        self._moved.append(path)
        for child in self._children.values():
            if child.is_ready and child is not origin:
                child.lane.say(Moved(path))
                self._watch(child)

    def _join(self, child: _Child) -> None:
        child.is_ready = True
        for path in self._moved:
            child.lane.say(Moved(path))
        self._places.join(child.number)
        if self._ready is not None and sum(each.is_ready for each in self._children.values()) == self._count:
            self._listen()
            self._ready(self._listening[0].getsockname()[1])
            self._ready = None

    def _reap(self) -> None:
        for child in tuple(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._bury(child, exit_status(status))

    def _bury(self, child: _Child, status: int) -> None:
        self._hear(child)
        with suppress(KeyError):
            self._selector.unregister(child.lane)
        child.lane.close()
        del self._children[child.number]
        self._places.quit(child.number)
        if self._stop_by is not None:
            if child.is_ready or status >= 0:  # one that had not begun was told by a signal
                self._status = max(self._status, status if status >= 0 else EndError.exit_code)
        elif self._ready is not None:  # it said why it cannot begin
            self._status = max(self._status, status if status > 0 else EndError.exit_code)
            self._stop()
        else:
            self._replace(child, status)

    def _replace(self, child: _Child, status: int) -> None:
        """A worker that ends unasked is replaced, unless they keep ending."""
        how = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
        now = time.monotonic()
        if len(self._deaths) == _MOST_DEATHS and self._deaths[0] > now - _WITHIN:
            self._say(f"worker {child.number} {how}; they keep ending, so interpose stops")
            self._status = EndError.exit_code
            self._stop()
            return
        self._deaths.append(now)
        self._say(f"worker {child.number} {how}, and its sessions with it; another one starts")
        self._start()

    # --- time and signals --------------------------------------------------------------------------------------------

    def _next(self) -> float | None:
        """How long there is nothing to do of our own."""
        times = [each for each in (self._arrivals.until, self._resume_at, self._stop_by) if each is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if self._resume_at is not None and self._resume_at <= now:
            self._listen()
        for arrival in self._arrivals.overdue(now):
            self._drop(arrival)
        if self._stop_by is not None and self._stop_by <= now:
            for child in self._children.values():
                os.kill(child.pid, signal.SIGKILL)
            self._stop_by = now + _PATIENCE

    def _stop(self) -> None:
        """Nobody comes in any more; workers end what is open, and themselves."""
        self._stop_by = time.monotonic() + _PATIENCE
        self._stop_listening()
        for child in self._children.values():
            if child.is_ready:
                child.lane.say(Stop())
                self._watch(child)
            else:
                os.kill(child.pid, signal.SIGTERM)

    def _stop_listening(self) -> None:
        self._resume_at = None
        for listening in self._listening:
            with suppress(KeyError):
                self._selector.unregister(listening)
            listening.close()
        self._listening = []
        for arrival in self._arrivals.all():
            self._drop(arrival)
        while self._unplaced:
            self._unplaced.popleft().sock.close()


def _client(host: str, head: bytes) -> bytes:
    """Who a client is as far as one can see: address, program, credential (its digest only)."""
    agent = value_of(head, b"user-agent") or b""
    credential = value_of(head, b"authorization") or b""
    return b"\n".join((host.encode(), agent, hashlib.sha256(credential).digest()))
