"""Every ask, in every era, transport and pair of SDKs, under every action of a policy: see governed.py.

The call ends as it must, the client is asked or is not, the session goes on, the recording tells which rule did what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.real import endings, governed
from tests.real.conftest import behind, run_client
from tests.real.endings import Ending
from tests.real.governed import ACTIONS, APPROVERS, PAIRS, Cell, Pair
from tests.real.test_governed import relay
from tests.real.test_transparency import INTERPOSE
from tests.real.world import CLIENTS, SERVERS

from interpose.core.policy.rule import ACTIONS as ALL_ACTIONS
from interpose.core.recording.entry import Entry
from interpose.edge.stores.jsonl import RecordingReader

pytestmark = pytest.mark.real

CELLS = [cell for pair in PAIRS for cell in governed.cells(pair)]
STRIPPED = [cell for pair in PAIRS for cell in governed.stripped(pair)]


def by_name(each: Cell | Pair) -> str:
    return each.name


@dataclass(frozen=True, slots=True)
class Played:
    """One session: what came of its steps, the rules that hit, how the waiting of which rules ended.

    What waits at the end, by tool, and all that is on disk.
    """

    steps: dict[str, Any]
    hits: list[dict[str, Any]]
    decisions: list[tuple[str, str]]
    waiting: list[str]
    disk: str

    def call(self, cell: Cell, nth: int = 1) -> dict[str, Any]:
        outcome: dict[str, Any] = self.steps.get(_step(cell, nth), {"missing": self.steps.get("connection")})
        return outcome

    def hits_of(self, cell: Cell) -> list[dict[str, Any]]:
        return [hit for hit in self.hits if hit["rule"] == cell.tool or hit["rule"].startswith(f"{cell.tool}-")]


def case(cell: Cell) -> Any:
    """The parameter of a test."""
    return pytest.param(cell, id=cell.name)


class Matrix:
    """The sessions of each pair, played once, when they are first asked for: what fails, fails for all its cells.

    The next of the pairs is played at the same time: much of it is waiting.
    """

    def __init__(self, folder: Path, pool: ThreadPoolExecutor, pairs: list[Pair]) -> None:
        self._folder = folder
        self._next = dict(pairwise(pairs))
        self._sessions = cache(lambda pair: pool.submit(self._play, pair))

    def of(self, pair: Pair) -> dict[str, Played]:
        """A session for each approver, with a rule for every tool; and `strip`, in which capabilities are stripped."""
        playing = self._sessions(pair)
        if pair in self._next:
            self._sessions(self._next[pair])
        return playing.result()

    def _play(self, pair: Pair) -> dict[str, Played]:
        cells = list(governed.cells(pair))
        sessions = {name: [cell for cell in cells if cell.approver == name] for name in APPROVERS}
        sessions["strip"] = governed.stripped(pair)
        server = SERVERS[pair.server].asking([cell.tool for cells in sessions.values() for cell in cells])
        folder = self._folder / pair.name
        folder.mkdir()
        with behind(server, pair.inside, folder) as server_words, ThreadPoolExecutor() as pool:
            playing = {
                name: pool.submit(_play, pair, folder / name, cells, server_words)
                for name, cells in sessions.items()
                if cells
            }
            return {name: each.result() for name, each in playing.items()}


def _play(pair: Pair, folder: Path, cells: list[Cell], server_words: list[str]) -> Played:
    """One session from its beginning to its end, in a folder that is called like it."""
    folder.mkdir()
    (folder / "policy.toml").write_text(governed.stripping() if folder.name == "strip" else governed.policy(cells))
    numbered = [(cell, nth) for cell in cells for nth in range(1, _calls(cell) + 1)]
    steps = ("hello", *(_step(cell, nth) for cell, nth in numbered))
    client = CLIENTS[pair.client]
    with _target(pair, folder, server_words) as target:
        if pair.client == "py" and pair.server != "fastmcp":
            target = ["--no-tasks", *target]  # the extension takes a second to import
        played = run_client(client, client.run_command(pair.era, steps, target), folder / "client.log")
    entries = list(_entries(folder / "recordings"))
    hits = [{"acted": True, "why": "", **hit} for entry in entries for hit in (entry.verdict or {}).get("rules", ())]
    waiting = list(_waiting(entries))
    disk = "".join(path.read_text() for path in (folder / "recordings").iterdir())
    return Played(played, hits, list(_decisions(entries)), waiting, disk)


def _calls(cell: Cell) -> int:
    return ACTIONS[cell.action].calls if cell.action in ACTIONS else 1


def _step(cell: Cell, nth: int) -> str:
    return f"call:{cell.tool}" + (f":{nth}" if nth > 1 else "")


@contextmanager
def _target(pair: Pair, folder: Path, server_words: list[str]) -> Iterator[list[str]]:
    """Interpose, with the policy in the folder; gives the words by which the client finds it."""
    options = ["--policy", str(folder / "policy.toml"), "--record", f"{folder / 'recordings'}/"]
    options += ["--approver", folder.name] if folder.name in APPROVERS else []
    if pair.outside == "stdio":
        yield ["--stdio", *INTERPOSE, "run", *options, *server_words]
        return
    with relay([*options, *server_words], folder / "interpose.log") as port:
        flag = "--sse" if pair.outside == "sse" else "--url"
        yield [flag, SERVERS[pair.server].url(pair.outside, port)]


def _entries(folder: Path) -> Iterator[Entry]:
    for path in folder.iterdir():
        with RecordingReader(path) as reader:
            yield from reader
        assert reader.problems == []


def _decisions(entries: list[Entry]) -> Iterator[tuple[str, str]]:
    """The rules that held something back, and how that ended."""
    verdicts = [entry.verdict for entry in entries if entry.verdict and "hold" in entry.verdict]
    rules = {verdict["hold"]: [hit["rule"] for hit in verdict["rules"]] for verdict in verdicts}
    for entry in entries:
        if entry.kind == "decision":
            yield from ((rule, entry.decision or "") for rule in rules[entry.hold])


def _waiting(entries: list[Entry]) -> Iterator[str]:
    """The tools whose calls, or what these ask, still wait when the session ends."""
    named = {entry.seq: _tool(entry) for entry in entries if entry.kind == "message" and entry.end == "client"}
    for each in (wait for entry in entries if entry.kind == "end" for wait in entry.waiting):
        yield from (tool for seq in (each["seq"], *each["blocks"]) if (tool := named.get(seq)))


def _tool(entry: Entry) -> str | None:
    params = json.loads(entry.payload() or b"{}").get("params") or {}
    name: str | None = params.get("name")
    return name


@pytest.fixture(scope="module")
def matrix(npm: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    cells = [item.callspec.params.get("cell") for item in request.session.items if hasattr(item, "callspec")]
    pairs = list(dict.fromkeys(cell.pair for cell in cells if isinstance(cell, Cell)))
    with ThreadPoolExecutor(2) as pool:
        yield Matrix(tmp_path_factory.mktemp("matrix"), pool, pairs)


@pytest.mark.parametrize("cell", [case(cell) for cell in CELLS])
def test_a_rule_about_an_ask_does_what_it_says(cell: Cell, matrix: Matrix) -> None:
    played = matrix.of(cell.pair)[cell.approver]
    action = ACTIONS[cell.action]
    for nth in range(1, action.calls + 1):
        outcome = played.call(cell, nth)
        assert ended(outcome) == expected(endings.ending(cell, nth), outcome)
        assert [kind for kind, _ in outcome["shown"]] == asked(cell, nth)
        assert outcome["after"] == ["Echo: hello, wörld"]
        assert_shown(cell, outcome["shown"])
    assert_recorded(cell, played)


def ended(outcome: dict[str, Any]) -> Ending | dict[str, Any]:
    if "refused" in outcome:
        code, message, _ = outcome["refused"]
        return Ending("error", message, code)
    if "texts" not in outcome:
        return outcome
    text = re.sub(r"\[custom:planted-\d+\]", endings.MASKED, " ".join(outcome["texts"]))
    text = re.sub(r"file:///\S*hidden\S*", endings.MASKED_URI, text)
    return Ending("tool error" if outcome.get("is_error") else "text", text)


def expected(ending: Ending, outcome: dict[str, Any]) -> Ending:
    """The ending with the words that came, where they hold what they must."""
    came = ended(outcome)
    if isinstance(came, Ending) and came.how == ending.how != "text" and ending.said in came.said:
        return ending._replace(said=came.said)
    return ending


def asked(cell: Cell, nth: int) -> list[str]:
    """The questions that the client has to see."""
    if cell.ask == "signin":
        return []
    passes = governed.is_asked(cell, nth)
    if cell.ask == "two":
        return [kind for kind in ("form", "roots") if passes or kind != governed.ACTIONS_ON_TWO[cell.action]]
    return [cell.kind] if passes else []


def assert_shown(cell: Cell, shown: list[Any]) -> None:
    """What the client was asked is what the server asked, but for what the rule changed."""
    for kind, params in shown:
        said = json.dumps(params)
        if kind != "roots":
            assert holds(said, "asked", cell) is (cell.action != "redact")
        if kind == "sampling":
            assert params["maxTokens"] == (20 if cell.action == "cap" else 50)
            prompts = {"set": "Be brief.", "remove": None}
            assert params.get("systemPrompt") == prompts.get(cell.action, "Be thorough.")
        if kind == "url":
            assert params["url"] == "https://example.test/start"


def assert_recorded(cell: Cell, played: Played) -> None:
    """The recording names the rule, what it did and why; and holds no secret that the rule masks."""
    action, hits = ACTIONS[cell.action], played.hits_of(cell)
    assert {(hit["do"], hit["acted"]) for hit in hits} == {
        (rule["do"], rule.get("mode") != "audit") for rule in action.rules
    }
    assert {decision for rule, decision in played.decisions if rule == cell.tool} == {action.decision} - {""}
    assert not action.why or any(action.why in hit["why"] for hit in hits), hits
    is_put = action.reaches or not action.whole  # the server's question: without a call there is none
    assert holds(played.disk, "asked", cell) is (is_put and cell.action != "redact" and cell.kind != "roots")
    assert (cell.action == "redact") <= (not holds(played.disk, "answered", cell))
    assert (cell.action in ("redact_name", "redact_uri")) <= (not holds(played.disk, "named", cell))


def holds(text: str, what: str, cell: Cell) -> bool:
    """Whether a secret of the cell's own stands in a text."""
    return re.search(rf"PLANTED-{what}-{cell.tool}(?![\w-])", text) is not None


