"""One message's whole way: its POST, the answer in whatever form, the stream resumed after a break.

INVARIANT: a request gets exactly one answer, the server's or, where that never came, an error of ours.
"""

from collections.abc import Sequence

import anyio
import msgspec

from interpose.core.events import Frame
from interpose.core.protocol.sign_in import ADVICE, wants_sign_in
from interpose.core.wire.http import Position, Trouble, error_reply, fault, listen_ended
from interpose.core.wire.message import Kind, Message, read
from interpose.core.wire.sse import Block
from interpose.edge.transports.bodies import block_frame
from interpose.edge.transports.http_server_call import Asked, Call, Calls
from interpose.edge.transports.http_server_exchange import Answer, Exchanges, Unanswered
from interpose.edge.transports.http_server_mailbox import Inbox
from interpose.edge.transports.http_server_peer import SESSION_HEADER, Peer

RETRIES = 2  # as the SDKs do
_CREDENTIALS = "; credentials for the server go with --header"
_SIGN_IN = f"; it wants a sign-in: a token that you have goes with --header-env, and {ADVICE}"


class Delivery:
    """Delivers messages to the server and hears what it says. `detached`: answers come on another stream (SSE)."""

    def __init__(self, exchanges: Exchanges, inbox: Inbox, calls: Calls, peer: Peer) -> None:
        self._exchanges = exchanges
        self._inbox = inbox
        self._calls = calls
        self._peer = peer
        self.detached = False

    async def deliver(self, call: Call) -> Trouble | None:
        """POST a message and see it answered. What is returned is why its requests still wait."""
        trouble = await self._post(call)
        if call.waiting and call.position.last is not None and not call.stateless:
            trouble = await self._resume(call)
        if self.detached and trouble is None:
            return None
        if call.waiting and trouble is None:
            trouble = Trouble(f"{self._exchanges.where} ended its stream without an answer")
        return trouble

    async def listen(self, opened: anyio.Event) -> None:
        """Keep the server's own stream open (2025-11-25 §basic/transports). `opened` is set once it is, or never is."""
        position = Position()
        failures = 0
        while failures < RETRIES:
            opening = anyio.Event()
            trouble = await self._follow(position, opening, opened)
            opened.set()
            if trouble is not None and trouble.status is not None and trouble.status < 500:
                if trouble.status != 405:
                    self._inbox.note(f"the server's own stream is not open: {trouble.text}")
                return
            failures = 0 if opening.is_set() else failures + 1
            await anyio.sleep(position.delay)
        self._inbox.note("the server's own stream broke and could not be opened again")

    async def read_blocks(self, answer: Answer, position: Position) -> None:
        """Hear an event stream to its end."""
        async for blocks in answer.blocks():
            self.hear_blocks(answer.channel, blocks, position)
            del blocks

    def hear_blocks(self, channel: str, blocks: Sequence[Block], position: Position) -> None:
        """Hear what arrived together on a stream; what came before a break already is left out."""
        for block in blocks:
            if position.passes(block):
                self.hear(channel, block_frame(block.raw, block))
            else:
                self._inbox.note(f"event {block.id} came again after the stream was resumed; left out")

    def may_speak_sse(self, call: Call, trouble: Trouble) -> bool:
        """Whether a refused handshake may mean that the address speaks HTTP+SSE (2025-11-25 §basic/transports)."""
        return call.opens and not self.detached and trouble.status in (400, 404, 405) and not trouble.is_stateless

    def overhear_blocks(self, channel: str, blocks: Sequence[Block]) -> None:
        """Blocks of a stream that is none of ours: recorded, not delivered."""
        for block in blocks:
            self._inbox.frame(channel, Frame(block.raw, None, block, wire="block"))

    def give_up(self, call: Call, trouble: Trouble) -> None:
        """Answer every request of a call that still waits, in the server's place."""
        if not call.expects:
            self._inbox.note(f"{_named(call.message)} was not taken: {trouble.text}")
        for ident, asked in tuple(call.waiting.items()):
            if call.listens and call.streamed:
                # The stdio form of a stream that broke: `notifications/cancelled` (2026-07-28 §basic/cancellation).
                self._inbox.note(f"subscription {ident} ended without the server's word: {trouble.text}")
                reply = listen_ended(asked.raw_id)
            else:
                self._inbox.note(f"answered {asked.method} {ident} in the server's place: {trouble.text}")
                reply = error_reply(asked.raw_id, trouble)
            self._calls.settle(ident, refused=True)
            self._inbox.frame(call.channel, Frame(reply, read(reply), wire="body"))

    async def _post(self, call: Call) -> Trouble | None:
        try:
            headers = self._peer.headers(call.message)
            async with self._exchanges.ask("POST", headers, call.body, call.name) as answer:
                call.channel = answer.channel
                call.session = answer.header(SESSION_HEADER)
                call.accepted = answer.ok
                call.answered.set()
                if self.detached and answer.ok:
                    return None
                if answer.streams:
                    call.streamed = True
                    await self.read_blocks(answer, call.position)
                    return None
                return await self._read_body(call, answer)
        except Unanswered as error:
            return Trouble(f"no answer from {self._exchanges.where}: {error}")

    async def _read_body(self, call: Call, answer: Answer) -> Trouble | None:
        frame = body_frame(await answer.whole())
        message = frame.message
        trouble = None if answer.ok and not call.waiting else self._refusal(answer, message)
        if message is not None and call.answers(message):
            if trouble is None or not self.may_speak_sse(call, trouble):
                self.hear(answer.channel, frame)
                return trouble if call.waiting else None
            trouble = msgspec.structs.replace(trouble, body=message)
        if frame.raw:
            self._inbox.frame(answer.channel, msgspec.structs.replace(frame, message=None))
        return trouble

    def _refusal(self, answer: Answer, message: Message | None) -> Trouble:
        """An answer without an answer, in words."""
        said, where = fault(message), self._exchanges.where
        text = f"HTTP {answer.status} from {where}"
        if said.message:
            text = f"{said.message} ({text})"
        elif answer.ok:
            text += " brings no JSON-RPC answer"
        elif 300 <= answer.status < 400:
            location = (answer.header("Location") or "nowhere").partition("?")[0]
            text += f": a redirect to {location} is not followed"
        if answer.status == 404 and self._peer.session is not None:
            text = f"the session is gone, begin a new one: {text}"
        elif wants_sign_in(answer.status, answer.headers("WWW-Authenticate")):
            text += _SIGN_IN
        elif answer.status in (401, 403):
            text += _CREDENTIALS
        return Trouble(text, answer.status, said)

    async def _resume(self, call: Call) -> Trouble | None:
        """Go on reading a broken stream by GET (2025-11-25 §basic/transports), while somebody waits for its answer."""
        failures, trouble = 0, None
        while call.waiting and failures < RETRIES:
            with anyio.move_on_after(call.position.delay):
                await call.settled.wait()
            if not call.waiting:
                break
            before = call.position.blocks
            trouble = await self._follow(call.position)
            failures = failures + 1 if trouble is not None and call.position.blocks == before else 0
        if trouble is None or not call.waiting:
            return None
        return msgspec.structs.replace(trouble, text=f"the stream broke and could not be resumed: {trouble.text}")

    async def _follow(self, position: Position, *opened: anyio.Event) -> Trouble | None:
        """One GET, read to its end. What is returned is why it failed."""
        position.resume()
        try:
            async with self._exchanges.ask("GET", self._peer.stream_headers(position.last)) as answer:
                if not answer.streams:
                    return self._refusal(answer, await self.read_refusal(answer))
                for event in opened:
                    event.set()
                await self.read_blocks(answer, position)
                return None
        except Unanswered as error:
            return Trouble(f"no answer from {self._exchanges.where}: {error}")

    async def read_refusal(self, answer: Answer) -> Message | None:
        """A body that is for nobody: recorded, not delivered."""
        frame = body_frame(await answer.whole())
        if frame.raw:
            self._inbox.frame(answer.channel, msgspec.structs.replace(frame, message=None))
        return frame.message

    def hear(self, channel: str, frame: Frame) -> None:
        """The server said something."""
        message = frame.message
        if message is not None and self._calls.is_late(message):
            self._inbox.note(f"an answer to {message.id} came after interpose had answered it; left out")
            frame = msgspec.structs.replace(frame, message=None)
        elif message is not None:
            for part in message.messages():
                self._learn(part)
        self._inbox.frame(channel, frame)

    def _learn(self, part: Message) -> None:
        found = self._calls.settle(part.id) if part.is_response else None
        if found is None or part.kind is not Kind.RESULT:
            return
        call, asked = found
        self._learn_result(call, asked, part.result)

    def _learn_result(self, call: Call, asked: Asked, result: bytes) -> None:
        if asked.method == "initialize":
            self._peer.opened(result, call.session)
        elif asked.method == "tools/list" and call.stateless:
            self._peer.listed(result)


def body_frame(body: bytes) -> Frame:
    """A body as a frame. Space after the JSON is kept apart: many servers end a body with a line break."""
    content = body.rstrip(b" \t\r\n")
    return Frame(content, read(content) if content else None, tail=body[len(content) :], wire="body")


def _named(message: Message) -> str:
    return message.method or f"a {message.kind}"
