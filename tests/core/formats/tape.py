"""A recording made line by line in memory, and what a reader of it is shown. A tenth of a second passes a line."""

import json
from pathlib import Path
from typing import Any

from interpose.core.events import Closed, End, Event, Frame, Headers, Received, Requested, Responded, Told
from interpose.core.formats.answered import Answers
from interpose.core.formats.choice import Choice
from interpose.core.formats.ledger import Place
from interpose.core.formats.line import Line
from interpose.core.formats.page import JsonPage, Page, TextPage
from interpose.core.formats.paint import plain
from interpose.core.formats.survey import Again, Survey
from interpose.core.formats.transcript import Transcript
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.recording.recorder import Recorder
from interpose.core.wire.message import read
from interpose.core.wire.sse import read_block

HEADER = Header(
    "s1",
    "2026-01-02T10:00:00Z",
    {"transport": "stdio"},
    {"transport": "stdio", "name": "probe", "command": ["python", "probe.py"]},
    "interpose test",
)
META = "io.modelcontextprotocol/"
NOON = 12 * 3600.0


def modern(**more: Any) -> dict[str, Any]:
    """The `_meta` of a request of 2026-07-28."""
    return {f"{META}protocolVersion": "2026-07-28", f"{META}clientCapabilities": {}, **more}


class Tape:
    """Records what it is told to."""

    def __init__(self, header: Header = HEADER) -> None:
        self._recorder = Recorder()
        self.header = header
        self.lines = [self._line(self._recorder.header(header).pieces)]
        self.now = 0.0

    def client(self, channel: str = "stdio", **body: Any) -> "Tape":
        return self.say("client", {"jsonrpc": "2.0", **body}, channel)

    def server(self, channel: str = "stdio", **body: Any) -> "Tape":
        return self.say("server", {"jsonrpc": "2.0", **body}, channel)

    def say(self, end: End, body: Any, channel: str = "stdio") -> "Tape":
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.happen(Received(self._tick(), end, channel, Frame(raw, read(raw))))

    def streams(self, channel: str, block: bytes) -> "Tape":
        """A block of an event stream without a message."""
        return self.happen(Received(self._tick(), "server", channel, Frame(b"", None, read_block(block))))

    def tells(self, what: str, text: str, end: End = "server") -> "Tape":
        return self.happen(Told(self._tick(), end, what, text))

    def asks(self, channel: str, method: str = "POST", target: str = "/mcp", headers: Headers = ()) -> "Tape":
        return self.happen(Requested(self._tick(), channel, method, target, headers))

    def answers(self, channel: str, status: int, kind: str = "application/json") -> "Tape":
        return self.happen(Responded(self._tick(), channel, status, (("Content-Type", kind),)))

    def closes(self, channel: str = "stdio", end: End = "client", reason: str = "end") -> "Tape":
        return self.happen(Closed(self._tick(), end, channel, reason))

    def opens(self, version: str = "2025-11-25") -> "Tape":
        """A stateful session's first three messages."""
        about = {"protocolVersion": version}
        can: dict[str, Any] = {"sampling": {}, "elicitation": {}}
        info = {"name": "inspector", "version": "3"}
        self.client(id=0, method="initialize", params={**about, "capabilities": can, "clientInfo": info})
        offers: dict[str, Any] = {"tools": {}, "logging": {}, "tasks": {"requests": {"tools": {"call": {}}}}}
        offered = {**about, "capabilities": offers, "serverInfo": {"name": "deploy", "version": "1.2"}}
        self.server(id=0, result=offered)
        return self.client(method="notifications/initialized")

    def happen(self, event: Event) -> "Tape":
        self.lines.append(self._line(self._recorder.record(event).pieces))
        return self

    def ends(self, reason: str = "client closed") -> "Tape":
        self.lines.append(self._line(self._recorder.trailer(self._tick(), reason, []).pieces))
        return self

    @property
    def data(self) -> bytes:
        return b"".join(self.lines)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.data)
        return path

    def text(self, choice: Choice | None = None, width: int = 110, full: bool = False) -> list[str]:
        """What a person sees of it."""
        page = TextPage(width, NOON, "today", choice or Choice(), full)
        return self._told(page, live=full)

    def json(self, choice: Choice | None = None) -> list[dict[str, Any]]:
        """What a program sees of it."""
        return [json.loads(row) for row in self._told(JsonPage(choice or Choice()), live=False)]

    def told(self, live: bool = False) -> list[Line]:
        """The lines as values."""
        survey = self._survey()
        return self._lines(survey, live)

    def _told(self, page: Page, live: bool) -> list[str]:
        survey = self._survey()
        rows = [*page.begin(self.header, survey), *page.waiting(survey)]
        rows += [*page.lines(self._lines(survey, live)), *page.end(survey, [])]
        return [plain(row) for row in rows]

    def _survey(self) -> Survey:
        survey, offset = Survey(), len(self.lines[0])
        for line in self.lines[1:]:
            survey.take(offset, decode_entry(line))
            offset += len(line)
        return survey

    def _lines(self, survey: Survey, live: bool) -> list[Line]:
        again = Again()
        answers = None if live else Answers(survey.ledger, self._fetch, "no answer" if survey.last else "no answer yet")
        transcript = Transcript(survey.ledger, answers)
        seen = [(entry, again.take(entry)) for entry in self._entries()]
        return [line for entry, found in seen if found for line in transcript.lines(entry, *found)]

    def _entries(self) -> list[Entry]:
        return [decode_entry(line) for line in self.lines[1:]]

    def _fetch(self, place: Place) -> bytes:
        found = self.data[place.offset : place.offset + 4096]
        line, end, _ = found.partition(b"\n")
        return line + end

    def _tick(self) -> float:
        self.now += 0.1
        return self.now

    def _line(self, pieces: tuple[bytes, ...]) -> bytes:
        return b"".join(pieces)
