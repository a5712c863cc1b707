"""One worker, and its parent's end of the lane: what is said between them, and what an exchange costs."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

import anyio
import pytest
from aiohttp import web

from interpose.edge import workers
from interpose.edge.workers.lane import Handed, Lane, Left, Moved, Owns, Ready, Stop, Word, pair
from interpose.edge.workers.whose import of_relay
from interpose.edge.workers.worker import Worker

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "win32", reason="hands sockets over")]
ROOM = str(Path(workers.__file__).parent)


class EchoDoor:
    """Mints a session where a request has none, names it in every reply, and is sent on from `/mcp` if one asks it."""

    def __init__(self) -> None:
        self.learnt: list[tuple[str, str]] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "X-Away" in request.headers:
            return web.Response(status=308, headers={"Location": request.headers["X-Away"]})
        return web.Response(text="hi", headers={"Mcp-Session-Id": request.headers.get("Mcp-Session-Id", "minted")})

    async def aclose(self) -> None:
        pass

    def moved(self, target: str, location: str) -> None:
        self.learnt.append((target, location))


class Scene:
    """A worker that runs; `said` is what it has told its parent since it was ready."""

    def __init__(self, lane: Lane, door: EchoDoor) -> None:
        self.lane = lane
        self.door = door
        self.said: list[Word] = []

    def hear(self) -> list[Word]:
        for word, connection in self.lane.hear():
            self.said.append(word)
            if connection is not None:
                connection.close()
        return self.said

    async def hears(self, word: Word) -> None:
        with anyio.fail_after(5):
            while word not in self.hear():  # noqa: ASYNC110 - a lane is no stream
                await anyio.sleep(0.001)

    async def connect(self, first: bytes, key: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's connection, of which the parent has read so much."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            taken, _ = listening.accept()
        self.lane.say(Handed(first, key), taken)
        return reader, writer


@asynccontextmanager
async def working() -> AsyncIterator[Scene]:
    ours, theirs = pair()
    door = EchoDoor()
    worker = Worker(theirs, of_relay("http://127.0.0.1:3001/mcp"), "127.0.0.1")
    task = asyncio.create_task(worker.serve(door))
    scene = Scene(ours, door)
    try:
        await scene.hears(Ready())
        scene.said.clear()
        yield scene
        ours.say(Stop())
        with anyio.fail_after(5):
            await task
    finally:
        ours.close()
        theirs.close()


def asked(session: str = "", target: str = "/mcp", away: str = "", text: str = "hello") -> bytes:
    named = f"Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25\r\n" if session else ""
    sent = f"X-Away: {away}\r\n" if away else ""
    return (
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{named}{sent}Content-Length: {len(text)}\r\n\r\n{text}".encode()
    )


async def answered(reader: asyncio.StreamReader) -> str:
    """The head of a reply."""
    with anyio.fail_after(5):
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " in head:
            assert await reader.readexactly(2) == b"hi"
    return head.decode()


async def test_a_session_is_told_once_and_its_exchanges_not_at_all() -> None:
    async with working() as scene:
        reader, writer = await scene.connect(asked())
        assert "minted" in await answered(reader)
        assert scene.hear() == [Owns(b"session minted")]
        for number in range(100):
            writer.write(asked("minted", text="x" * number))
            assert "minted" in await answered(reader)
        assert scene.hear() == [Owns(b"session minted")]
        writer.close()
        await scene.hears(Left())
        assert len(scene.said) == 2


async def test_an_exchange_on_a_kept_connection_costs_little_more_than_in_one_process() -> None:
    """Counted, as time cannot be: what runs of this folder for each. It was 28 once."""
    ran = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal ran
        ran += event == "call" and frame.f_code.co_filename.startswith(ROOM)

    async with working() as scene:
        reader, writer = await scene.connect(asked("a"), b"session a")
        await answered(reader)
        sys.setprofile(count)
        try:
            for _ in range(50):
                writer.write(asked("a"))
                await answered(reader)
        finally:
            sys.setprofile(None)
        writer.close()
    assert ran / 50 <= 16


async def test_another_session_goes_back_with_its_connection_once() -> None:
    async with working() as scene:
        reader, writer = await scene.connect(asked("a"), b"session a")
        await answered(reader)
        writer.write(asked("b"))
        await scene.hears(Left())
        assert scene.said == [Handed(asked("b")), Left()]
        writer.close()


async def test_a_further_opening_on_a_connection_goes_back_but_what_opens_nothing_stays() -> None:
    async with working() as scene:
        reader, writer = await scene.connect(asked("a"), b"session a")
        await answered(reader)
        writer.write(asked())
        assert "minted" in await answered(reader)  # so it opened a session
        writer.write(asked("minted"))
        await answered(reader)
        assert scene.hear() == [Owns(b"session minted")]
        writer.write(asked())
        await scene.hears(Left())
        assert scene.said == [Owns(b"session minted"), Handed(asked()), Left()]
        writer.close()


async def test_where_a_client_is_sent_on_to_is_told_before_it_is_sent_there() -> None:
    async with working() as scene:
        reader, writer = await scene.connect(asked(away="/other/?x=1"))
        assert "308" in await answered(reader)
        assert scene.hear() == [Moved(b"/other/")]
        writer.write(asked(away="/other/"))
        assert "308" in await answered(reader)
        writer.write(asked(away="http://elsewhere/third"))
        assert "308" in await answered(reader)
        writer.write(asked("", "/other/?y"))
        assert "minted" in await answered(reader)
        assert scene.hear() == [Moved(b"/other/"), Owns(b"session minted")]
        writer.close()


async def test_where_other_workers_clients_are_sent_on_to_the_door_learns() -> None:
    async with working() as scene:
        scene.lane.say(Moved(b"/other"))
        reader, writer = await scene.connect(asked())
        await answered(reader)
        assert scene.door.learnt == [("/other", "/other")]
        writer.write(asked("minted", "/other?x"))
        assert "minted" in await answered(reader)
        assert scene.hear() == [Owns(b"session minted")]
        writer.close()


async def test_a_target_that_has_no_sessions_takes_no_others_with_it() -> None:
    """A legacy endpoint that is sent on by a slash is one client's, as before."""
    async with working() as scene:
        reader, writer = await scene.connect(asked("", "/messages?s=1", "/messages/?s=1"), b"at /messages?s=1")
        assert "308" in await answered(reader)
        assert scene.hear() == [Owns(b"at /messages/?s=1")]
        writer.close()
