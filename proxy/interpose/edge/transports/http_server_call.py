"""The client's messages on their way to an HTTP server, and which of the requests in them still wait."""

import asyncio

import anyio
import msgspec

from interpose.core.session.reading import Params, ident
from interpose.core.session.reading import read as read_members
from interpose.core.wire.http import Position, verbatim_id
from interpose.core.wire.message import Kind, Message
from interpose.edge.transports.bodies import Body

LISTEN = "subscriptions/listen"


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request that waits: its method, and its id exactly as the client spelled it."""

    method: str | None
    raw_id: bytes


class Call:
    """One message under way: its POST, the stream that answers it, and the requests in it that wait."""

    def __init__(self, message: Message, *, stateless: bool, name: str = "", over: float = 0.0) -> None:
        self.message = message
        self.stateless = stateless
        self.body = Body(message.raw, over)
        self.position = Position()
        self.scope = anyio.CancelScope()
        self.answered = asyncio.Event()  # its POST was answered, or never will be
        self.settled = asyncio.Event()  # none of its requests waits
        self.accepted = False
        self.streamed = False
        self.name = name  # of its exchange, if that has one before it begins
        self.channel = name  # the exchange of its POST
        self.session: str | None = None  # the session id that came with its answer
        self.waiting = {
            part.id: Asked(part.method, verbatim_id(part))
            for part in message.messages()
            if part.kind is Kind.REQUEST and part.id is not None
        }
        self.expects = bool(self.waiting)
        if not self.waiting:
            self.settled.set()

    @property
    def opens(self) -> bool:
        """Whether this is the handshake of a stateful session."""
        return self.message.method == "initialize"

    @property
    def listens(self) -> bool:
        return self.message.method == LISTEN

    def again(self) -> None:
        """The same message is posted anew, elsewhere."""
        self.accepted = self.streamed = False
        self.position = Position()

    def answers(self, message: Message) -> bool:
        """Whether a message answers a request that waits here."""
        return any(part.is_response and part.id in self.waiting for part in message.messages())

    def settle(self, ident: str) -> Asked | None:
        """A request stops waiting."""
        asked = self.waiting.pop(ident, None)
        if not self.waiting:
            self.settled.set()
        return asked

    def over(self) -> None:
        """Nothing more comes of it."""
        self.waiting.clear()
        for event in (self.body.sent, self.answered, self.settled):
            event.set()


class Calls:
    """All calls under way. A response is looked up here, whichever stream it came on."""

    def __init__(self) -> None:
        self._by_id: dict[str, Call] = {}
        self._refused: set[str] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def begin(self, call: Call) -> None:
        for each in call.waiting:
            self._by_id[each] = call
            self._refused.discard(each)
        self._mark()

    def settle(self, ident: str | None, *, refused: bool = False) -> tuple[Call, Asked] | None:
        """A request is answered, by the server or (`refused`) by interpose."""
        call = None if ident is None else self._by_id.pop(ident, None)
        if call is None or ident is None:
            return None
        if refused:
            self._refused.add(ident)
        asked = call.settle(ident)
        self._mark()
        return None if asked is None else (call, asked)

    def is_late(self, message: Message) -> bool:
        """Whether a message answers what interpose answered already."""
        return message.is_response and message.id in self._refused

    def cancelled(self, message: Message) -> Call | None:
        """The call that a `notifications/cancelled` speaks of. Its request no longer waits."""
        named = ident(read_members(message.params, Params).request_id)
        found = self.settle(named)
        return found[0] if found else None

    def end(self, call: Call) -> None:
        """A call is over, whatever became of it."""
        for each in tuple(call.waiting):
            if self._by_id.get(each) is call:
                del self._by_id[each]
        call.over()
        self._mark()

    def open(self) -> tuple[Call, ...]:
        """The calls in which a request waits."""
        return tuple(dict.fromkeys(self._by_id.values()))

    async def quiet(self) -> None:
        """Wait until no request waits, but for those that are meant to stay open."""
        await self._quiet.wait()

    def _mark(self) -> None:
        if all(call.listens for call in self._by_id.values()):
            self._quiet.set()
        else:
            self._quiet.clear()
