"""Plays one recorded end against the other, live one: a message in, the messages that it sets free out. No clock.

What both ends have in common is here: saying a recorded message with the ids of today, and comparing what is heard.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import orjson

from interpose.core.policy.glob import matcher
from interpose.core.protocol import Era
from interpose.core.replay.bind import Bindings
from interpose.core.replay.difference import Difference, differences
from interpose.core.replay.keys import number_of, task_number
from interpose.core.replay.normal import Normal, name_of
from interpose.core.replay.options import Options
from interpose.core.replay.report import Finding, Report, What
from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.replay.threads import TIMED
from interpose.core.wire.ids import Edit, Finder, Path, splice
from interpose.core.wire.message import Kind, Message, id_text, read

UNRECORDED = -31010  # own codes belong outside -32768..-32000 (PROTOCOL 1.5)
BRANCHED = -31011
_MOST_FINDINGS = 1000
_ID: Path = ("id",)
TOKEN: Path = ("params", "progressToken")
OWN_TOKEN: Path = ("params", "_meta", "progressToken")
CANCELS: Path = ("params", "requestId")
_finder = Finder(_ID, TOKEN, OWN_TOKEN, CANCELS)


class Said(msgspec.Struct, frozen=True):
    """A message to be sent. `gap` are the recorded seconds since the message that set it free.

    `poll` are the seconds to wait before it in any case: it asks again for a state that was not reached yet.
    """

    message: bytes
    gap: float = 0.0
    poll: float | None = None


class Player(ABC):
    """One end of a recording. Errors of the live end are findings, never exceptions."""

    def __init__(self, script: Script, options: Options, recording: str = "") -> None:
        self.script = script
        self.recording = recording
        self.matched = 0
        self.said = 0
        self._options = options
        self._normal = Normal(options)
        self._bindings = Bindings(options)
        self._bound = False
        self._done = bytearray(len(script))
        self._findings: list[Finding] = []
        self._ids: set[str] = set()
        self._fresh = 0
        self._out: list[Said] = []
        self._at = 0.0
        self._free = matcher(list(options.free)) if options.free else None

    # --- the contract ------------------------------------------------------------------------------------------------

    @abstractmethod
    def begin(self) -> list[Said]:
        """What this end says by itself."""

    def hear(self, message: Message) -> list[Said]:
        """What the live end said; returns what this end says to that."""
        for part in message.messages():
            self._hear(part)
        self._advance()
        return self._taken()

    def end(self, reason: str) -> Report:
        """No more is to be heard. What is still waited for is missing."""
        return Report(
            self.recording,
            self.script.end,
            reason,
            self.matched,
            self.said,
            tuple(self._findings) + self._lacking(),
            self._unasked(),
            tuple(self._bindings.told()),
        )

    @property
    def faults(self) -> int:
        """How much went otherwise than recorded so far."""
        return len(self._findings)

    @property
    @abstractmethod
    def waiting(self) -> str | None:
        """What this end waits for, in words; None when all was said and heard."""

    @abstractmethod
    def _hear(self, message: Message) -> None: ...

    @abstractmethod
    def _advance(self) -> None: ...

    def _lacking(self) -> tuple[Finding, ...]:
        """What was recorded of the live end, and did not come."""
        return ()

    def _unasked(self) -> tuple[str, ...]:
        return ()

    # --- saying ------------------------------------------------------------------------------------------------------

    def _taken(self) -> list[Said]:
        out, self._out = self._out, []
        return out

    def _say(self, row: int, values: dict[Path, str], poll: float | None = None) -> bytes:
        """Say a recorded message; `values` are JSON texts to put in their places, where they are."""
        raw = self._spelled(self.script.raw(row))
        edits: list[Edit] = []
        for path, start, end in _finder.find(raw):
            value = values.get(path)
            if value is not None and id_text(raw[start:end]) != value:
                edits.append((start, end, value.encode()))
        if edits:
            raw = splice(raw, edits)
        self.said += 1
        self._done[row] = 1
        self._out.append(Said(raw, max(0.0, self.script.ats[row] - self._at), poll))
        return raw

    def _spelled(self, raw: bytes) -> bytes:
        """A recorded message with the live values in it."""
        return _rewritten(read(raw), self._bindings.to_live).raw if self._bound else raw

    def _say_error(self, ident: str, code: int, text: str, data: Any) -> None:
        """Answer a request with an error of the player's own."""
        body = {"code": code, "message": text, "data": {"interpose": data}}
        self.said += 1
        self._out.append(Said(b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (ident.encode(), encoded(body))))

    def _new_id(self, recorded: str) -> str:
        """The recorded id where it is free, else one that nobody has."""
        while recorded in self._ids:
            self._fresh += 1
            recorded = str(1_000_000 + self._fresh)
        self._ids.add(recorded)
        return recorded

    # --- comparing ---------------------------------------------------------------------------------------------------

    def _as_recorded(self, message: Message) -> Message:
        """A live message as the recording would have spelled it."""
        return _rewritten(message, self._bindings.to_recorded) if self._bound else message

    def _key(self, message: Message, method: str | None, era: Era, name: str | None = None) -> int:
        return number_of(self._normal.digest(message, method=method, era=era, name=name))

    def _keys(self, message: Message, era: Era) -> Iterator[int]:
        """The keys under which a live request or notification may be found: as it is, and as it would be recorded."""
        yield self._request_key(message, era)
        recorded = self._as_recorded(message)
        if recorded is not message:
            yield self._request_key(recorded, era)

    def _equals(self, row: int, live: Message, name: str | None = None) -> bool:
        """Whether a live response compares equal to a recorded one."""
        method, era, wanted = self.script.method(row), self.script.era(row), self.script.keys[row]
        if self._key(live, method, era, name) == wanted:
            return True
        recorded = self._as_recorded(live)
        return recorded is not live and self._key(recorded, method, era, name) == wanted

    def _request_key(self, message: Message, era: Era) -> int:
        """The key of a request, tasks kept apart."""
        key = self._key(message, None, era)
        method = message.method or ""
        if method.startswith("tasks/") and isinstance(params := message.section("params"), dict):
            task = params.get("taskId")
            return key ^ task_number(task) if isinstance(task, str) else key
        return key

    def _name(self, request: int) -> str | None:
        """What a request is about, where the options may ask for it."""
        return name_of(self.script.message(request).body()) if self._options.ignore else None

    def _match(self, row: int, live: Message) -> None:
        """A live message is the counterpart of a recorded one."""
        self.matched += 1
        self._done[row] = 1
        self._at = self.script.ats[row]
        recorded = self.script.message(row)
        if (recorded.params, recorded.result, recorded.error) == (live.params, live.result, live.error) and (
            recorded.id == live.id or recorded.method != "subscriptions/listen"
        ):
            return
        method, bodies = self.script.method(row), (recorded.body(), live.body())
        if method in TIMED:  # what differs in these is the time, but for the task that they are about
            bodies = tuple(map(_about_task, bodies))
        self._bound = True
        with suppress(RecursionError):  # what is nested that deep holds no id that comes back
            self._bindings.learn(*bodies, method=method, where=self.script.named(row))

    def _compared(self, row: int, live: Message, name: str | None = None) -> tuple[Difference, ...]:
        """How a live message differs from a recorded one."""
        method, era = self.script.method(row), self.script.era(row)
        recorded = self._normal.comparable(self.script.message(row), method=method, era=era, name=name)
        found = differences(recorded, self._normal.comparable(live, method=method, era=era, name=name))
        mapped = self._as_recorded(live)
        if mapped is not live:
            again = differences(recorded, self._normal.comparable(mapped, method=method, era=era, name=name))
            found = min(found, again, key=len)
        return tuple(found)

    def _find(self, what: What, row: int = NONE, live: str = "", differing: tuple[Difference, ...] = ()) -> None:
        if len(self._findings) < _MOST_FINDINGS:
            recorded, line = ("", None) if row == NONE else (self.script.named(row), self.script.seqs[row] + 1)
            self._findings.append(Finding(what, live, recorded, line, differing))

    def _is_free(self, method: str) -> bool:
        """Whether nobody minds how often a notification comes."""
        return method in TIMED or (self._free is not None and self._free(method))


def _rewritten(message: Message, rewrite: Callable[[Any], Any]) -> Message:
    """The message with its body rewritten; the message itself where that changes nothing."""
    body = message.body()
    try:
        changed = rewrite(body)
        return message if changed == body else read(encoded(changed))
    except RecursionError:
        return message


def _about_task(body: Any) -> Any:
    params = body.get("params") if isinstance(body, dict) else None
    task = params.get("taskId") if isinstance(params, dict) else None
    return None if task is None else {"method": body.get("method"), "params": {"taskId": task}}


def encoded(value: Any) -> bytes:
    """JSON bytes of a value, whatever a lenient reader took it from."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def json_text(value: Any) -> str:
    """An id or token as the text it is compared by."""
    return id_text(encoded(value))


def is_answer(marks: int) -> bool:
    return bool(marks & Mark.RESPONSE)


def in_words(message: Message) -> str:
    """A message's kind and method in a few words."""
    if message.kind is Kind.ERROR:
        return "an error"
    return message.method or ("a result" if message.kind is Kind.RESULT else "something unreadable")
