"""A worker: answers on the connections that its parent hands it, until the parent says so or is gone."""

import asyncio
import signal
import socket
from collections.abc import Awaitable
from functools import lru_cache, partial
from typing import Protocol, runtime_checkable

from aiohttp import web
from multidict import istr

from interpose.core.protocol.http import VERSION_HEADER
from interpose.edge.roster import SESSION_HEADER
from interpose.edge.transports.exchange import refusal
from interpose.edge.transports.listener import Door, runner_of
from interpose.edge.workers.connection import Server
from interpose.edge.workers.lane import Handed, Lane, Left, Moved, Owns, Ready, Stop, Word
from interpose.edge.workers.whose import Whose

_MOST = 1 << 16
_MOST_MOVED = 1 << 10
_READINGS = 1 << 10  # requests whose keys are remembered
_SESSION = istr(SESSION_HEADER)
_VERSION = istr(VERSION_HEADER)


@runtime_checkable
class Follower(Protocol):
    """A door that knows its server by paths."""

    def moved(self, target: str, location: str) -> None:
        """The server sent a client of another worker from this target on to that location (307, 308)."""


class Worker:
    """One process's part. What it owns stays here; what it forgets for want of room the parent still knows."""

    def __init__(self, lane: Lane, whose: Whose, host: str) -> None:
        self.whose = whose
        self._key_of = lru_cache(maxsize=_READINGS)(whose.key_of_parsed)
        self._door: Door | None = None
        self._moved: set[bytes] = set()  # paths that sessions are at, beyond those of `whose` at first
        self._lane = lane
        self._host = host
        self._keys: dict[bytes, None] = {}  # the longest known first
        self._stopping = asyncio.Event()
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, door: Door) -> None:
        """Answer until told to stop, then end what is open."""
        self._door = door
        loop = asyncio.get_running_loop()
        runner = runner_of(_Own(door, self), self._host, partial(self._make, door))
        await runner.setup()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_reader(self._lane.fileno(), self._hear)
        self._say(Ready())
        try:
            await self._stopping.wait()
        finally:
            loop.remove_reader(self._lane.fileno())
            await door.aclose()
            await runner.cleanup()

    def owns(self, key: bytes | None) -> bool:
        return key is None or key in self._keys

    def own(self, key: bytes) -> None:
        """INVARIANT: the parent can know before the client can."""
        if key not in self._keys:
            self._keep(key)
            self._say(Owns(key))

    def sessions_at(self, path: bytes) -> bool:
        """INVARIANT: all workers can know before the client can."""
        if path not in self._moved:
            if len(self._moved) == _MOST_MOVED or not isinstance(self._door, Follower):
                return False
            self._learn(path)
            self._say(Moved(path))
        return True

    def is_own(self, request: web.BaseRequest) -> bool:
        """The same for a request that was parsed."""
        headers = request.headers
        return self.owns(self._key_of(request.raw_path, headers.get(_SESSION), _VERSION in headers))

    def hand_back(self, connection: socket.socket, read: bytes) -> None:
        self._say(Handed(read), connection)

    def left(self) -> None:
        self._say(Left())

    def _make(self, door: Door, handler: object, **options: object) -> Server:
        self._server = Server(handler, owner=self, **options)
        return self._server

    def _hear(self) -> None:
        try:
            heard = self._lane.hear()
        except EOFError:
            self._stopping.set()
            asyncio.get_running_loop().remove_reader(self._lane.fileno())
            return
        for word, connection in heard:
            match word:
                case Handed(read, key):
                    if key:
                        self._keep(key)
                    if connection is None:
                        self.left()
                    else:
                        self._take(connection, read)
                case Moved(path):
                    self._learn(path)
                case Stop():
                    self._stopping.set()
                case _:
                    raise AssertionError(f"a parent does not say {word}")

    def _learn(self, path: bytes) -> None:
        self._moved.add(path)
        self.whose = self.whose.and_at(path)
        self._key_of = lru_cache(maxsize=_READINGS)(self.whose.key_of_parsed)
        if isinstance(self._door, Follower):
            at = path.decode("utf-8", "surrogateescape")
            self._door.moved(at, at)

    def _take(self, connection: socket.socket, read: bytes) -> None:
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._begin(connection, read))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, connection: socket.socket, read: bytes) -> None:
        assert self._server is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(partial(self._server.begin, read), connection)
        except OSError:  # it broke on the way
            connection.close()
            self.left()

    def _keep(self, key: bytes) -> None:
        self._keys[key] = None
        if len(self._keys) > _MOST:
            del self._keys[next(iter(self._keys))]

    def _say(self, word: Word, connection: socket.socket | None = None) -> None:
        """INVARIANT: out before whatever follows, so this may wait for the parent; the parent waits for nobody."""
        self._lane.say(word, connection)
        self._lane.settle()


class _Own:
    """A door that answers what is this worker's. Anything else comes here only with requests that were sent without
    waiting for the answer before, or with heads that can be read in two ways."""

    def __init__(self, door: Door, worker: Worker) -> None:
        self._door = door
        self._worker = worker

    def handle(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        return self._door.handle(request) if self._worker.is_own(request) else _misdirected()

    async def aclose(self) -> None:
        await self._door.aclose()


async def _misdirected() -> web.StreamResponse:
    response = refusal(421, "this connection has another session; use one of its own")
    response.force_close()
    return response
