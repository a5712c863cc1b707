"""Scripted servers on real sockets, and a client's side that speaks to them through an HttpServerLink. No tests."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
from aiohttp import web

from interpose.core.events import Closed, Event, Frame, Headers, Received, Told
from interpose.core.wire.message import Message, read
from interpose.edge.transports.bodies import whole
from interpose.edge.transports.http_server import HttpServerLink
from interpose.edge.transports.stdio import as_line

SECONDS = 20
VERSION = "2025-11-25"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@dataclass(frozen=True)
class Request:
    """What a scripted server was sent."""

    http: web.BaseRequest
    verb: str
    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def method(self) -> str | None:
        return self.said.get("method") if isinstance(self.said, dict) else None


Script = Callable[[Request], Awaitable[web.StreamResponse]]


class Peer:
    """A scripted server that is running: where, and what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Request] = []
        self.began = 0  # how many requests arrived, read or not
        self.reading = anyio.Event()
        self.reading.set()

    def of(self, verb: str, method: str | None = None) -> list[Request]:
        return [each for each in self.seen if each.verb == verb and (method is None or each.method == method)]


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Peer]:
    """A server on a free port that answers as the script says."""
    peer = Peer("")

    async def handle(http: web.BaseRequest) -> web.StreamResponse:
        peer.began += 1
        await peer.reading.wait()
        headers = {name.lower(): value for name, value in http.headers.items()}
        request = Request(http, http.method, headers, await whole(http.content))
        peer.seen.append(request)
        return await script(request)

    runner = web.ServerRunner(
        web.Server(handle, handler_cancellation=True, access_log=None),
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        yield peer
    finally:
        await runner.cleanup()


class Client:
    """The client's side: says messages, and hears those that would reach it, in order."""

    def __init__(self, link: HttpServerLink) -> None:
        self.link = link
        self.events: list[Event] = []
        self._heard = 0

    def say(self, *messages: Any) -> None:
        for message in messages:
            raw = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.link.send("stdio", Frame(raw, read(raw), tail=b"\n"))

    async def ask(self, method: str, ident: Any = 1, **params: Any) -> Any:
        """Say a request, and hear what comes next."""
        self.say(request(method, ident, **params))
        return await self.hear()

    async def hear(self) -> Any:
        """The next message that is delivered, as the client reads it on its line."""
        return json.loads(line(await self.hear_message()))

    async def hear_message(self) -> Message:
        while len(self.delivered) <= self._heard:
            await self.more()
        self._heard += 1
        return self.delivered[self._heard - 1]

    async def more(self) -> bool:
        """Take what the server's end says next; False when it will say nothing more."""
        with anyio.fail_after(SECONDS):
            events = await self.link.receive()
        self.events += events
        return bool(events)

    async def until(self, ready: Callable[[Event], bool]) -> Event:
        """Take events until one is as wanted."""
        while True:
            for event in self.events:
                if ready(event):
                    return event
            assert await self.more(), "the server's end is silent"

    async def noted(self, words: str) -> Event:
        return await self.until(lambda event: isinstance(event, Told) and words in event.text)

    async def closed(self, channel: str) -> Event:
        return await self.until(lambda event: isinstance(event, Closed) and event.channel == channel)

    async def rest(self, grace: float = 0) -> list[Any]:
        """End the session: what is delivered after all that was heard."""
        await self.link.finish(grace)
        while await self.more():
            pass
        rest = self.delivered[self._heard :]
        self._heard = len(self.delivered)
        return [json.loads(line(message)) for message in rest]

    @property
    def delivered(self) -> list[Message]:
        frames = [event.frame for event in self.events if isinstance(event, Received)]
        return [frame.message for frame in frames if frame.message is not None]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Told)]


@asynccontextmanager
async def linked(url: str, headers: Headers = ()) -> AsyncIterator[Client]:
    """A client in front of a server, ended with the block."""
    start = time.monotonic()
    link = HttpServerLink(url, lambda: time.monotonic() - start, headers)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        client = Client(link)
        yield client
        await client.rest()


@asynccontextmanager
async def meeting(script: Script, headers: Headers = ()) -> AsyncIterator[tuple[Client, Peer]]:
    """A client and a scripted server."""
    async with serving(script) as peer, linked(peer.url, headers) as client:
        yield client, peer


async def stalled() -> None:
    """Let everything happen that can happen without us."""
    for _ in range(500):
        await anyio.lowlevel.checkpoint()


def bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test, and no longer than it may take."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def within() -> None:
            with anyio.fail_after(SECONDS):
                await test(*args, **kwargs)

        anyio.run(within)

    return run


def line(message: Message) -> bytes:
    """A message as the client reads it: one line."""
    written = b"".join(as_line(Frame(message.raw, message, wire="body")))
    assert written.count(b"\n") == 1
    return written


def request(method: str, ident: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, **({"params": params} if params else {})}


def stateless(method: str, ident: Any = 1, **params: Any) -> dict[str, Any]:
    return request(method, ident, **params, _meta=META)


def initialize(ident: Any = 0) -> dict[str, Any]:
    return request(
        "initialize", ident, protocolVersion=VERSION, capabilities={}, clientInfo={"name": "c", "version": "1"}
    )


def result(said: Any, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": said["id"], "result": members}


def opened(said: Any, version: str = VERSION) -> dict[str, Any]:
    return result(said, protocolVersion=version, capabilities={}, serverInfo={"name": "s", "version": "1"})


def answer(message: Any, status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(message, status=status, headers=named)


def block(message: Any = None, ident: str | None = None, retry: int | None = None) -> bytes:
    """One event; without a message a priming one."""
    fields = [] if ident is None else [f"id: {ident}"]
    fields += [] if retry is None else [f"retry: {retry}"]
    fields.append("data: " + ("" if message is None else json.dumps(message)))
    return ("\n".join(fields) + "\n\n").encode()


async def streaming(request: Request, *blocks: bytes) -> web.StreamResponse:
    """Begin an event stream; the handler goes on with it."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request.http)
    for each in blocks:
        await response.write(each)
    return response


def cut(request: Request) -> None:
    """Reset the connection."""
    assert request.http.transport is not None
    request.http.transport.abort()


class Stateful:
    """A well-behaved stateful server with one session; a test says what becomes of everything else."""

    def __init__(self, then: Script, version: str = VERSION) -> None:
        self.session = "s-1"
        self._then = then
        self._version = version

    async def __call__(self, request: Request) -> web.StreamResponse:
        if request.method == "initialize":
            return answer(opened(request.said, self._version), Mcp_Session_Id=self.session)
        if request.method == "notifications/initialized":
            return web.Response(status=202)
        if request.verb == "DELETE":
            return web.Response(status=204)
        return await self._then(request)


async def no_stream(request: Request) -> web.StreamResponse:
    """The rest of a server without a stream of its own: it echoes what it is asked."""
    if request.verb == "GET":
        return web.Response(status=405)
    if request.said and "id" in request.said and "method" in request.said:
        return answer(result(request.said, method=request.method))
    return web.Response(status=202)
