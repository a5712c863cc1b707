"""The sessions that a host has open: which are whose, which server serves whom. Knows no HTTP."""

import asyncio
import hmac
import secrets
from collections.abc import Callable

from interpose.core.bridge.lanes import Lanes, LegacyLanes, SessionLanes, SharedLanes
from interpose.edge.conversations import Conversations
from interpose.edge.hosting_session import HostedSession
from interpose.edge.runner import Conversation

Begin = Callable[[Conversation, Lanes, bytes], HostedSession]


class Register:
    """Opens sessions as `begin` makes them, each with a server, and finds them again by an unguessable id.

    An id is good for the principal that opened the session and for nobody else (PROTOCOL 5, session ids).
    """

    def __init__(self, begin: Begin, conversations: Conversations) -> None:
        self._begin = begin
        self._conversations = conversations
        self._sessions: dict[str, HostedSession] = {}
        self._shared: HostedSession | None = None
        self._running: dict[asyncio.Task[None], HostedSession] = {}

    def open(self, owner: bytes) -> tuple[str, HostedSession]:
        """A session of 2025-03-26 to 2025-11-25, and its id."""
        return self._keep(self._start("http", SessionLanes(), owner))

    def open_legacy(self, owner: bytes) -> tuple[str, HostedSession]:
        """A session of 2024-11-05, and its id. It lasts as long as its stream."""
        return self._keep(self._start("sse", LegacyLanes(), owner))

    def find(self, ident: str, owner: bytes) -> HostedSession | None:
        """The session of an id, for its owner; None for everybody else, and when it is over."""
        session = self._sessions.get(ident)
        if session is None or session.over:
            return None
        if not hmac.compare_digest(session.owner, owner):
            # Not an exchange in the recording: a 404 there would say that the owner lost the session.
            session.conversation.tell("client", "note", "somebody else named this session: refused with 404")
            return None
        return session

    def shared(self) -> HostedSession:
        """The session of all stateless requests; begun now if there is none, or the last one is over."""
        before = self._shared
        if before is not None and not before.over:
            return before
        self._shared = session = self._start("http", SharedLanes(), b"")
        if before is not None:
            how = "is ending" if before.status is None else f"exited with status {before.status}"
            session.conversation.tell("server", "spawn", f"started again: the one before {how}")
        return session

    async def close(self, reason: str) -> None:
        """End all sessions, and wait for it."""
        for session in self._running.values():
            session.leave(reason)
        await asyncio.gather(*self._running)

    def _keep(self, session: HostedSession) -> tuple[str, HostedSession]:
        ident = secrets.token_urlsafe(32)
        self._sessions[ident] = session
        return ident, session

    def _start(self, transport: str, lanes: Lanes, owner: bytes) -> HostedSession:
        session = self._begin(self._conversations.open({"transport": transport}), lanes, owner)
        task = asyncio.create_task(session.run(self._conversations.close))
        self._running[task] = session
        task.add_done_callback(self._forget)
        return session

    def _forget(self, task: asyncio.Task[None]) -> None:
        over = self._running.pop(task)
        self._sessions = {ident: session for ident, session in self._sessions.items() if session is not over}
