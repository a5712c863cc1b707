"""A run of interception from its beginning to its end: our listener, mitmdump before it, a client before that."""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import msgspec

from interpose.core.errors import EndError
from interpose.edge.intercepting import client, mitmdump, trust
from interpose.edge.intercepting.gateway import Gateway
from interpose.edge.intercepting.mitmdump import Mitmdump, Plan
from interpose.edge.intercepting.origins import Origins
from interpose.edge.transports.listener import Listener

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AUTHORITY = "mitmproxy-ca-cert.pem"


class Setup(msgspec.Struct, frozen=True):
    """What the command line asked for. `folder` is private to this run, `authorities` a bundle of what servers show."""

    host: str
    port: int
    mode: str
    program: str
    confdir: Path
    folder: Path
    authorities: Path
    hosts: tuple[str, ...]
    save: str | None
    strict: bool
    command: tuple[str, ...]


class Interception:
    """One run. `say` hears a line for people."""

    def __init__(self, setup: Setup, conversations: Origins, say: Callable[[str], None]) -> None:
        self._setup = setup
        self._conversations = conversations
        self._say = say
        self._told: set[str] = set()

    async def run(self) -> int:
        """Intercept until a signal, or until the client has ended. Returns the exit status. Raises EndError."""
        async with AsyncExitStack() as stack:
            signals = stack.enter_context(anyio.open_signal_receiver(*_SIGNALS))
            secret = secrets.token_hex(32)
            listener = Listener(Gateway(secret, self._conversations), "127.0.0.1", 0)
            await listener.start()
            stack.push_async_callback(listener.stop)
            dump = await mitmdump.start(self._plan(secret, listener.port), self._hear, self._pass_on)
            stack.push_async_callback(dump.stop)
            stack.push_async_callback(self._close)
            first = asyncio.ensure_future(anext(aiter(signals)))
            stack.callback(first.cancel)
            port = await self._unless(first, dump.ready())
            if port is None:
                return 0
            self._say(self._where(port))
            if not self._setup.command:
                return await self._serve(first, dump)
            return await self._accompany(first, dump, await client.start(self._setup.command, self._variables(port)))

    async def _unless(self, first: "asyncio.Future[Any]", work: Any) -> Any:
        """What comes of some work; None when a signal came before."""
        task = asyncio.ensure_future(work)
        await asyncio.wait((first, task), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        return None

    async def _serve(self, first: "asyncio.Future[Any]", dump: Mitmdump) -> int:
        last = await self._unless(first, dump.ended())
        if last is not None:
            raise EndError(last)
        return 0

    async def _accompany(self, first: "asyncio.Future[Any]", dump: Mitmdump, child: client.Client) -> int:
        """Stay for as long as the client does. A signal is its business first; Ctrl-C it has got already."""
        ended, dumped = asyncio.create_task(child.ended()), asyncio.create_task(dump.ended())
        try:
            while not ended.done():
                await asyncio.wait((ended, dumped, first), return_when=asyncio.FIRST_COMPLETED)
                if dumped.done() and not ended.done():
                    await child.stop()
                    raise EndError(dumped.result())
                if first.done() and first.result() != signal.SIGINT:
                    return await child.stop(first.result())
                if first.done():
                    return await ended
            return ended.result()
        finally:
            ended.cancel()
            dumped.cancel()

    def _plan(self, secret: str, listener: int) -> Plan:
        setup = self._setup
        return Plan(
            program=setup.program,
            host=setup.host,
            port=setup.port,
            mode=setup.mode,
            confdir=str(setup.confdir),
            secret=secret,
            listener=listener,
            hosts=setup.hosts,
            authorities=str(setup.authorities),
            save=setup.save,
            strict=setup.strict,
        )

    def _variables(self, port: int) -> dict[str, str]:
        setup = self._setup
        files = [str(setup.confdir / _AUTHORITY), str(setup.authorities)]
        variables = trust.for_client(os.environ, setup.folder, files)
        return variables | (client.proxies(os.environ, self._url(port)) if setup.mode == "regular" else {})

    def _url(self, port: int) -> str:
        host = f"[{self._setup.host}]" if ":" in self._setup.host else self._setup.host
        return f"http://{host}:{port}"

    def _where(self, port: int) -> str:
        setup = self._setup
        authority = f"clients have to trust {setup.confdir / _AUTHORITY}"
        if setup.mode == "regular":
            return f"intercepting at {self._url(port)} (HTTPS_PROXY); {authority}"
        return f"intercepting at {self._url(port)}, in front of {setup.mode.partition(':')[2]}; {authority}"

    def _hear(self, what: dict[str, Any]) -> None:
        """What the addon tells."""
        if "refused" in what:
            self._note_refusal(str(what["refused"]), int(what["port"]), str(what["error"]))
        elif "missed" in what:
            fate = "was cut off" if self._setup.strict else "passed unrecorded"
            self._say_once(f"{what['missed']} is a stream of MCP, seen too late: it {fate}; the next one is taken over")

    def _note_refusal(self, host: str, port: int, error: str) -> None:
        name = f"[{host}]" if ":" in host else host
        origin = f"https://{name}" if port in (0, 443) else f"https://{name}:{port}"
        self._say_once(
            f"{origin}: the client broke off the TLS handshake ({error or 'no reason given'}); "
            f"it pins certificates, or does not trust mitmproxy's authority"
        )
        self._conversations.refused(origin, error)

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say(text)

    def _pass_on(self, line: str) -> None:
        self._say(f"mitmdump: {line[:2000]}")

    async def _close(self) -> None:
        """Recordings end before the connections do."""
        self._conversations.close_all("interpose stopped")
