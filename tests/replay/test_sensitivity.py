"""A recorded client notices whatever a server does otherwise, and calls it what it is: every golden recording, played
against a hundred that were made of it by changing one thing on the server's side. Against itself, it finds nothing:
tests/core/replay.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.core.replay.stage import DEFAULT, GOLDEN, name_of, play

from interpose.core.recording.entry import Entry
from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.normal import Normal
from interpose.core.replay.report import Report, What
from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.replay.server import ServerPlayer
from interpose.core.replay.threads import CANCELLED, TIMED, build
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader

MUTATIONS = 100
NORMAL = Normal(DEFAULT)
IN_CALLS = frozenset({"notifications/progress", "notifications/message"})  # timed, but inside a call they are missed


@cache
def entries_of(path: Path) -> list[Entry]:
    with RecordingReader(path) as reader:
        return list(reader)


def script_of(entries: list[Entry], end: Any) -> Script:
    return build(enumerate(entries), NORMAL, end, entries.__getitem__)


class Recording:
    """A golden recording, and the rows of its server that somebody waits for or would miss."""

    def __init__(self, path: Path) -> None:
        self.name = name_of(path)
        self.entries = entries_of(path)
        self.script = script_of(self.entries, "server")
        self.client = script_of(self.entries, "client")
        self.rows = [row for row in range(len(self.script)) if self._counts(row)]

    def met_by(self, mutated: list[Entry]) -> Report:
        """What its client says of a server that does as another recording has it."""
        numbered = [msgspec.structs.replace(entry, seq=number + 1) for number, entry in enumerate(mutated)]
        server = ServerPlayer(script_of(numbered, "server"), DEFAULT, self.name)
        return play(server, ClientPlayer(self.client, DEFAULT, self.name)).client

    def place(self, row: int) -> int:
        return self.script.offsets[row]

    def with_message(self, row: int, body: Any) -> list[Entry]:
        changed = list(self.entries)
        changed[self.place(row)] = said(self.entries[self.place(row)], body)
        return changed

    def matters(self, row: int, body: Any) -> bool:
        """Whether a row's message, put like this, differs in more than what varies by itself."""
        method, era = self.script.method(row), self.script.era(row)
        before, after = self.script.message(row), read(json.dumps(body).encode())
        if before.kind is not after.kind:
            return False
        return NORMAL.digest(before, method=method, era=era) != NORMAL.digest(after, method=method, era=era)

    def _counts(self, row: int) -> bool:
        script = self.script
        if not script.own(row) or script.marks[row] & Mark.FREE or self.place(row) in self._delivered_otherwise():
            return False
        return not self._is_cancelled(script.threads[row]) and not self._is_poll(row)

    def _is_poll(self, row: int) -> bool:
        """Polls read a state, and states are skipped where the server is faster."""
        return self.script.method(row) in ("tasks/get", "tasks/list", "ping")

    def _is_cancelled(self, call: int) -> bool:
        """What a cancelled call still says, and whether, is a race."""
        script = self.script
        row = NONE if call == NONE else script.follows[call]
        while row != NONE and script.method(row) != CANCELLED:
            row = script.follows[row]
        return row != NONE

    def _delivered_otherwise(self) -> set[int]:
        return {number for number, entry in enumerate(self.entries) if bytes(entry.delivered)}


def said(entry: Entry, body: Any) -> Entry:
    return msgspec.structs.replace(entry, message=msgspec.Raw(json.dumps(body).encode()), text=None, base64=None)


# --- mutations: each gives the mutated recording, or None where it would change nothing that counts ------------------

Mutation = Callable[[random.Random, Recording], list[Entry] | None]


def _changed(chance: random.Random, tape: Recording, change: Callable[[Any, Any], bool]) -> list[Entry] | None:
    """A recording with one value of a message changed; `change` says whether it could."""
    row = chance.choice(tape.rows)
    body = tape.script.message(row).body()
    places = [place for name in ("params", "result", "error") for place in _places(body.get(name), body, name)]
    if tape.script.method(row) in TIMED or not places or not change(*chance.choice(places)):
        return None
    return tape.with_message(row, body) if tape.matters(row, body) else None


def _places(value: Any, holder: Any, key: Any) -> list[tuple[Any, Any]]:
    found = [] if value is None else [(holder, key)]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for name, each in inside for place in _places(each, value, name)]


def another_value(chance: random.Random, tape: Recording) -> list[Entry] | None:
    def change(holder: Any, key: Any) -> bool:
        match holder[key]:
            case bool() as value:
                holder[key] = not value
            case str() as value:
                holder[key] = f"{value} indeed"
            case int() | float() as value:
                holder[key] = value + 1
            case _:
                return False
        return True

    return _changed(chance, tape, change)


def another_type(chance: random.Random, tape: Recording) -> list[Entry] | None:
    def change(holder: Any, key: Any) -> bool:
        value = holder[key]
        holder[key] = str(value) if isinstance(value, int | float) else {"was": value} if value != [] else {}
        return True

    return _changed(chance, tape, change)


def a_field_less(chance: random.Random, tape: Recording) -> list[Entry] | None:
    def change(holder: Any, key: Any) -> bool:
        del holder[key]
        return holder is not None

    return _changed(chance, tape, change)


def a_field_more(chance: random.Random, tape: Recording) -> list[Entry] | None:
    def change(holder: Any, key: Any) -> bool:
        if isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder["unheardOf"] = None
        return True

    return _changed(chance, tape, change)


