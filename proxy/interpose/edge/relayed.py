"""One MCP exchange on its way through a relay: heard event by event, carried out as the core decides."""

import asyncio
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from aiohttp import web

from interpose.core.events import Event, Frame, Received, Requested, Responded
from interpose.edge.errand import Errands
from interpose.edge.front import Front
from interpose.edge.heads import Head, joined, own_head, raw, uncoded
from interpose.edge.judging import Judging
from interpose.edge.relayed_answer import RelayedAnswer
from interpose.edge.relayed_hearing import Hearing
from interpose.edge.relayed_request import RelayedRequest
from interpose.edge.roster import RelayedSession, Roster
from interpose.edge.transports.bodies import is_event_stream
from interpose.edge.transports.exchange import Exchange, refusal
from interpose.edge.transports.frames import frames_of
from interpose.edge.transports.http_client_request import Refusal
from interpose.edge.transports.plain import Unreadable, plain_frames
from interpose.edge.transports.raw_headers import text
from interpose.edge.transports.reply import ClientGone, Reply
from interpose.edge.transports.sending import Answer, Sending
from interpose.edge.transports.underway import Underway
from interpose.edge.transports.upstream import UPSTREAM_ERRORS, Upstream, problem


class Relayed(Underway):
    """An exchange of one session. `begin` hears what was asked, and sends it where nothing has to wait."""

    def __init__(
        self,
        front: Front,
        upstream: Upstream,
        roster: Roster,
        errands: Errands,
        session: RelayedSession,
        exchange: Exchange,
    ) -> None:
        self._front = front
        self._upstream = upstream
        self._roster = roster
        self._errands = errands
        self._session = session
        self._exchange = exchange
        self._request = RelayedRequest(exchange)
        self._target = exchange.request.raw_path
        self._hearing = Hearing(errands, session, exchange)
        self._answer = RelayedAnswer(front, roster, session, exchange, self._hearing)
        self._left = False
        self._heard: list[Frame] | None = None  # of a body that was here whole
        self._sending: Sending | None = None
        self._failed: Exception | None = None  # where it could not be sent

    def begin(self, frame: Frame) -> None:
        """Hear the head that came, and the body if there was one; send it where nothing has to wait."""
        self._request.size = len(frame.raw)
        self._hear_request(frame)
        if not self._request.withheld:
            try:
                self._sending = self._session.turnstile.begin(self._send)  # INVARIANT: order holds in a session
            except UPSTREAM_ERRORS as error:
                self._failed = error

    @property
    def is_under_way(self) -> bool:
        return self._sending is not None and self._sending.is_under_way

    def then(self, here: Callable[[], None]) -> None:
        assert self._sending is not None, "it is under way"
        self._sending.then(here)

    def finish(self) -> Reply | None:
        """An event stream, and what is in question once it was heard, take their time."""
        sending, exchange, enforces = self._sending, self._exchange, self._session.enforces
        answer = None if sending is None or not exchange.takes else sending.here()
        if answer is None or is_event_stream(answer.headers.get("Content-Type")):
            return None
        try:
            frames = plain_frames(answer) if enforces else frames_of(answer, self._answer.read)
        except Unreadable:
            return None
        head = self._answer.noticed(answer)
        self._heard = frames.rest()
        if not self._answer.hear(self._heard, ended=True) and enforces:
            return None
        reply = exchange.begin(head.status, head.reason, head.headers)
        exchange.finish_at_once()
        self._hearing.close("server", "end")
        return reply

    def abandon(self) -> None:
        if self._left:
            return
        self._hearing.close_early()
        if self._sending is not None:
            self._session.turnstile.give_up(self._sending)
        self._leave()

    def __await__(self) -> Generator[Any, None, web.StreamResponse]:
        return self._run().__await__()

    def _hear_request(self, frame: Frame) -> None:
        request = self._exchange.request
        target = self._target
        if not target.isascii():
            target = raw(target).decode("utf-8", "replace")
        headers = text(request.raw_headers)
        enforces, at = self._session.enforces, self._hearing.clock()
        self._answer.opens = frame.message is not None and frame.message.method == "initialize"
        if frame.message is not None:
            self._exchange.ask(frame.message)
        if enforces:
            self._request.prepare(frame.message)
        events: list[Event] = [Requested(at, self._hearing.channel, request.method, target, headers)]
        if frame.raw:
            events.append(Received(at, "client", self._hearing.channel, frame))
        self._hearing.hear(*events)
        if frame.raw and enforces:
            self._request.review(frame)

    async def _run(self) -> web.StreamResponse:
        exchange = self._exchange
        try:
            return await self._carry()
        except asyncio.CancelledError:
            self._hearing.close_early()
            raise
        except ClientGone:
            self._hearing.close_early()
            return exchange.cut() or refusal(499, "the client left")
        except Unreadable as error:
            self._hearing.close("server", str(error))
            return exchange.cut() or refusal(502, f"{self._front.origin}: {error}")
        except UPSTREAM_ERRORS as error:
            self._hearing.close("server", problem(error))
            return exchange.cut() or refusal(502, f"no answer from {self._front.origin}: {problem(error)}")
        except Exception:
            self._hearing.close("server", "interpose failed")
            raise
        finally:
            self._leave()

    def _leave(self) -> None:
        self._left = True
        self._exchange.abandon()
        self._roster.leave(self._session, self._hearing.channel)

    # --- what the client asks ----------------------------------------------------------------------------------------

    async def _carry(self) -> web.StreamResponse:
        asked = self._request
        if asked.refused is not None:
            return self._refuse(asked.refused)
        if self._failed is not None:
            raise self._failed
        if asked.withheld:
            await self._await_word()
            if not self._exchange.upstream:
                return await self._stand_in()
            asked.mirror()
        sending, gave_up = await self._sent()
        if gave_up:
            note = f"{self._hearing.channel}: {gave_up}; what came later no longer waits for it"
            self._session.conversation.tell("server", "note", note)
        try:
            answer = await sending.answer()
            if self._heard is not None:
                return await self._judge(answer, self._answer.head(answer))
            head = self._answer.noticed(answer)
            return await (self._judge(answer, head) if self._session.enforces else self._pass(answer, head))
        finally:
            sending.release()

    async def _sent(self) -> tuple[Sending, str]:
        """Wait until it is under way. The text says what was waited for in vain."""
        turnstile, begun = self._session.turnstile, self._sending
        if begun is None:
            return await turnstile.enter(self._send)
        return begun, await turnstile.settle(begun)

    async def _await_word(self) -> None:
        """What neither went on nor was answered is decided upon later. Raises ClientGone where it was broken off."""
        exchange = self._exchange
        while not exchange.upstream and not exchange.downstream and (exchange.waiting or self._hearing.holds()):
            if exchange.severed:
                raise ClientGone
            await exchange.moved()

    def _refuse(self, why: Refusal) -> web.StreamResponse:
        """Turn away what the server could read in another way than policy did."""
        response = why.response(self._exchange.request)
        self._hearing.hear(
            Responded(self._hearing.clock(), self._hearing.channel, response.status, tuple(response.headers.items()))
        )
        self._hearing.close("server", "end")
        return response

    async def _stand_in(self) -> web.StreamResponse:
        """Answer in the server's place: it sees nothing of this exchange."""
        exchange, said = self._exchange, list(self._exchange.downstream)
        exchange.downstream.clear()
        at_endpoint = self._roster.is_endpoint(self._target)
        stream = self._session.exchanges.get(self._session.stream) if at_endpoint else None
        if stream is not None:
            for frame in said:
                stream.deliver("client", frame)
            await stream.offer()
            said = []
        head = own_head(exchange.request, said)
        self._hearing.hear(Responded(self._hearing.clock(), self._hearing.channel, head.status, text(head.headers)))
        reply = exchange.begin(head.status, head.reason, head.headers)
        if exchange.streams:
            exchange.downstream.extend(said)
            await exchange.flush()
        elif said:
            await exchange.write(joined(said))
        self._hearing.close("server", "end")
        await exchange.finish()
        return reply

    def _send(self) -> Sending:
        return self._request.send(self._upstream, self._front.target(self._target))

    # --- what the server says ----------------------------------------------------------------------------------------

    async def _pass(self, answer: Answer, head: Head) -> web.StreamResponse:
        """Hand the reply on as it comes: one that is here is heard, and goes out, in one piece."""
        exchange = self._exchange
        reply = exchange.begin(head.status, head.reason, head.headers)
        frames = frames_of(answer, self._answer.read)
        while True:
            if not answer.is_whole:
                if self._hearing.unheard:
                    self._hearing.hear()
                await exchange.announce()
            batch = await frames.more()
            if batch and self._session.enforces and not (exchange.streams and uncoded(head) == head):
                raise Unreadable("a policy came into force in the middle of this reply")
            self._answer.hear(batch, ended=frames.ended)
            await exchange.flush(more=frames.ended)
            if frames.ended:
                break
        self._hearing.close("server", "end")
        await exchange.finish()
        return reply

    async def _judge(self, answer: Answer, head: Head) -> web.StreamResponse:
        """Hand on what the core lets through."""
        exchange, heard = self._exchange, self._heard
        judging = Judging(exchange, self._answer.hear, partial(self._errands.room, self._session), self._hearing.holds)
        if heard is not None:
            await judging.go_on(head, heard[-1] if heard else None)
        else:
            if not answer.is_whole:
                self._hearing.hear()
            await judging.carry(answer, head)
        if not self._hearing.closed:
            await exchange.announce()
            self._hearing.close("server", "end")
        await exchange.finish()
        assert exchange.reply is not None, "whatever was judged, a reply was begun"
        return exchange.reply
