"""A hatch in the wall: the desk of this process, for `interpose approvals` of the same user. JSON lines both ways.

`{"do": "list"}` gives a line for each held message, then `{"end": true}`; `{"do": "watch"}` goes on with
`{"began": ...}` and `{"ended": NAME, "why": ...}`; `{"do": "decide", "hold": ..., "decision": ...}` gives
`{"done": true}`, `{"gone": why}` or `{"unfit": why}`.
"""

import asyncio
import os
import pwd
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Raw

from interpose.core.formats.approval import Asked
from interpose.edge.approvers import hatch_place
from interpose.edge.approvers.desk import Desk, Gone, Unfit
from interpose.edge.approvers.verdict import MOST

_PAUSE = 0.05  # seconds between two looks at what began and ended, for one who watches


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody at the hatch wants."""

    do: Literal["list", "watch", "decide"]
    hold: str = ""
    decision: Literal["approve", "edit", "answer", "decline", "cancel"] = "decline"
    edited: Raw = Raw()
    answer: Raw = Raw()


_wish = msgspec.json.Decoder(Wish).decode


class Hatch:
    """Listens at a socket of its own while it is open."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self) -> None:
        """Listen. Raises: UsageError, OSError."""
        path = hatch_place.new()
        # Under another name until it listens: a socket that refuses is taken for one that was left behind.
        quiet = path.with_suffix(".new")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o077)
        try:
            listener.bind(str(quiet))
        finally:
            os.umask(before)
        listener.setblocking(False)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MOST)
        quiet.rename(path)
        self._path = path

    def close(self) -> None:
        """Listen no more."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
            self._path = None
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            who = _name(writer)
            while who is not None and (line := await reader.readline()):
                await self._answer(line, who, reader, writer)
        except (OSError, ValueError):  # they left, or wrote a line without end
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes, who: str, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            wish = _wish(line)
        except (ValueError, RecursionError):
            await _say(writer, {"unfit": "no wish that can be read"})
            return
        if wish.do == "decide":
            await _say(writer, self._decide(wish, who))
            return
        told = await self._list(writer, {})
        await _say(writer, {"end": True})
        if wish.do == "watch":
            await self._watch(told, reader, writer)

    def _decide(self, wish: Wish, who: str) -> dict[str, Any]:
        edited, answer = bytes(wish.edited) or None, bytes(wish.answer) or None
        try:
            self._desk.decide(wish.hold, wish.decision, who, edited=edited, answer=answer)
        except Gone as gone:
            return {"gone": str(gone)}
        except Unfit as unfit:
            return {"unfit": str(unfit)}
        return {"done": True}

    async def _list(self, writer: StreamWriter, told: dict[str, Asked]) -> dict[str, Asked]:
        """Tell what waits and was not told yet, and what ended. Returns all that was told and still waits."""
        waiting = {asked.hold: asked for asked in self._desk.pending()}
        for hold in told.keys() - waiting.keys():
            await _say(writer, {"ended": hold, "why": self._desk.fate(hold)})
        for hold in waiting.keys() - told.keys() if told else waiting:
            await _say(writer, {"began": waiting[hold]})
        return waiting

    async def _watch(self, told: dict[str, Asked], reader: StreamReader, writer: StreamWriter) -> None:
        """Tell of every change until they leave."""
        stirred = asyncio.Event()
        unsubscribe = self._desk.subscribe(stirred.set)
        leaving = asyncio.ensure_future(reader.read(1))
        leaving.add_done_callback(lambda _: stirred.set())
        try:
            while not leaving.done():
                told = await self._list(writer, told)
                await stirred.wait()
                stirred.clear()
                await asyncio.sleep(_PAUSE)
        finally:
            unsubscribe()
            leaving.cancel()


async def _say(writer: StreamWriter, said: dict[str, Any]) -> None:
    writer.write(msgspec.json.encode(said) + b"\n")
    await writer.drain()


def _name(writer: StreamWriter) -> str | None:
    """Who is at the hatch, as the system says; None for another user, or where the system cannot tell."""
    peer: socket.socket = writer.get_extra_info("socket")
    try:
        option = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (AttributeError, OSError):
        return None
    _, user, _ = struct.unpack("3i", option)
    if user != os.getuid():
        return None
    try:
        return f"{pwd.getpwuid(user).pw_name} (interpose approvals)"
    except KeyError:
        return f"user {user} (interpose approvals)"