def an_error(chance: random.Random, tape: Recording) -> list[Entry] | None:
    row = chance.choice(tape.rows)
    message = tape.script.message(row)
    if not tape.script.marks[row] & Mark.RESPONSE:
        return None
    code = message.body()["error"]["code"] - 1 if tape.script.marks[row] & Mark.ERROR else -32603
    body = {"jsonrpc": "2.0", "id": message.body()["id"], "error": {"code": code, "message": "no"}}
    return tape.with_message(row, body)


def a_message_less(chance: random.Random, tape: Recording) -> list[Entry] | None:
    row = chance.choice(tape.rows)
    method, inside = tape.script.method(row), tape.script.threads[row] != NONE
    if method in TIMED and not (method in IN_CALLS and inside):
        return None
    return [entry for number, entry in enumerate(tape.entries) if number != tape.place(row)]


def _inserted(tape: Recording, row: int, body: Any) -> list[Entry]:
    """The recording with a message more, just before a row of the server, and on the same way."""
    place = tape.place(row)
    more = msgspec.structs.replace(said(tape.entries[place], {"jsonrpc": "2.0", **body}), sse=None)
    return [*tape.entries[:place], more, *tape.entries[place:]]


def an_ask_more(chance: random.Random, tape: Recording) -> list[Entry] | None:
    params: dict[str, Any] = {"messages": [], "maxTokens": 7}
    method, params = chance.choice([("sampling/createMessage", params), ("roots/list", {"_meta": {"more": 1}})])
    return _inserted(tape, chance.choice(tape.rows), {"id": "one more", "method": method, "params": params})


def a_notification_more(chance: random.Random, tape: Recording) -> list[Entry] | None:
    method, params = chance.choice(
        [
            ("notifications/prompts/list_changed", {}),
            ("notifications/resources/updated", {"uri": "note://never"}),
            ("notifications/message", {"level": "emergency", "logger": "never", "data": "x"}),
        ]
    )
    return _inserted(tape, chance.choice(tape.rows), {"method": method, "params": params})


def one_said_twice(chance: random.Random, tape: Recording) -> list[Entry] | None:
    """Progress or a log of a call once more."""
    rows = [row for row in tape.rows if tape.script.method(row) in IN_CALLS and tape.script.threads[row] != NONE]
    if not rows:
        return None
    row = chance.choice(rows)
    return _inserted(tape, row, tape.script.message(row).body())


def another_order(chance: random.Random, tape: Recording) -> list[Entry] | None:
    """Two messages of one call, the one where the other was."""
    script = tape.script
    pairs = [
        (one, other)
        for one, other in zip(tape.rows, tape.rows[1:], strict=False)
        if script.threads[one] == script.threads[other] != NONE
        and script.method(one) != script.method(other)
        and script.marks[one] & script.marks[other] & Mark.CERTAIN
        and not any(
            script.own(row) is False and script.threads[row] == script.threads[one] for row in range(one, other)
        )
    ]
    if not pairs:
        return None
    one, other = (tape.place(row) for row in chance.choice(pairs))
    entries = list(tape.entries)
    for here, there in ((one, other), (other, one)):
        entries[here] = msgspec.structs.replace(
            tape.entries[there], at=tape.entries[here].at, channel=tape.entries[here].channel
        )
    return entries


def answers_exchanged(chance: random.Random, tape: Recording) -> list[Entry] | None:
    """What one call was answered, another one is."""
    rows = [row for row in tape.rows if tape.script.method(row) in ("tools/call", "prompts/get", "resources/read")]
    rows = [row for row in rows if tape.script.marks[row] & Mark.RESPONSE]
    if len(rows) < 2:
        return None
    one, other = chance.sample(rows, 2)
    bodies = [tape.script.message(row).body() for row in (one, other)]
    if "taskId" in str(bodies):
        return None
    bodies[0]["id"], bodies[1]["id"] = bodies[1]["id"], bodies[0]["id"]
    if not tape.matters(one, bodies[1]) or not tape.matters(other, bodies[0]):
        return None
    entries = tape.with_message(one, bodies[1])
    entries[tape.place(other)] = tape.with_message(other, bodies[0])[tape.place(other)]
    return entries


KINDS: dict[Mutation, What] = {
    another_value: "changed",
    another_type: "changed",
    a_field_less: "changed",
    a_field_more: "changed",
    an_error: "changed",
    a_message_less: "missing",
    an_ask_more: "extra",
    a_notification_more: "extra",
    one_said_twice: "extra",
    another_order: "order",
    answers_exchanged: "changed",
}


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_hundred_servers_that_do_something_otherwise_are_all_reported(path: Path) -> None:
    tape = Recording(path)
    unseen = []
    for seed in range(MUTATIONS):
        mutation, entries = mutated(tape, random.Random(f"{tape.name} {seed}"))
        found = {finding.what for finding in tape.met_by(entries).findings}
        if KINDS[mutation] not in found:
            unseen.append(f"seed {seed}: {mutation.__name__}: {found}: {difference(tape.entries, entries)}")
    assert not unseen


def mutated(tape: Recording, chance: random.Random) -> tuple[Mutation, list[Entry]]:
    while True:
        mutation = chance.choice(list(KINDS))
        entries = mutation(chance, tape)
        if entries is not None:
            return mutation, entries


def difference(before: list[Entry], after: list[Entry]) -> str:
    """The first line that is another one, for whoever has to find out."""
    pairs = zip(before, after, strict=False)
    return next((f"{one.seq}: {one.payload()!r} -> {other.payload()!r}" for one, other in pairs if one != other), "end")


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_recording_that_was_only_written_anew_is_not_reported(path: Path) -> None:
    tape = Recording(path)
    row = tape.rows[0]
    report = tape.met_by(tape.with_message(row, tape.script.message(row).body()))
    assert report.ok, report.findings
