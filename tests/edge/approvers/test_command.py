"""A program that is asked: its verdict counts when it is one, and it lives no longer than what it is asked about."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from tests.edge.approvers.asking import Heard, seek, until
from tests.edge.processes import alive

from interpose.core.effects import Release
from interpose.core.errors import UsageError
from interpose.edge.approvers.command import command
from interpose.edge.approvers.errands import Errands

pytestmark = pytest.mark.anyio


class World:
    """A program of a few lines, and what is said about it."""

    def __init__(self, script: str) -> None:
        self.said: list[str] = []
        self.approver: Errands = command(f"{sys.executable} -c {shlex.quote(script)}", self.said.append)


async def test_it_gets_the_question_and_gives_a_verdict(tmp_path: Path) -> None:
    out = tmp_path / "question"
    verdict = '{"decision": "edit", "by": "anna", "edited": {"a": 1.50}}'
    world = World(f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read()); print({verdict!r})")
    heard = Heard()
    world.approver.seek(seek(), heard)
    [(decision, by, instead)] = await until(lambda: heard.decisions)
    assert (decision, instead) == ("edit", b'{"a": 1.50}')
    assert by == f"command {os.path.basename(sys.executable)} (anna)"
    question = json.loads(out.read_text())
    assert (question["hold"], question["server"], question["rules"]) == ("h1", "srv", ["ask-me"])
    assert question["message"] == {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert world.said == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit(3)", "status 3"),
        ("pass", "no verdict"),
        ("print('yes')", "no verdict"),
        ("print('{}')", "no verdict"),
        ('print(\'{"approve": "false"}\')', "no verdict"),
        ("print('{\"decision\": true}')", "no verdict"),
        ('print(\'{"decision": "expire"}\')', "no verdict"),
        ('print(\'{"decision": "approve", "sure": false}\')', "no verdict"),
        ('print(\'{"decision": "approve"} {"decision": "decline"}\')', "no verdict"),
        ('print(\'{"decision": "approve", "hold": "another"}\')', "something else"),
        ('print(\'{"decision": "approve"}\'); raise SystemExit(1)', "status 1"),
        ("import sys; sys.stdout.write('x' * (17 << 20))", "too much"),
    ],
)
async def test_66_whatever_is_no_verdict_decides_nothing_and_is_told_on_one_line(script: str, why: str) -> None:
    world, heard = World(script), Heard()
    world.approver.seek(seek(), heard)
    [line] = await until(lambda: world.said)
    assert why in line
    assert "nothing is decided about h1" in line
    assert heard.decisions == []


async def test_a_verdict_that_does_not_count_is_told() -> None:
    world, heard = World('print(\'{"decision": "approve"}\')'), Heard("nothing of this name waits")
    world.approver.seek(seek(), heard)
    [line] = await until(lambda: world.said)
    assert "nothing of this name waits" in line


async def test_it_is_killed_with_all_that_it_started_when_the_hold_is_over(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} ')\n"
        "time.sleep(600)"
    )
    world, heard = World(script), Heard()
    world.approver.seek(seek(), heard)
    found = [int(pid) for pid in await until(lambda: pids.exists() and pids.read_text().split()[:2])]
    assert all(map(alive, found))
    world.approver.release(Release("h1", "expire"))
    await until(lambda: not any(map(alive, found)))
    assert (heard.decisions, world.said) == ([], [])


async def test_only_some_are_asked_at_a_time_and_the_others_after_them(tmp_path: Path) -> None:
    script = (
        "import os, time\n"
        f"mine = os.path.join({str(tmp_path)!r}, str(os.getpid()))\n"
        "open(mine, 'w').close(); time.sleep(0.2)\n"
        f"others = len(os.listdir({str(tmp_path)!r}))\n"
        "os.unlink(mine)\n"
        'print(f\'{{"decision": "approve", "by": "{others}"}}\')'
    )
    world, heard = World(script), Heard()
    for number in range(12):
        world.approver.seek(seek(f"h{number}"), heard)
    await until(lambda: len(heard.decisions) == 12)
    at_once = [int(by.partition("(")[2].rstrip(")")) for _, by, _ in heard.decisions]
    assert max(at_once) <= 8


def test_what_is_no_program_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no program"):
        command("/nowhere/at/all", print)
    with pytest.raises(UsageError, match="quotation"):
        command("'", print)
