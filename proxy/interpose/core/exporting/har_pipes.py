"""What went over pipes as exchanges of a HAR file that never were: one a call, one a notification."""

from collections.abc import Callable, Iterator
from typing import Any

from interpose.core.events import Received
from interpose.core.exporting import har_fields
from interpose.core.exporting.ruled import ruled
from interpose.core.formats.excerpt import said
from interpose.core.formats.label import label
from interpose.core.recording.entry import Entry
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message

_JSON = (("content-type", "application/json"),)
_OK, _ACCEPTED, _NOTHING = 200, 202, 0
_TO = {"client": "server", "server": "client"}


class _Call:
    """A request without its answer yet."""

    def __init__(self, entry: Entry, seen: Sighting) -> None:
        self.at, self.end, self.message = entry.at, seen.end, seen.message
        self.method, self.about = seen.method or "", _about(entry, seen)


class Calls:
    """Follows a session. Only calls that wait are held. `when` spells a time of the recording."""

    def __init__(self, when: Callable[[float], str]) -> None:
        self._when = when
        self._session = Session()
        self._entries = 0
        self._open: dict[tuple[int, int], _Call] = {}

    def follow(self, entry: Entry) -> tuple[Sighting, ...]:
        self._entries += 1
        event = entry.event()
        return () if event is None else self._session.see(self._entries, event)

    def take(self, entry: Entry) -> Iterator[dict[str, Any]]:
        """The exchanges that an entry ends."""
        event = entry.event()
        for seen in self.follow(entry):
            if seen.kind is Kind.REQUEST:
                self._open[seen.seq, seen.part] = _Call(entry, seen)
            elif seen.message.is_response:
                yield self._answered(entry, seen)
            elif isinstance(event, Received):
                call = _Call(entry, seen)
                yield self._fields(call, _ACCEPTED, b"", entry.at, call.about)

    def rest(self) -> Iterator[dict[str, Any]]:
        for call in self._open.values():
            yield self._fields(call, _NOTHING, b"", call.at, f"{call.about}; no answer in the recording")

    def _answered(self, entry: Entry, seen: Sighting) -> dict[str, Any]:
        call = None if seen.call is None else self._open.pop((seen.call.seq, seen.call.part), None)
        if call is None:
            call = _Call(entry, seen)
            return self._fields(call, _ACCEPTED, b"", entry.at, f"{call.about}; an answer to nothing that was asked")
        body = bytes(entry.delivered) if entry.delivered and seen.part == 0 else seen.message.raw
        found = ruled(entry)
        more = f"; its answer was {found.text}" if found is not None and found.acted else ""
        return self._fields(call, _OK, body, entry.at, call.about + more)

    def _fields(self, call: _Call, status: int, body: bytes, until: float, comment: str) -> dict[str, Any]:
        asked = har_fields.request("POST", _address(call.end, call.method), _JSON, call.message.raw)
        answered = har_fields.response(status, _JSON if body else (), body)
        fields = har_fields.entry(self._when(call.at), {"wait": until - call.at}, asked, answered)
        return fields | {"comment": comment}


def _about(entry: Entry, seen: Sighting) -> str:
    found = ruled(entry)
    acted = f"; it was {found.text}" if found is not None and found.acted else ""
    what = label(seen) or _kind(seen.message)
    return f"no HTTP: the {seen.end} wrote this to its pipe ({said(what, 80)}, entry {entry.seq}){acted}"


def _kind(message: Message) -> str:
    return "no JSON-RPC" if message.kind is Kind.OPAQUE else message.kind.value


def _address(end: str, method: str) -> str:
    """An address that leads nowhere and reads well in a list: `http://stdio.invalid/server/tools/call`."""
    known = "".join(character if character.isalnum() and character.isascii() else "/" for character in method)
    return f"http://stdio.invalid/{_TO[end]}/{known.strip('/')}".rstrip("/")
