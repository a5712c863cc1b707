"""One MCP exchange on its way through a relay: heard event by event, carried out as the core decides."""

import asyncio
from contextlib import aclosing

import aiohttp
import msgspec
from aiohttp import web

from interpose.core.events import Closed, End, Frame, Received, Requested, Responded
from interpose.edge.front import Front
from interpose.edge.roster import SESSION_HEADER, RelayedSession, Roster
from interpose.edge.transports.bodies import frames
from interpose.edge.transports.exchange import ClientGone, Exchange, RawHeaders, end_to_end, refusal, text
from interpose.edge.transports.upstream import UPSTREAM_ERRORS, Upstream, problem


class Relayed:
    """An exchange of one session. What was asked is heard first; `run` brings the answer; `leave` comes last."""

    def __init__(
        self, front: Front, upstream: Upstream, roster: Roster, session: RelayedSession, exchange: Exchange
    ) -> None:
        self._front = front
        self._upstream = upstream
        self._roster = roster
        self._session = session
        self._exchange = exchange
        self._target = exchange.request.raw_path
        self._hear = session.conversation.hear
        self._clock = session.conversation.clock
        self._channel = session.enter(exchange)
        self._opens = False
        self._closed = False

    def hear_request(self, frame: Frame) -> None:
        """The head that came, and the body if there was one."""
        request = self._exchange.request
        target = raw(self._target).decode("utf-8", "replace")
        headers = text(request.raw_headers)
        self._hear(Requested(self._clock(), self._channel, request.method, target, headers))
        if frame.raw:
            self._hear(Received(self._clock(), "client", self._channel, frame))
        self._opens = frame.message is not None and frame.message.method == "initialize"

    async def run(self) -> web.StreamResponse:
        """Carry it to its end, whichever that is."""
        exchange = self._exchange
        try:
            return await self._carry()
        except asyncio.CancelledError:
            self._close("client", "disconnect")
            raise
        except ClientGone:
            self._close("client", "disconnect")
            return exchange.cut() or refusal(499, "the client left")
        except UPSTREAM_ERRORS as error:
            self._close("server", problem(error))
            return exchange.cut() or refusal(502, f"no answer from {self._front.origin}: {problem(error)}")
        except Exception:
            self._close("server", "interpose failed")
            raise

    def leave(self) -> None:
        self._roster.leave(self._session, self._channel)

    async def _carry(self) -> web.StreamResponse:
        exchange = self._exchange
        async with await self._dispatch() as response:
            self._notice(response)
            self._hear(Responded(self._clock(), self._channel, response.status, text(response.raw_headers)))
            headers = for_client(self._front, exchange.request, response.raw_headers)
            reply = await exchange.begin(response.status, response.reason, headers)
            async with aclosing(frames(response)) as parts:
                async for frame in parts:
                    self._hear_frame(frame)
                    await exchange.flush()
            self._close("server", "end")
            await exchange.finish()
            return reply

    async def _dispatch(self) -> aiohttp.ClientResponse:
        """Send the request up, and hold up what comes later in this session until it is on its way.

        INVARIANT: order holds across the connections of one session.
        """
        request, target = self._exchange.request, raw(self._front.target(self._target))
        async with self._session.turnstile:
            sending = self._upstream.send(request, target, self._exchange.take())
            gave_up = await sending.under_way()
        if gave_up:
            note = f"{self._channel}: {gave_up}; what came later no longer waits for it"
            self._session.conversation.tell("server", "note", note)
        return await sending.answer()

    def _hear_frame(self, frame: Frame) -> None:
        self._hear(Received(self._clock(), "server", self._channel, frame))
        if frame.block is not None and frame.block.event == "endpoint" and frame.block.data:
            self._learn_endpoint(frame.block.data)

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

    def _notice(self, response: aiohttp.ClientResponse) -> None:
        """Learn a session's id from a successful opening alone; see when a session is over, and where it moves."""
        request = self._exchange.request
        if self._opens and response.ok:
            self._roster.learn_id(self._session, response.headers)
        elif request.method == "DELETE" and response.ok:
            self._session.over = "client ended the session"
        elif response.status == 404 and SESSION_HEADER in request.headers:
            self._session.over = "the server no longer knows the session"
        elif response.status in (307, 308) and "Location" in response.headers:
            self._front.moved(self._target, response.headers["Location"])

    def _close(self, end: End, reason: str) -> None:
        """An exchange ends once, by whoever ended it first."""
        if not self._closed:
            self._closed = True
            self._hear(Closed(self._clock(), end, self._channel, reason))


def for_client(front: Front, request: web.BaseRequest, headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The upstream's headers for a client, a `Location` that would lead it past us made ours."""
    ours = f"{request.scheme}://{request.headers.get('Host', '')}"
    return [
        (name, raw(front.location(value.decode("utf-8", "surrogateescape"), ours)))
        if name.lower() == b"location"
        else (name, value)
        for name, value in end_to_end(headers)
    ]


def raw(value: str) -> bytes:
    """Text that came off the wire, as the bytes that it was."""
    return value.encode("utf-8", "surrogateescape")
