"""What a server says in a relayed exchange: heard, and learnt from."""

from collections.abc import Sequence

import msgspec

from interpose.core.events import Frame, Responded
from interpose.core.wire.message import Message
from interpose.edge.front import Front
from interpose.edge.heads import Head, for_client, raw
from interpose.edge.relayed_hearing import Hearing
from interpose.edge.roster import SESSION_HEADER, RelayedSession, Roster
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.raw_headers import text
from interpose.edge.transports.sending import Answer


class RelayedAnswer:
    """`opens` tells whether the client asks for a session."""

    def __init__(
        self, front: Front, roster: Roster, session: RelayedSession, exchange: Exchange, hearing: Hearing
    ) -> None:
        self.opens = False
        self._front = front
        self._roster = roster
        self._session = session
        self._exchange = exchange
        self._hearing = hearing
        self._target = exchange.request.raw_path
        self._accepted = False

    def noticed(self, answer: Answer) -> Head:
        """Hear the head, with what follows it, and learn from it."""
        self._notice(answer)
        self._accepted = answer.status == 202
        self._hearing.unheard.append(
            Responded(self._hearing.clock(), self._hearing.channel, answer.status, text(answer.raw_headers))
        )
        return self.head(answer)

    def head(self, answer: Answer) -> Head:
        """What the client gets to see of its head."""
        headers = for_client(self._front, self._exchange.request, answer.raw_headers)
        return Head(answer.status, answer.reason, headers)

    def read(self, body: bytes) -> Message:
        """The message in a body that is not coded (`Interposer.read`)."""
        return self._session.conversation.core.read("server", self._hearing.channel, body)

    def hear(self, frames: Sequence[Frame], *, ended: bool) -> bool:
        """Hear frames, and with the last of them the end where nothing can come between: True for that."""
        return self._hearing.hear_said(frames, self._seen, ended=ended)

    def _seen(self, frame: Frame) -> None:
        """A frame was heard."""
        if self._session.enforces and frame.message is None and frame.block is None:
            self._leave_out(frame)
        if frame.block is not None and frame.block.event == "endpoint" and frame.block.data:
            self._learn_endpoint(frame.block.data)

    def _leave_out(self, frame: Frame) -> None:
        """What was not read was not judged, and does not go on."""
        if self._exchange.downstream and self._exchange.downstream[-1] is frame:
            self._exchange.downstream.pop()
            if self._accepted:  # with a 202 some servers say `Accepted`
                return
            note = f"{self._hearing.channel}: {len(frame.raw)} bytes that are no message were not handed on"
            self._session.conversation.tell("server", "note", note)

    def _learn_endpoint(self, data: bytes) -> None:
        """An `endpoint` event names the place to post to; a client must find it here (2024-11-05 §basic/transports)."""
        named = data.decode("utf-8", "surrogateescape")
        found = self._front.endpoint(self._target, named)
        if found is None:
            return
        address, said = found
        self._roster.learn_endpoint(self._session, address)
        if said != named and self._exchange.downstream:
            frame = self._exchange.downstream.pop()
            start = frame.raw.index(b"data:")
            rewritten = frame.raw[:start] + frame.raw[start:].replace(data, raw(said), 1)
            self._exchange.downstream.append(msgspec.structs.replace(frame, raw=rewritten))

    def _notice(self, answer: Answer) -> None:
        """Learn a session's id from a successful opening alone; see when a session is over, and where it moves."""
        request = self._exchange.request
        if self.opens and answer.ok:
            self._roster.learn_id(self._session, answer.headers)
        elif request.method == "DELETE" and answer.ok:
            self._session.over = "client ended the session"
        elif answer.status == 404 and SESSION_HEADER in request.headers:
            self._session.over = "the server no longer knows the session"
        elif answer.status in (307, 308) and "Location" in answer.headers:
            self._front.moved(self._target, answer.headers["Location"])
        elif answer.status == 401 and self._roster.sign_in is not None:
            self._roster.sign_in.see(answer.status, answer.headers.getall("WWW-Authenticate", ()))
