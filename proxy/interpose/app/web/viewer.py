"""One browser's feed: events of what is new since the last, written when the browser takes them.

There is no queue: a viewer remembers how far it told. Who is slow is told less often, and who is far behind is told
to read anew.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import orjson

from interpose.app.web.chronicle import Chronicle
from interpose.app.web.consent import brief
from interpose.app.web.hub import Hub
from interpose.edge.approvers.desk import Desk

_APART = 0.05
_MOST_ROWS = 300
_MOST_WAITS = 100
_MOST_HELD = 60
_SILENT = 15.0
_WAITS_APART = 0.2


class Viewer:
    """What one browser looks at: a session, and what waits anywhere. `last` is the id of the event it heard last."""

    def __init__(self, hub: Hub, desk: Desk | None, session: str, last: str = "") -> None:
        self._hub, self._desk = hub, desk
        self._session = session
        self._row, self._change = _heard(last, session)
        self._told: dict[str, bytes] = {}
        self._stirred = asyncio.Event()
        self._waits_at = 0.0
        self._owes_waits = False

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events, without end."""
        endings = [self._hub.subscribe(self._stirred.set)]
        if self._desk is not None:
            endings.append(self._desk.subscribe(self._stirred.set))
        try:
            self._stirred.set()
            while True:
                try:
                    async with asyncio.timeout(self._patience()):
                        await self._stirred.wait()
                except TimeoutError:
                    pass
                self._stirred.clear()
                news = b"".join(self._news())
                yield news or b": here\n\n"
                await asyncio.sleep(_APART)
        finally:
            for end in endings:
                end()

    def _patience(self) -> float:
        return _WAITS_APART if self._owes_waits else _SILENT

    def _news(self) -> list[bytes]:
        chronicle = self._hub.chronicles.get(self._session)
        found = [self._once("sessions", self._sessions()), self._once("pending", self._pending())]
        if chronicle is not None:
            found += [self._rows(chronicle), self._waits(chronicle)]
        return [each for each in found if each]

    def _once(self, name: str, data: Any, ident: str = "") -> bytes:
        """An event, unless the last of this name said the same."""
        body = orjson.dumps(data)
        if self._told.get(name) == body:
            return b""
        self._told[name] = body
        return _event(name, body, ident)

    def _sessions(self) -> list[dict[str, Any]]:
        return [
            {
                "session": name,
                "server": str(each.header.server.get("name", "server"))[:80],
                "started": each.header.started[:40],
                "transport": str(each.header.client.get("transport", ""))[:20],
                "live": not each.over,
            }
            for name, each in self._hub.chronicles.items()
        ]

    def _pending(self) -> dict[str, Any]:
        found = self._desk.pending() if self._desk is not None else ()
        return {"count": len(found), "first": [brief(each) for each in found[:_MOST_HELD]], "desk": bool(self._desk)}

    def _rows(self, chronicle: Chronicle) -> bytes:
        """What is new in the session; `jump` where that is too much."""
        count, ident = len(chronicle), f"{self._session}:{len(chronicle)}:{chronicle.changes}"
        begin, since = self._row, self._change
        self._row, self._change = count, chronicle.changes
        if begin == count and since == chronicle.changes:
            return b""
        states = chronicle.changed(since) if since is not None else None
        if begin is None or begin > count or count - begin > _MOST_ROWS or states is None:
            return _event("jump", orjson.dumps({"rows": count}), ident)
        rows = chronicle.rows(range(begin, count))
        body = b'{"first":%d,"rows":[%s],"states":%s}' % (
            begin,
            b",".join(piece for number in range(begin, count) if (piece := chronicle.piece(number)) is not None),
            orjson.dumps(chronicle.states(rows) | states),
        )
        return _event("rows", body, ident)

    def _waits(self, chronicle: Chronicle) -> bytes:
        """Who is waited for, a few times a second at most."""
        now = time.monotonic()
        if now - self._waits_at < _WAITS_APART:
            self._owes_waits = True
            return b""
        self._owes_waits, self._waits_at = False, now
        waits, count = chronicle.waits(_MOST_WAITS, desk=self._desk is not None)
        steady = [{key: each for key, each in wait.items() if key not in ("age", "style")} for wait in waits]
        key = orjson.dumps([steady, count, chronicle.over, chronicle.reading, len(chronicle)])
        if self._told.get("waits") == key:
            return b""
        self._told["waits"] = key
        return _event("session", orjson.dumps({**chronicle.summary(), "waits": waits, "waiting": count}))


def _heard(last: str, session: str) -> tuple[int | None, int | None]:
    """How many rows and changes somebody had heard of who comes back."""
    name, *counts = last.rsplit(":", 2)
    if name != session or len(counts) != 2 or not all(each.isdecimal() and len(each) < 12 for each in counts):
        return None, None
    return int(counts[0]), int(counts[1])


def _event(name: str, body: bytes, ident: str = "") -> bytes:
    mark = f"id: {ident}\n" if ident else ""
    return f"{mark}event: {name}\ndata: ".encode() + body + b"\n\n"
