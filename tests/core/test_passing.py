"""What passes without a look at the session is what would have passed with one: same lines, same deliveries."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.core.session.talk import on_stdio, over_http

from interpose.core.effects import Effect
from interpose.core.events import Event
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.entry import Header
from interpose.edge.stores.jsonl import RecordingReader

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "recordings").rglob("*.jsonl"))
SHIPPED = {path.stem: path.read_text() for path in sorted((ROOT / "policies").glob("*.toml"))}
OWN = {
    "about-others": '[[rule]]\nname = "a"\ntool = "delete_*"\ndo = "block"\n',
    "about-the-tool": '[[rule]]\nname = "a"\ntool = "echo"\ndo = "note"\n',
    "all-but-the-tool": (
        '[[rule]]\nname = "a"\nmethod = "tools/call"\nunless = {path = "$.name", in = ["echo"]}\ndo = "block"\n'
    ),
    "asked-again": '[[rule]]\nname = "a"\nask = "elicitation"\nasked_again = true\ndo = "block"\n',
    "undeclared": '[[rule]]\nname = "a"\nask = "elicitation"\ndeclared = false\ndo = "block"\n',
    "about-an-argument": (
        '[[rule]]\nname = "a"\nmethod = "tools/call"\n'
        'given = {path = "$.arguments.secret", exists = true}\ndo = "block"\n'
    ),
    "results": '[[rule]]\nname = "a"\nkind = "result"\ngiven = {path = "$.isError", exists = true}\ndo = "note"\n',
    "about-errors": '[[rule]]\nname = "a"\nkind = "error"\nmethod = "tools/call"\ndo = "note"\n',
    "about-asks": '[[rule]]\nname = "a"\nask = "elicitation"\ntool = "echo"\ndo = "block"\n',
    "asks-of-others": '[[rule]]\nname = "a"\nask = "elicitation"\ntool = "other"\ndo = "block"\n',
    "one-ask": '[[rule]]\nname = "a"\nask = "elicitation"\ndo = "limit"\ncount = 1\nper = "call"\n',
    "noted": '[[rule]]\nname = "a"\nnoted = ["reused-id", "unknown-token", "late"]\ndo = "block"\n',
    "held-asks": '[[rule]]\nname = "a"\nask = "elicitation"\ndo = "hold"\ntimeout = 5\n',
}


def _core(policy: str, *, looks: bool) -> Interposer:
    core = Interposer(Engine([read_policy(policy, "p.toml")], "server", b"key"))
    if looks:
        core._enforcer._passing.lets = lambda *_: False  # type: ignore[union-attr,method-assign]
    return core


def _followed(core: Interposer) -> int:
    return core.session.counts.messages


def _compare(policy: str, events: Iterable[Event], case: str) -> int:
    """How many messages nobody looked at."""
    quick, careful = _core(policy, looks=False), _core(policy, looks=True)
    header = Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")
    assert quick.open(header) == careful.open(header)
    for number, event in enumerate(events, 1):
        done: list[list[Effect]] = [core.feed(event) for core in (quick, careful)]
        assert done[0] == done[1], f"{case}, event {number}: {event}"
    assert quick.session.waits(1e6) == careful.session.waits(1e6), case
    assert quick.close(1e6, "x") == careful.close(1e6, "x"), case
    return _followed(careful) - _followed(quick)


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
@pytest.mark.parametrize("name", [*OWN, *SHIPPED])
def test_whatever_is_said_the_verdicts_are_the_same(name: str, stateless: bool) -> None:
    policy = (OWN | SHIPPED)[name]
    for seed in range(40):
        chance = random.Random(f"{name} {seed}")
        _compare(policy, on_stdio(chance, stateless=stateless, turns=40), f"stdio {seed}")
        _compare(policy, over_http(chance, stateless=stateless), f"http {seed}")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_sessions_get_the_same_verdicts(path: Path) -> None:
    with RecordingReader(path) as reader:
        events = [event for entry in reader if (event := entry.event()) is not None]
    for name, policy in (OWN | SHIPPED).items():
        _compare(policy, events, name)


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
@pytest.mark.parametrize("name", ["about-others", "about-an-argument", "about-asks"])
def test_most_of_what_no_rule_is_about_is_not_looked_at(name: str, stateless: bool) -> None:
    chance = random.Random(7)
    sessions = [talk(chance, stateless=stateless) for talk in (on_stdio, over_http) for _ in range(20)]
    assert sum(_compare(OWN[name], events, name) for events in sessions) > 100


@pytest.mark.parametrize("name", ["about-the-tool", "noted"])
def test_what_a_rule_may_be_about_is_always_looked_at(name: str) -> None:
    chance = random.Random(7)
    assert sum(_compare(OWN[name], on_stdio(chance, stateless=False), name) for _ in range(20)) == 0
