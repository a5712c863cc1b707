"""Rules that are compiled once: sessions share them, and nothing else."""

import json
from typing import Any

from tests.core.session.talk import opened

from interpose.core.effects import Deliver
from interpose.core.events import Event, Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.policy.rules import Rules
from interpose.core.recording.entry import Header
from interpose.core.wire.message import read

LIMIT = """
[[rule]]
name = "twice"
method = "tools/call"
do = "limit"
count = 2
per = "session"

[[rule]]
name = "no-secret"
method = "tools/call"
given = { path = "$.arguments.secret", exists = true }
do = "block"
"""


def _session(rules: Rules) -> Interposer:
    core = Interposer(Engine(rules, "server", b"key"))
    core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test"))
    for event in opened(stateless=False):
        core.feed(event)
    return core


def _call(ident: int, **arguments: Any) -> Event:
    params = {"name": "echo", "arguments": arguments}
    raw = json.dumps({"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params}, separators=(",", ":"))
    return Received(1.0, "client", "stdio", Frame(raw.encode(), read(raw.encode()), None, b"\n"))


def _passes(core: Interposer, event: Event) -> bool:
    return any(isinstance(each, Deliver) and each.end == "server" for each in core.feed(event))


def test_each_session_counts_for_itself() -> None:
    rules = Rules([read_policy(LIMIT, "p.toml")])
    one, other = _session(rules), _session(rules)
    assert [_passes(one, _call(ident)) for ident in (1, 2, 3)] == [True, True, False]
    assert [_passes(other, _call(ident)) for ident in (1, 2, 3)] == [True, True, False]


def test_what_one_session_found_out_of_rules_holds_in_another() -> None:
    rules = Rules([read_policy(LIMIT, "p.toml")])
    one, other = _session(rules), _session(rules)
    for core in (one, other):
        assert not _passes(core, _call(1, secret="x"))
        assert _passes(core, _call(2, city="x"))
        assert not _passes(core, _call(3, secret="x"))


def test_kinds_of_messages_beyond_what_is_kept_are_chosen_for_anew() -> None:
    rules = Rules(
        [read_policy(LIMIT.replace('method = "tools/call"\ndo = "limit"', 'tool = "echo"\ndo = "limit"'), "p")]
    )
    core = _session(rules)
    for number in range(5000):
        said = b'{"jsonrpc":"2.0","method":"x/%d","params":{}}' % number
        core.feed(Received(1.0, "client", "stdio", Frame(said, read(said), None, b"\n")))
    assert [_passes(core, _call(ident)) for ident in (1, 2, 3)] == [True, True, False]
