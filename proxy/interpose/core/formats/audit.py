"""The consent trail of a recording: what the server's side asked of the user's side, and who let it have it.

It is read off the session that the entries make, so that both eras and all carriers come out alike. Bodies are
measured, never kept.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, field

from interpose.core.formats.audit_holds import HoldTrail
from interpose.core.formats.audit_record import By, Decision, Record, correlation
from interpose.core.formats.audit_tasks import TaskTrail
from interpose.core.formats.excerpt import said
from interpose.core.formats.label import label
from interpose.core.formats.survey import Survey
from interpose.core.formats.words import short_id
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.host import host_of
from interpose.core.policy.rule import ACTIONS
from interpose.core.recording.entry import Entry, Header
from interpose.core.session.asks import Ask, is_sign_in
from interpose.core.session.reading import Failure, Params, read
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

OWN = "interpose"
_REJECTED = -1  # 2025-11-25 §client/sampling: the user rejected the request
_DENIES = frozenset(name for name, rule in ACTIONS.items() if rule.effect == "deny") | {"refuse"}
_EDITS = frozenset(name for name, rule in ACTIONS.items() if rule.effect == "edit")
_STATES: dict[str, tuple[Decision, By]] = {
    "answered": ("allowed", "host"),
    "accepted": ("allowed", "user"),
    "declined": ("refused", "user"),
    "dismissed": ("dismissed", "user"),
    "refused": ("refused", "host"),
    "unanswered": ("unanswered", "nobody"),
    "withdrawn": ("withdrawn", "server"),
    "done": ("allowed", "user"),
}
_Name = tuple[int, str, str]
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


class _Sampling(msgspec.Struct, gc=False):
    messages: list[Raw] | None = None
    system: Raw = field(default=Raw(), name="systemPrompt")
    context: str | None = field(default=None, name="includeContext")
    tools: list[Raw] | None = None
    max_tokens: int | float | None = field(default=None, name="maxTokens")


class _Root(msgspec.Struct, gc=False):
    uri: str | None = None


class _Answer(msgspec.Struct, gc=False):
    model: str | None = None
    stop: str | None = field(default=None, name="stopReason")
    content: Raw = Raw()
    roots: list[Raw] | None = None


class Trail:
    """Follows one recording. `survey` knows the session and the numbers of its calls."""

    def __init__(self, header: Header, path: str = "") -> None:
        self.survey = Survey()
        self._header, self._path = header, path
        self._records: list[Record] = []
        self._open: dict[_Name, Record] = {}
        self._calls: Ring[int, str] = Ring(65_536)
        self._tasks = TaskTrail(self._place)
        self._holds = HoldTrail(self.survey.ledger.name)

    def take(self, entry: Entry) -> None:
        """Follow one entry."""
        found = self.survey.take(0, entry)
        held = self._holds.see(entry, found[1][0] if found is not None and found[1] else None)
        if held is not None:
            self._keep(*held)
        if (refused := self._holds.refused(entry)) is not None:
            self._refuse_sign_ins(entry, *refused)
        for seen in found[1] if found is not None else ():
            if seen.kind is Kind.REQUEST and seen.end == "client":
                self._calls.put(seen.seq, label(seen))
            for ask in seen.asks:
                self._ask(entry, seen, ask)
            for record in self._tasks.see(entry, seen):
                self._keep(record, seen)

    def end(self) -> tuple[Record, ...]:
        """The trail, in the order in which things were asked. What has no answer by now has none."""
        for record in self._open.values():
            if not record.decision:
                record.decision, record.by = ("unanswered" if self.survey.last else "open"), "nobody"
        return tuple(self._records)

    def _keep(self, record: Record, seen: Sighting) -> None:
        record.recording, record.session = self._path, self._header.session
        record.server = said(str(self._header.server.get("name", "")), 60)
        record.era, record.notes = seen.era, seen.notes
        self._records.append(record)

    def _ask(self, entry: Entry, seen: Sighting, ask: Ask) -> None:
        name = (ask.seq, ask.carrier, ask.key)
        record = self._open.get(name)
        if record is None and ask.state == "open" and ask.seq == seen.seq:
            record = self._open[name] = self._asked(entry, seen, ask)
            self._keep(record, seen)
            _judge_asking(record, entry, ask)
        elif record is not None and ask.state == "open":
            record.task = said(short_id(ask.task)) if ask.task else record.task
        elif record is not None:
            _settle(record, entry, seen, ask)
            if entry.by == OWN and (approver := self._holds.approver(ask.seq)) is not None:
                record.by, record.approver = "approver", approver
            if not is_sign_in(ask):  # that one may still be told to be done
                del self._open[name]

    def _refuse_sign_ins(self, entry: Entry, hold: Record, seen: Sighting) -> None:
        """What an error demands has no answer of its own: that it was refused, the end of the hold says alone."""
        for ask in seen.asks:
            record = self._open.get((ask.seq, ask.carrier, ask.key)) if ask.carrier == "error" else None
            if record is not None and any(hit.get("do") == "hold" for hit in _hits(entry, ask)):
                record.decision, record.by, record.approver = hold.decision, hold.by, hold.approver
                record.rule, record.seconds = hold.rule, hold.seconds

    def _asked(self, entry: Entry, seen: Sighting, ask: Ask) -> Record:
        ident = ask.elicitation or f"{self._header.session} {ask.seq} {ask.key}"
        record = Record(ask.kind, "asked", entry.seq, entry.at, carrier=ask.carrier, correlation=correlation(ident))
        record.number = self.survey.ledger.name(ask.seq) or "" if ask.carrier == "request" else ""
        record.inside, record.call = self._place(ask.parents)
        record.sure = seen.confidence != "candidates" or ask.carrier != "request"
        record.task = said(short_id(ask.task)) if ask.task else ""
        if ask.kind == "sampling":
            _measure(record, ask)
        elif ask.kind == "elicitation":
            record.mode, record.message = ask.mode or "", said(ask.message or "", 100)
            record.host = _host(ask)
        return record

    def _place(self, parents: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
        """Calls by their numbers, and the first of them in words."""
        numbers = tuple(name for name in map(self.survey.ledger.name, parents) if name)
        return numbers, next((self._calls[seq] for seq in parents if seq in self._calls), "")


def _measure(record: Record, ask: Ask) -> None:
    """How much context a sampling request sends along, in counts and sizes."""
    found = read(ask.params, _Sampling)
    record.bytes = len(ask.params)
    record.messages = len(found.messages or ())
    record.system_bytes = len(bytes(found.system)) or None
    record.context = said(found.context or "", 30)
    record.tools = len(found.tools) if found.tools is not None else None
    record.max_tokens = found.max_tokens


def _host(ask: Ask) -> str:
    """Where a link leads; `unclear` where two readers could take it for two places."""
    if ask.mode != "url":
        return ""
    try:
        return said(host_of(ask.url), 100)
    except RuleFault:
        return "unclear"


def _hits(entry: Entry, ask: Ask) -> list[dict[str, Any]]:
    """The rules that had their way with the ask."""
    rules = (entry.verdict or {}).get("rules", ())
    return [rule for rule in rules if rule.get("acted", True) and rule.get("ask") in (None, ask.key)]


def _judge_asking(record: Record, entry: Entry, ask: Ask) -> None:
    """What the policy made of the asking."""
    hits = _hits(entry, ask)
    denying = next((hit for hit in hits if hit.get("do") in _DENIES), None)
    if denying is not None and (entry.verdict or {}).get("decision") != "pass":
        record.decision = "answered" if denying.get("do") == "answer" else "refused"
        record.by, record.rule = "policy", said(str(denying.get("rule", "")), 80)
        return
    editing = next((hit for hit in hits if hit.get("do") in _EDITS), None)
    if editing is not None:
        record.rule = said(str(editing.get("rule", "")), 80)


def _settle(record: Record, entry: Entry, seen: Sighting, ask: Ask) -> None:
    """How it was answered. A refusal by the policy stands, whatever the client never heard of it says."""
    if record.decision and entry.by != OWN:
        if ask.state == "done":
            record.seconds = seen.at - record.at
        return
    decision, by = _STATES[ask.state]
    record.seconds = seen.at - record.at
    if ask.state == "refused" and read(seen.message.error, Failure).code == _REJECTED:
        by = "user"
    if entry.by == OWN:
        by = "policy"
        decision = "answered" if decision == "allowed" else decision
    elif decision == "allowed" and record.rule:
        decision = "changed"
    record.decision, record.by = decision, by
    _read_answer(record, seen, ask)
    _judge_answer(record, entry, ask)


def _judge_answer(record: Record, entry: Entry, ask: Ask) -> None:
    """What the policy made of the answer."""
    if entry.by == OWN or (entry.verdict or {}).get("decision", "pass") == "pass":
        return
    for hit in _hits(entry, ask):
        rule = said(str(hit.get("rule", "")), 80)
        if hit.get("do") in _DENIES:
            record.decision, record.by, record.rule = "refused", "policy", rule
        elif hit.get("do") in _EDITS and record.decision == "allowed":
            record.decision, record.rule = "changed", rule


def _read_answer(record: Record, seen: Sighting, ask: Ask) -> None:
    raw = _answer(seen, ask)
    if not raw:
        return
    found = read(raw, _Answer)
    if ask.kind == "sampling":
        record.model, record.stop_reason = said(found.model or "", 60), said(found.stop or "", 30)
        record.answer_bytes = len(bytes(raw))
    elif ask.kind == "elicitation":
        record.fields = tuple(said(name, 60) for name in _names(bytes(found.content)))
    elif found.roots is not None:
        record.root_count = len(found.roots)
        record.roots = tuple(said(read(root, _Root).uri or "?", 200) for root in found.roots)


def _answer(seen: Sighting, ask: Ask) -> bytes:
    """The bare result that answers an ask: a response's, or the one under its key in a request."""
    if seen.message.is_response:
        return seen.message.result
    return bytes((read(seen.message.params, Params).answers or {}).get(ask.key, b""))


def _names(raw: bytes) -> Iterable[str]:
    try:
        return _decode_members(raw)
    except (ValueError, RecursionError):
        return ()
