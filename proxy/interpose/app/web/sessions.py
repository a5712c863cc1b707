"""What the page asks about sessions: rows, searches, whole messages, tasks, and the feed."""

import asyncio
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import web

from interpose.app.web.chronicle import Chronicle
from interpose.app.web.door import Asked, Handler, Refused, as_json, raw_json
from interpose.app.web.guard import HEADERS
from interpose.app.web.hub import Hub
from interpose.app.web.query import Query
from interpose.app.web.row import Row
from interpose.app.web.viewer import Viewer
from interpose.core.exporting.ruled import ruled
from interpose.core.formats.facts import oddities
from interpose.core.formats.words import size
from interpose.core.recording.entry import Entry
from interpose.edge.approvers.desk import Desk

_MOST_ROWS = 400
_MOST_MESSAGE = 1 << 20
_AT_A_TIME = 500
_MOST_INSIDE = 400
_MOST_FEEDS = 24


class Sessions:
    """Answers about what a hub knows."""

    def __init__(self, hub: Hub, desk: Desk | None) -> None:
        self._hub, self._desk = hub, desk
        self._feeds = 0
        self._things = {
            "find": self._find,
            "rows": self._rows,
            "entries": self._entry,
            "tasks": self._tasks,
            "call": self._call,
        }

    def gets(self) -> dict[str, Handler]:
        return {"sessions": self.sessions, "feed": self.feed}

    async def sessions(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`sessions`, `sessions/NAME`, `sessions/NAME/THING...`."""
        if not steps:
            return as_json([each.summary() for each in self._hub.chronicles.values()])
        chronicle = self._hub.chronicles.get(steps[0])
        if chronicle is None:
            raise Refused(404, "there is no such session any more")
        if len(steps) == 1:
            return as_json(chronicle.summary())
        if steps[1] not in self._things:
            raise Refused(404, "there is no such thing")
        return await self._things[steps[1]](chronicle, request, steps[2:])

    async def feed(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """Events as they come; from where the browser was, when it was here before."""
        if self._feeds >= _MOST_FEEDS:
            raise Refused(429, "too many pages are open")
        session = request.query.get("session", "")
        last = request.headers.get("Last-Event-ID", "")
        headers = {**HEADERS, "Content-Type": "text/event-stream"}
        response = web.StreamResponse(headers=headers)
        self._feeds += 1
        try:
            await response.prepare(request)
            async with aclosing(Viewer(self._hub, self._desk, session, last).events()) as news:
                async for events in news:
                    await response.write(events)
        except ConnectionError:
            pass
        finally:
            self._feeds -= 1
        return response

    async def _find(self, chronicle: Chronicle, request: Asked, _: list[str]) -> web.StreamResponse:
        """The numbers of the rows that a search finds, from a row on."""
        begin = _number(request.query.get("from")) or 0
        query = Query(request.query.get("q", ""))
        count = len(chronicle)
        if query.is_empty:
            return as_json({"rows": chronicle.main(begin), "until": count})
        found: list[int] = []
        for start in range(begin, count, _AT_A_TIME):
            for row in chronicle.rows(range(start, min(count, start + _AT_A_TIME))):
                if query.wants(row, {} if row.r is None else chronicle.state(row.r)):
                    found.append(row.i)
            await asyncio.sleep(0)
        return as_json({"rows": found, "until": count})

    async def _rows(self, chronicle: Chronicle, request: Asked, _: list[str]) -> web.StreamResponse:
        """Rows by their numbers: `ids=1,2,7`."""
        words = request.query.get("ids", "").split(",")[:_MOST_ROWS]
        return _told(chronicle, [int(word) for word in words if word.isdecimal() and len(word) < 12])

    async def _entry(self, chronicle: Chronicle, request: Asked, steps: list[str]) -> web.StreamResponse:
        """One line of the recording, whole."""
        number = _number(steps[0] if steps else None)
        entry = None if number is None else chronicle.entry(number)
        if entry is None:
            raise Refused(404, "this message is kept no more: without --record only the last ones are")
        return as_json(entry_fields(entry))

    async def _tasks(self, chronicle: Chronicle, request: Asked, _: list[str]) -> web.StreamResponse:
        """Life lines."""
        return as_json({"tasks": chronicle.tasks.told(), "left_out": chronicle.tasks.left_out, "at": chronicle.at})

    async def _call(self, chronicle: Chronicle, request: Asked, steps: list[str]) -> web.StreamResponse:
        """The rows of one call: itself, what happened inside it, and the answers."""
        row = _number(steps[0] if steps else None)
        found = chronicle.rows([row]) if row is not None else []
        if not found:
            raise Refused(404, "there is no such row")
        first = found[0]
        top = chronicle.row_of(first.inside[0]) if first.inside else first.of
        if top is not None and top != first.i:
            found = chronicle.rows([top]) or found
            first = found[0]
        return _told(chronicle, await _inside(chronicle, first))


async def _inside(chronicle: Chronicle, first: Row) -> list[int]:
    """The numbers of the rows that belong to a call, up to its answer and a little after."""
    numbers, found = {first.number} - {""}, [first.i]
    last = chronicle.state(first.r).get("answer") if first.r is not None else None
    end = len(chronicle) if last is None else int(last) + 1
    for start in range(first.i + 1, end, _AT_A_TIME):
        for row in chronicle.rows(range(start, min(end, start + _AT_A_TIME))):
            belongs = numbers.intersection(row.inside) or (row.number in numbers) or row.of in found
            if belongs and row.run != "hidden":
                found.append(row.i)
                numbers |= {row.number} if row.type == "request" else set()
                if len(found) >= _MOST_INSIDE:
                    return found
        await asyncio.sleep(0)
    return found


def entry_fields(entry: Entry) -> dict[str, Any]:
    """A line of a recording for the page: the message as it came, as text."""
    payload = entry.payload()
    delivered = bytes(entry.delivered)
    found = ruled(entry)
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "from": entry.end,
        "channel": entry.channel,
        "message": None if payload is None else payload[:_MOST_MESSAGE].decode("utf-8", "backslashreplace"),
        "size": "" if payload is None else size(len(payload)),
        "cut": 0 if payload is None else max(0, len(payload) - _MOST_MESSAGE),
        "delivered": delivered[:_MOST_MESSAGE].decode("utf-8", "backslashreplace") if delivered else None,
        "odd": oddities(entry.flags) if entry.flags else "",
        "sse": None if entry.sse is None else {key: getattr(entry.sse, key) for key in entry.sse.__struct_fields__},
        "http": {"method": entry.method, "target": entry.target, "status": entry.status, "headers": entry.headers}
        if entry.method or entry.status
        else None,
        "text": entry.text if entry.kind not in ("message", "data") else None,
        "reason": entry.reason,
        "by": entry.by,
        "verdict": entry.verdict,
        "ruled": None if found is None else found.text,
        "decision": entry.decision,
        "approver": entry.approver,
    }


def _told(chronicle: Chronicle, numbers: list[int]) -> web.StreamResponse:
    pieces = [piece for number in numbers if (piece := chronicle.piece(number)) is not None]
    states = orjson.dumps(chronicle.states(chronicle.rows(numbers)))
    return raw_json(b'{"rows":[%s],"states":%s}' % (b",".join(pieces), states))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None
