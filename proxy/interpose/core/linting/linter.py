"""Reads a recording entry by entry and tells what in it the specification forbids. Holds no messages."""

from collections.abc import Callable, Iterator

from interpose.core.events import End
from interpose.core.linting import rules
from interpose.core.linting.exchanges import ExchangeRules
from interpose.core.linting.finding import Fault, Finding
from interpose.core.linting.messages import MessageRules
from interpose.core.linting.rules import Rule
from interpose.core.protocol import Era
from interpose.core.recording.entry import Entry, Header
from interpose.core.session.exchanges import header as header_of
from interpose.core.session.ring import Ring
from interpose.core.session.session import Session
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message

Validate = Callable[[Sighting, str], tuple[Fault, ...]]
"""Where a message is not as the official model of its method in a version has it."""

_OWN = "interpose"
_NOBODYS_MODEL = frozenset({Kind.OPAQUE, Kind.ERROR})


class Linter:
    """Follows one recording. `messages` counts what was looked at."""

    def __init__(self, header: Header, validate: Validate) -> None:
        self._session, self._entries = Session(), 0
        self._validate = validate
        self._messages = MessageRules()
        self._exchanges = ExchangeRules(str(header.client.get("transport", "")))
        self._resumed: Ring[str, None] = Ring()
        self.messages = 0

    def take(self, entry: Entry) -> Iterator[Finding]:
        """What is wrong with an entry. What interpose said itself is nobody's."""
        self._entries += 1
        event = entry.event()
        if event is None:
            return
        before = self._session.opening.version
        seen = self._session.see(self._entries, event)
        if entry.kind == "http-request" and header_of(entry.headers, "last-event-id") is not None:
            self._resumed.put(entry.channel, None)
        if entry.by == _OWN:
            return
        for end, rule, broken, detail in self._exchanges.broken(entry, _whole(seen), before):
            yield self._found(entry, end, (rule, broken), detail)
        for each in seen:
            self.messages += 1
            yield from self._message(entry, each)

    def _message(self, entry: Entry, seen: Sighting) -> Iterator[Finding]:
        for rule in self._messages.broken(seen, resumed=seen.channel in self._resumed):
            yield self._found(entry, seen.end, rule, "", seen)
        version = self._version(seen)
        if version is None or seen.kind in _NOBODYS_MODEL or _is_redacted(entry):
            return
        for fault in self._validate(seen, version):
            yield self._found(entry, seen.end, ("model", rules.MODEL), fault.text, seen, fault.where)

    def _found(
        self,
        entry: Entry,
        end: End,
        rule: tuple[str, Rule],
        detail: str,
        seen: Sighting | None = None,
        where: str = "",
    ) -> Finding:
        name, broken = rule
        era: Era = seen.era if seen is not None else self._session.opening.era
        text = f"{broken.text}: {detail}" if detail else broken.text
        version = self._session.opening.version if seen is None else self._version(seen)
        method = None if seen is None else seen.method
        about = None if seen is None else seen.name
        return Finding(entry.seq, entry.at, end, name, text, broken.section(era), version, method, about, where)

    def _version(self, seen: Sighting) -> str | None:
        """The version that a message is read by: its request's, else the agreed one, else the one asked for."""
        if seen.call is not None and seen.call.version is not None:
            return seen.call.version
        opening = self._session.opening
        return (opening.version or opening.asked) if opening.era == seen.era else None


def _whole(seen: tuple[Sighting, ...]) -> Message | None:
    """The frame's message; of a batch the first request, else the first message, which speaks for it."""
    requests = (each.message for each in seen if each.kind is Kind.REQUEST)
    return next(requests, seen[0].message if seen else None)


def _is_redacted(entry: Entry) -> bool:
    """Whether the line may hold other values than the end sent."""
    return any(isinstance(hit, dict) and hit.get("do") == "redact" for hit in (entry.verdict or {}).get("rules", ()))
