"""What passes without a look at the session is what would have passed with one: same lines, same deliveries."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.core.session.talk import on_stdio, opened, over_http, plain_pair, said

from interpose.core.effects import Append, AppendAll, Deliver, Effect
from interpose.core.events import End, Event, Frame, Received
from interpose.core.interposer import Interposer
from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.core.recording.entry import Header
from interpose.core.wire.lines import Line
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader
from interpose.edge.transports.stdio import as_line

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
    "odd-pings": '[[rule]]\nname = "a"\nmethod = "ping"\nnoted = ["reused-id"]\ndo = "block"\n',
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


def _heard(effects: Iterable[Effect]) -> tuple[list[bytes], dict[End, bytes], list[Effect]]:
    """What was recorded, what each end got on stdio, and what else was wanted."""
    lines: list[bytes] = []
    got: dict[End, bytes] = {"client": b"", "server": b""}
    others: list[Effect] = []
    for effect in effects:
        match effect:
            case Append():
                lines.append(b"".join(effect.pieces))
            case AppendAll():
                lines += map(b"".join, effect.lines)
            case Deliver():
                got[effect.end] += b"".join(as_line(effect.frame))
            case _:
                others.append(effect)
    return lines, got, others


def _in_step(effects: list[Effect]) -> None:
    """Of what goes on as it came, every line was recorded before it."""
    last = effects[-1]
    if isinstance(last, Deliver) and last.frame.message is None and last.frame.raw.strip():
        recorded = sum(len(each.lines) if isinstance(each, AppendAll) else 1 for each in effects[:-1])
        assert last.frame.raw.count(b"\n") <= recorded


def _by_lines(chance: random.Random, events: Iterable[Event]) -> Iterator[tuple[float, End, list[Line]]]:
    """The same said in lines that came together, some of them blank, noise, or with another end."""
    lines: list[Line] = []
    at, end = 0.0, "client"
    for event in events:
        assert isinstance(event, Received)
        if lines and (event.end != end or chance.random() < 0.1):
            yield at, end, lines
            lines = []
        at, end = event.at, event.end
        lines.append((event.frame.raw, chance.choice((b"\n", b"\n", b"\n", b"\r\n"))))
        if chance.random() < 0.1:
            lines.append((chance.choice((b"", b" ", b"noise", b"[]")), b"\n"))
    yield at, end, lines


@pytest.mark.parametrize("stateless", [False, True], ids=["stateful", "stateless"])
@pytest.mark.parametrize("name", [*OWN, *SHIPPED])
def test_lines_that_come_together_are_judged_as_if_each_came_alone(name: str, stateless: bool) -> None:
    header = Header("s", "2026-01-01T00:00:00Z", {}, {}, "test")
    for seed in range(20):
        chance = random.Random(f"{name} {seed}")
        together, alone = _core((OWN | SHIPPED)[name], looks=False), _core((OWN | SHIPPED)[name], looks=True)
        assert together.open(header) == alone.open(header)
        for at, end, lines in _by_lines(chance, on_stdio(chance, stateless=stateless, turns=40)):
            steps: list[Effect] = []
            for step in together.feed_lines(at, end, lines):
                _in_step(step)
                steps += step
            frames = [Frame(raw, read(raw) if raw.strip() else None, tail=tail) for raw, tail in lines]
            fed = [effect for frame in frames for effect in alone.feed(Received(at, end, "stdio", frame))]
            assert _heard(steps) == _heard(fed), f"{seed}: {lines}"
        assert together.session.waits(1e6) == alone.session.waits(1e6), seed
        assert together.close(1e6, "x") == alone.close(1e6, "x"), seed


def test_lines_that_nobody_has_a_say_in_go_on_in_one_piece() -> None:
    core = _core(OWN["about-others"], looks=False)
    core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test"))
    for event in [*opened(stateless=False), *plain_pair(0, 0.0, stateless=False)]:
        core.feed(event)
    calls = [plain_pair(number, 0.0, stateless=False)[0] for number in range(1, 9)]
    lines = [(call.frame.raw, b"\n") for call in calls if isinstance(call, Received)]
    recorded, delivered = [effect for step in core.feed_lines(1.0, "client", lines) for effect in step]
    assert isinstance(recorded, AppendAll)
    assert len(recorded.lines) == len(lines)
    assert isinstance(delivered, Deliver)
    assert delivered.frame.raw == b"".join(raw + tail for raw, tail in lines)


def test_while_a_task_has_a_shorter_life_all_is_looked_at() -> None:
    cap = 'kind = "result"\nmethod = "tools/call"\ndo = "cap"\npath = "$.task.ttl"\nat_most = 10\n'
    core = _core(f'[[rule]]\nname = "a"\n{cap}', looks=False)
    core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test"))
    task = {"taskId": "t", "status": "working", "createdAt": "x", "lastUpdatedAt": "x", "ttl": 1000}
    call = said("client", {"id": 1, "method": "tools/call", "params": {"name": "echo", "task": {"ttl": 1000}}})
    pings = [said("client", {"id": ident, "method": "ping", "params": {}}) for ident in (5, 6, 7, 8)]
    pongs = [said("server", {"id": ident, "result": {}}) for ident in (5, 6, 7, 8)]
    for event in [*opened(stateless=False), pings[0], pongs[0], pings[1], pongs[1]]:
        core.feed(event)
    before = core.session.counts.messages
    for event in (pings[2], pongs[2]):
        core.feed(event)
    assert core.session.counts.messages == before, "nobody looks at a ping"
    for event in (call, said("server", {"id": 1, "result": {"task": task}}), pings[3], pongs[3]):
        core.feed(event)
    assert core.session.counts.messages == before + 4


def test_what_comes_later_is_heard_once_it_is_asked_for() -> None:
    core = _core(OWN["about-the-tool"], looks=False)
    core.open(Header("s", "2026-01-01T00:00:00Z", {}, {}, "test"))
    for event in opened(stateless=False):
        core.feed(event)
    lines = [(call.frame.raw, b"\n") for call in plain_pair(1, 0.0, stateless=False)[:1] if isinstance(call, Received)]
    steps = core.feed_lines(1.0, "client", lines * 2)
    before = core.session.counts.messages
    next(steps)
    assert core.session.counts.messages == before + 1


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
