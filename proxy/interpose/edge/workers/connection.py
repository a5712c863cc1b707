"""A client's connection in a worker: each request's head is looked at before it is read by anybody.

A request that another worker must answer leaves with its connection, to where the parent brings it; clients that pool
their connections use one for several sessions.
"""

import asyncio
import os
import socket
from typing import Any, Protocol, cast

from aiohttp import StreamReader, web

from interpose.edge.transports.arrivals import Arrivals
from interpose.edge.workers.naming import Naming, Overheard
from interpose.edge.workers.whose import HEAD_LIMIT, Whose, head_end, opens, place_key

_GLANCE = 0.001


class Owner(Protocol):
    """What a connection asks of its worker."""

    whose: Whose

    def owns(self, key: bytes | None) -> bool:
        """Whether exchanges with this key are answered here. Those without one are answered anywhere."""

    def own(self, key: bytes) -> None:
        """They are, from now on."""

    def sessions_at(self, path: bytes) -> bool:
        """Sessions are at this path too, from now on. Whether the door and others can be told so."""

    def hand_back(self, connection: socket.socket, read: bytes) -> None:
        """Let the parent find who answers what was read."""

    def left(self) -> None:
        """A connection has ended."""


class Connection(Arrivals):
    """One connection. `read` is what the parent read of it."""

    def __init__(self, owner: Owner, read: bytes, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._owner = owner
        self._early = read  # the beginning of a request that nobody has seen
        self._head = b""  # of the latest request that was answered here: the next one is often the same
        self._key: bytes | None = None  # of that one
        self._has_opened = False  # a session
        self._body: StreamReader | None = None  # of the latest request, as long as it has not come whole
        self._glance: asyncio.TimerHandle | None = None
        self._is_held_up = False
        self._overheard: Overheard | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._overheard = Overheard(cast(asyncio.Transport, transport))
        super().connection_made(cast(asyncio.BaseTransport, self._overheard))
        self._look()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._early = b""
        self._overheard = None
        self._stop_waiting()
        super().connection_lost(exc)
        self._owner.left()

    def data_received(self, data: bytes) -> None:
        if self._early:
            self._early += data
            self._look()
        elif not data or not self._begins:
            self._feed(data)
        elif self._head and data.startswith(self._head) and self._owner.owns(self._key):
            self._answer(data)
        else:
            self._early = data
            self._look()

    @property
    def _begins(self) -> bool:
        """Whether what comes now is the beginning of a request: the one before has come to its end."""
        return (self._body is None or self._body.is_eof()) and not self._upgraded and not self.has_begun

    def _look(self) -> None:
        """See whose the request is, as soon as its head is whole."""
        end = head_end(self._early) if self._early else 0
        if not end:
            return
        head = self._early[:end]
        key = self._owner.whose.key_of(head)
        if self._owner.owns(key) and not self._opens_another(key, head):
            self._accept(head, key)
        elif self._is_done:
            self._hand_back()
        else:
            self._wait()

    def _opens_another(self, key: bytes | None, head: bytes) -> bool:
        """Whether this may begin a session more: a client that has one connection for many would have all of them in
        one worker."""
        return key is None and self._has_opened and opens(head)

    def _accept(self, head: bytes, key: bytes | None) -> None:
        data, self._early = self._early, b""
        self._head, self._key = head, key
        self._stop_waiting()
        if self._is_held_up and self.transport is not None:
            self._is_held_up = False
            self.transport.resume_reading()
        self._answer(data)

    def _answer(self, data: bytes) -> None:
        if self._overheard is not None:
            self._overheard.listen(Naming(self._head, self).hear)
        self._feed(data)

    def named(self, key: bytes) -> None:
        """Heard in a reply: what is this worker's from now on."""
        if key != self._key:
            self._has_opened = True
            self._head = b""
            self._owner.own(key)

    def sent_on(self, target: bytes, onward: bytes) -> None:
        """Heard in a reply: where else its client is to ask."""
        has_sessions = self._owner.whose.has(target)
        if not (has_sessions and self._owner.sessions_at(onward.partition(b"?")[0])):
            self._owner.own(place_key(onward))

    def _feed(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:  # not only familiar ones
            body = self._messages[-1][1]
            self._body = None if body.is_eof() else body

    @property
    def _is_done(self) -> bool:
        """Whether all requests are answered, and the answers are out of our hands."""
        return self.is_idle and self.transport is not None and self.transport.get_write_buffer_size() == 0

    def _hand_back(self) -> None:
        self._stop_waiting()
        assert self.transport is not None
        try:
            connection = socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno()))
        except OSError:  # no more files can be opened
            connection = None
        read, self._early = self._early, b""
        self.force_close()
        if connection is not None:
            self._owner.hand_back(connection, read)

    def _wait(self) -> None:
        """The last answer is not out yet: look again soon."""
        if self.transport is None or self.transport.is_closing():
            return
        if len(self._early) > HEAD_LIMIT:
            self._is_held_up = True
            self.transport.pause_reading()
        if self._glance is None:
            self._glance = self._loop.call_later(_GLANCE, self._look_again)

    def _look_again(self) -> None:
        self._glance = None
        self._look()

    def _stop_waiting(self) -> None:
        if self._glance is not None:
            self._glance.cancel()
            self._glance = None


class Server(web.Server):
    """Makes connections that ask `owner` whose a request is."""

    def __init__(self, handler: Any, *, owner: Owner, **options: Any) -> None:
        super().__init__(handler, **options)
        self._owner = owner

    def begin(self, read: bytes) -> Connection:
        """A connection of which this was read."""
        return Connection(self._owner, read, self, loop=self._loop, **self._kwargs)
