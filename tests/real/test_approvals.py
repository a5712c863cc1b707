"""Every decision about every kind of ask, in both eras and on every transport, between real clients and servers.

A program decides (`peers/deciding.py`), as the tool's name says. The call ends as it must, the client is asked or is
not, and the recording and the trail tell who decided what.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.real.conftest import behind, run_client, spawned, wait_until
from tests.real.endings import NOT_FOUND, REJECTED, Ending, answered
from tests.real.governed import LEGACY, Pair
from tests.real.test_governed_matrix import ended
from tests.real.test_transparency import INTERPOSE
from tests.real.world import CLIENTS, SERVERS, STATELESS

from interpose.core.formats.audit import Trail
from interpose.edge.stores.jsonl import RecordingReader

pytestmark = pytest.mark.real

KINDS = ("form", "sampling", "roots")
DECISIONS = ("approve", "edit", "decline", "cancel", "answer", "hang", "crash", "garbage")
CASES = [(kind, how) for kind in KINDS for how in DECISIONS if kind == "form" or how in ("approve", "edit", "decline")]
CASES += [("sampling", "answer"), ("roots", "answer"), ("sampling", "hang")]
PAIRS = (
    Pair("py", "py", LEGACY, "stdio", KINDS),
    Pair("py", "py", LEGACY, "http", KINDS),
    Pair("py", "py", LEGACY, "sse", KINDS),
    Pair("py", "py", LEGACY, "http on stdio", KINDS),
    Pair("ts1", "ts1", LEGACY, "stdio", KINDS),
    Pair("ts1", "ts1", LEGACY, "http", KINDS),
    Pair("ts1", "ts1", LEGACY, "sse", KINDS),
    Pair("py", "py", STATELESS, "stdio", KINDS),
    Pair("py", "py", STATELESS, "http", KINDS),
    Pair("ts2", "ts2", STATELESS, "http", KINDS),
)
DECIDING = f"command:{sys.executable} {Path(__file__).parent / 'peers' / 'deciding.py'}"
_ENDS = {"hang": "expire", "crash": "expire", "garbage": "expire"}
_SECONDS = {"hang": 1, "crash": 3, "garbage": 3}
_GIVEN = {"form": "Grace: away", "sampling": "approver-1 says no idea", "roots": "given at file:///srv/given"}


def policy() -> str:
    """A rule for every tool."""
    asks = {"form": "elicitation", "sampling": "sampling", "roots": "roots"}
    return "\n".join(
        f'[[rule]]\nname = "{kind}-{how}"\ntool = "{kind}-{how}"\nask = "{asks[kind]}"\ndo = "hold"\n'
        f"timeout = {_SECONDS.get(how, 60)}"
        for kind, how in CASES
    )


class Played:
    """One session with all the tools: what came of the calls, the decisions by rule, the trail, what was said."""

    def __init__(self, folder: Path, pair: Pair) -> None:
        (folder / "policy.toml").write_text(policy())
        server = SERVERS[pair.server].asking(f"{kind}-{how}" for kind, how in CASES)
        client = CLIENTS[pair.client]
        steps = ("hello", *(f"call:{kind}-{how}" for kind, how in CASES))
        with behind(server, pair.inside, folder) as server_words, _target(pair, folder, server_words) as target:
            words = ["--no-tasks", *target] if pair.client == "py" else target
            self.steps = run_client(client, client.run_command(pair.era, steps, words), folder / "client.log")
        self.decisions: dict[str, tuple[str, str]] = {}
        self.trail: dict[str, Any] = {}
        self.said = (folder / "interpose.log").read_text() if pair.outside != "stdio" else ""
        for path in (folder / "recordings").iterdir():
            self._read(path)

    def _read(self, path: Path) -> None:
        rules: dict[str, str] = {}
        with RecordingReader(path) as reader:
            trail = Trail(reader.header)
            for entry in reader:
                trail.take(entry)
                if (entry.verdict or {}).get("hold"):
                    rules[entry.verdict["hold"]] = entry.verdict["rules"][0]["rule"]  # type: ignore[index]
                if entry.kind == "decision":
                    self.decisions[rules[entry.hold]] = (str(entry.decision), entry.approver)
            assert reader.problems == []
        self.trail |= {record.rule: record for record in trail.end() if record.kind == "approval"}


@contextmanager
def _target(pair: Pair, folder: Path, server_words: list[str]) -> Iterator[list[str]]:
    options = ["--policy", str(folder / "policy.toml"), "--record", f"{folder / 'recordings'}/"]
    options += ["--approver", DECIDING]
    if pair.outside == "stdio":
        yield ["--stdio", *INTERPOSE, "run", *options, *server_words]
        return
    log = folder / "interpose.log"
    with log.open("wb") as sink, spawned(
        [*INTERPOSE, "run", "--listen", "127.0.0.1:0", *options, *server_words], stderr=sink
    ) as process:  # fmt: skip
        line = wait_until(lambda: log.read_bytes().partition(b"127.0.0.1:")[2].partition(b"/")[0], process)
        flag = "--sse" if pair.outside == "sse" else "--url"
        yield [flag, SERVERS[pair.server].url(pair.outside, int(line))]


@pytest.fixture(scope="module")
def played(npm: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return cache(lambda pair: Played(tmp_path_factory.mktemp(pair.name), pair))


def expected(pair: Pair, kind: str, how: str) -> Ending:
    """How the call of a tool ends."""
    if how in ("approve", "edit"):
        return answered(kind, f"{kind}-{how}")
    if how == "answer":
        return Ending("text", _GIVEN[kind])
    if kind == "form":
        return Ending("text", "cancel" if how == "cancel" else "decline")
    if kind == "roots" and pair.is_stateless:
        return Ending("text", "nowhere")
    code = NOT_FOUND if kind == "roots" else REJECTED
    relayed = pair.server == "py" and not pair.is_stateless
    return Ending("error" if relayed else "tool error", "needs approval", code if relayed else 0)


@pytest.mark.parametrize(("kind", "how"), CASES, ids=lambda word: word)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_what_an_approver_decides_is_what_happens(pair: Pair, kind: str, how: str, played: Any) -> None:
    session, tool = played(pair), f"{kind}-{how}"
    outcome = session.steps[f"call:{tool}"]
    came, wanted = ended(outcome), expected(pair, kind, how)
    assert isinstance(came, Ending), outcome
    assert (came.how, came.code) == (wanted.how, wanted.code)
    assert wanted.said in came.said
    assert [each for each, _ in outcome["shown"]] == ([kind] if how in ("approve", "edit") else [])
    shown = json.dumps(outcome["shown"])
    if kind != "roots":
        assert (f"EDITED-asked-{tool}" in shown, f"PLANTED-asked-{tool}" in shown) == (how == "edit", how == "approve")
    assert outcome["after"] == ["Echo: hello, wörld"]
    decision, approver = session.decisions[tool]
    assert decision == _ENDS.get(how, how)
    assert ("a table" in approver) == (decision != "expire")
    assert (session.trail[tool].event, session.trail[tool].approver) == (decision, approver)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.outside != "stdio"], ids=lambda pair: pair.name)
def test_a_program_that_fails_is_told_of_on_one_line(pair: Pair, played: Any) -> None:
    lines = [line for line in played(pair).said.splitlines() if line.startswith("interpose: approver command")]
    assert sum("status 3" in line for line in lines) == 1
    assert sum("no verdict" in line for line in lines) == 1
    assert len(lines) == 2
