"""Every golden recording plays against itself; and whatever a server does otherwise is reported."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.core.replay.stage import DEFAULT, GOLDEN, Fault, Outcome, golden, name_of, play

from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.normal import Normal
from interpose.core.replay.script import Mark, Script
from interpose.core.replay.server import ServerPlayer
from interpose.core.replay.threads import TIMED
from interpose.core.wire.message import Kind, read

SHUFFLES = 100
MUTATIONS = 100
_script = cache(golden)


def _players(path: Path) -> tuple[ServerPlayer, ClientPlayer]:
    server, client = _script(path, "server"), _script(path, "client")
    return ServerPlayer(server, DEFAULT, name_of(path)), ClientPlayer(client, DEFAULT, name_of(path))


def _play(path: Path, seed: int | None = None, fault: Fault | None = None) -> Outcome:
    return play(*_players(path), seed=seed, fault=fault)


def _expect_as_recorded(outcome: Outcome, clue: Any = None) -> None:
    assert outcome.client.findings == (), clue
    assert outcome.server.findings == (), clue
    assert outcome.server.unasked == (), clue
    assert outcome.finished, clue


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_recording_plays_against_itself(path: Path) -> None:
    outcome = _play(path)
    _expect_as_recorded(outcome)
    for end in ("server", "client"):
        assert len(outcome.said_by(end)) == _own(_script(path, end)), f"the {end} said all"


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_recording_plays_against_itself_whichever_end_is_late(path: Path) -> None:
    for seed in range(SHUFFLES):
        _expect_as_recorded(_play(path, seed), f"seed {seed}")


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_the_same_input_gives_the_same_bytes(path: Path) -> None:
    assert _play(path, 7).heard == _play(path, 7).heard


def _own(script: Script) -> int:
    """What an end says; progress that nobody asked for by a token is said when it was recorded, too."""
    return sum(bool(marks & Mark.OWN) for marks in script.marks)


# --- mutations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_what_a_server_does_otherwise_is_reported(path: Path) -> None:
    """A hundred servers a recording, each with one fault; the seed is in the message."""
    unseen = []
    script = _script(path, "server")
    said = _play(path).said_by("server")
    for seed in range(MUTATIONS):
        name, fault = _mutation(random.Random(seed), said, script)
        if _play(path, fault=fault).client.ok:
            unseen.append(f"seed {seed}: {name}")
    assert not unseen


def _mutation(chance: random.Random, said: list[bytes], script: Script) -> tuple[str, Fault]:
    """One fault, in a message of which it matters."""
    while True:
        number = chance.randrange(len(said))
        kind = chance.choice(("change", "change", "change", "drop", "ask", "notify", "code"))
        made = _fault(chance, kind, said[number], script)
        if made is not None:
            fault = made
            return f"{kind} message {number}: {said[number][:160]!r} -> {fault!r}"[:600], _at(number, fault)


def _at(number: int, instead: list[bytes]) -> Fault:
    return lambda count, line: instead if count == number else [line]


def _fault(chance: random.Random, kind: str, line: bytes, script: Script) -> list[bytes] | None:
    """What is heard in place of a message; None where that would be no fault."""
    message = read(line)
    if kind == "drop":
        return [] if _is_missed(line) else None
    if kind == "ask":
        ask = {
            "jsonrpc": "2.0",
            "id": "extra",
            "method": "sampling/createMessage",
            "params": {"messages": [], "maxTokens": 7},
        }
        return [json.dumps(ask).encode(), line]
    if kind == "notify":
        return [b'{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}', line]
    if kind == "code":
        if message.kind is not Kind.RESULT:
            return None
        return [b'{"jsonrpc":"2.0","id":%b,"error":{"code":-32603,"message":"no"}}' % (message.id or "").encode()]
    changed = _changed(chance, json.loads(line))
    return None if changed is None or not _matters(line, changed) else [changed]


def _is_missed(line: bytes) -> bool:
    """Whether a message must come: responses and requests, and notifications that time does not decide about."""
    message = read(line)
    if message.kind is Kind.NOTIFICATION:
        return message.method not in TIMED and message.method != "notifications/cancelled"
    return message.kind is Kind.REQUEST or b"-32800" not in line


def _changed(chance: random.Random, body: Any) -> bytes | None:
    """The message with one value in it changed, added or taken away."""
    places = [place for name in ("params", "result", "error") for place in _places(body.get(name), body, name)]
    if not places:
        return None
    holder, key = chance.choice(places)
    match chance.choice(("value", "type", "gone", "more")):
        case "value":
            holder[key] = _other(holder[key])
        case "type":
            holder[key] = {"was": holder[key]}
        case "gone" if isinstance(holder, dict):
            del holder[key]
        case "more" if isinstance(holder, dict):
            holder["unheardOf"] = 1
        case _:
            return None
    return json.dumps(body).encode()


def _places(value: Any, holder: Any, key: Any) -> list[tuple[Any, Any]]:
    found = [] if value is None else [(holder, key)]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for name, each in inside for place in _places(each, value, name)]


def _other(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, str):
        return value + " indeed"
    return value + 1 if isinstance(value, int | float) else [value]


def _matters(line: bytes, changed: bytes) -> bool:
    """Whether a changed message still is one, and differs in more than what varies by itself."""
    before, after = read(line), read(changed)
    if before.kind is not after.kind or before.method in TIMED or b"-32800" in line or b"taskId" in line:
        return False
    normal = Normal(DEFAULT)
    return all(
        normal.digest(before, method=method, era=era) != normal.digest(after, method=method, era=era)
        for era in ("stateful", "stateless")
        for method in ((before.method,) if before.method else _METHODS)
    )


_METHODS = (
    *("initialize", "tools/list", "tools/call", "prompts/get", "resources/read", "resources/list", "prompts/list"),
    *("ping", "server/discover", "subscriptions/listen", "tasks/get", "tasks/result", "tasks/cancel", "tasks/list"),
)