@pytest.mark.parametrize("cell", STRIPPED, ids=by_name)
def test_what_is_stripped_is_not_asked(cell: Cell, matrix: Matrix) -> None:
    played = matrix.of(cell.pair)["strip"]
    outcome = played.call(cell)
    came = ended(outcome)
    assert isinstance(came, Ending), outcome
    assert came.how != "text"
    assert came.code in (0, endings.REFUSED, endings.NOT_FOUND)
    # The first two are interpose's; a server that looks at the capabilities first says the third.
    assert re.search("switched off here|Method not found|did not declare the required capability", came.said)
    assert outcome["shown"] == []
    assert outcome["after"] == ["Echo: hello, wörld"]


@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_a_session_is_whole(pair: Pair, matrix: Matrix) -> None:
    for name, played in matrix.of(pair).items():
        assert "connection" not in played.steps
        stripping = [hit for hit in played.hits if hit["rule"] == "strip"]
        assert {hit["acted"] for hit in stripping} == {name == "strip"}
        assert name != "strip" or any("stripped" in hit["why"] for hit in stripping)


@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_what_a_rule_ended_does_not_wait(pair: Pair, matrix: Matrix) -> None:
    """A sign-in that stands does: nobody tells when the user is done."""
    passing = {cell.tool for cell in governed.cells(pair) if governed.is_asked(cell)}
    for name in APPROVERS:
        if played := matrix.of(pair).get(name):
            assert set(played.waiting) <= passing


def test_every_action_has_its_cells_or_a_reason() -> None:
    tried = {rule["do"] for action in ACTIONS.values() for rule in action.rules} | {"strip"}
    assert tried.isdisjoint(governed.ELSEWHERE)
    assert tried | governed.ELSEWHERE == set(ALL_ACTIONS)
