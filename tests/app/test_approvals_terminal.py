"""What waits is asked about on the terminal that controls interpose: a real one, with a person's keys."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.app.approving import CHILD, Client, Runtime, runtime, until
from tests.edge.governed_world import call, text_of
from tests.edge.processes import SECONDS, entries, shim

OPTIONS = ("--hold", "tool=deploy", "--approver", "terminal")
PROMPT = "approve, decline or skip? "
# Starts a program in the background of the terminal that controls it.
BEHIND = "import subprocess,sys\nsys.exit(subprocess.Popen(sys.argv[1:], process_group=0).wait())"
# The same, but in the foreground until it gets a signal, and again after the next one: as a shell's `fg` does.
SHELL = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
terminal = os.open("/dev/tty", os.O_RDWR)
child = subprocess.Popen(sys.argv[1:], process_group=0)
groups = [os.getpgrp(), child.pid]
def swap(*_):
    groups.reverse()
    os.tcsetpgrp(terminal, groups[0])
signal.signal(signal.SIGUSR1, swap)
swap()
sys.exit(child.wait())
"""


class Terminal:
    """The keys and the screen of a terminal."""

    def __init__(self) -> None:
        self.keys, self.line = pty.openpty()
        self._shown = ""

    def type(self, text: str) -> None:
        os.write(self.keys, text.encode())

    def shows(self, text: str, count: int = 1) -> str:
        """What was shown, once that is in it so many times."""
        deadline = time.monotonic() + SECONDS
        while self._shown.count(text) < count:
            assert time.monotonic() < deadline, f"no {text!r} in {self._shown!r}"
            self.looks(0.1)
        return self._shown

    def looks(self, seconds: float) -> str:
        """What was shown until now, and within so many seconds."""
        while select.select([self.keys], [], [], seconds)[0]:
            self._shown += os.read(self.keys, 1 << 16).decode("utf-8", "replace")
        return self._shown

    def close(self) -> None:
        os.close(self.keys)
        os.close(self.line)


@pytest.fixture
def home() -> Iterator[Runtime]:
    with runtime() as found:
        yield found


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    found = Terminal()
    yield found
    found.close()


@contextmanager
def controlled(
    home: Runtime, terminal: Terminal, command: Sequence[str], record: Path | None = None, **environment: str
) -> Iterator[Client]:
    """A session whose interpose is controlled by the terminal; its client is not at it."""

    def control() -> None:
        os.setsid()
        fcntl.ioctl(terminal.line, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        [*command, *shim(CHILD, *OPTIONS, record=record)],
        env={name: value for name, value in home.environment.items() if name != "CI"} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=control,
    ) as process:
        try:
            yield Client(process)
        finally:
            process.kill()


def called(message: Any) -> Any:
    return json.loads(text_of(message))["called"]


def decided(record: Path) -> list[tuple[str, str]]:
    return [(entry["decision"], entry.get("approver", "")) for entry in entries(record) if entry["kind"] == "decision"]


def test_a_person_is_shown_what_would_happen_and_approves(home: Runtime, terminal: Terminal, tmp_path: Path) -> None:
    with controlled(home, terminal, (), tmp_path / "r.jsonl") as client:
        client.say(call(7, arguments={"to": "production"}))
        shown = terminal.shows(PROMPT)
        for part in ("governed_child: tools/call deploy", '"production"', "it is refused", "hold-tool=deploy"):
            assert part in shown
        terminal.type("approve\n")
        assert called(client.hear()) == "deploy"
        terminal.shows("it was approved by")
        assert client.end() == 0
    [(decision, approver)] = decided(tmp_path / "r.jsonl")
    assert (decision, approver.endswith("(terminal)")) == ("approve", True)


def test_a_word_may_be_short_and_one_that_is_none_decides_nothing(home: Runtime, terminal: Terminal) -> None:
    with controlled(home, terminal, ()) as client:
        client.say(call(7))
        terminal.shows(PROMPT)
        for number, word in enumerate(("", "yes", "cancel", "approve it"), 2):
            terminal.type(word + "\n")
            terminal.shows(PROMPT, number)
        assert len(home.waiting()) == 1
        terminal.type("D\n")
        assert client.hear()["result"]["isError"]


def test_what_was_typed_before_the_question_is_no_answer(home: Runtime, terminal: Terminal) -> None:
    with controlled(home, terminal, ()) as client:
        client.say(call(1, "free"))
        client.hear()
        terminal.type("approve\n")
        client.say(call(7))
        terminal.shows(PROMPT)
        assert len(home.waiting()) == 1


def test_one_after_the_other_is_asked_about_and_what_is_skipped_is_left_to_others(
    home: Runtime, terminal: Terminal
) -> None:
    with controlled(home, terminal, ()) as client:
        client.say(call(7), call(8))
        terminal.shows(PROMPT)
        terminal.type("skip\n")
        terminal.shows(PROMPT, 2)
        terminal.type("approve\n")
        assert client.hear()["id"] == 8
        [asked] = home.waiting()
        home.approvals("approve", asked["hold"])
        assert client.hear()["id"] == 7


def test_who_decides_elsewhere_ends_the_question(home: Runtime, terminal: Terminal) -> None:
    with controlled(home, terminal, ()) as client:
        client.say(call(7))
        terminal.shows(PROMPT)
        home.approvals("decline", home.waiting()[0]["hold"])
        assert "(interpose approvals)" in terminal.shows("it was declined by")
        assert client.hear()["result"]["isError"]
        client.say(call(8))
        terminal.shows(PROMPT, 2)
        terminal.type("a\n")
        assert client.hear()["id"] == 8


def test_what_a_peer_says_is_harmless_to_a_terminal_and_not_endless(home: Runtime, terminal: Terminal) -> None:
    with controlled(home, terminal, ()) as client:
        evil = "\x1b[2J\x07\u202e\r\x9b31m" + PROMPT
        client.say(call(7, arguments={"to": evil, "many": ["x" * 9000] * 200}))
        shown = terminal.shows("this is not all of it")
        assert len(shown) < 100_000
        assert not any(char in shown for char in "\x1b\x07\u202e\x9b")


@pytest.mark.parametrize("why", ["CI", "background", "drawn on"])
def test_nobody_is_asked_where_that_would_disturb(why: str, home: Runtime, terminal: Terminal) -> None:
    if why == "drawn on":
        tty.setraw(terminal.line)
    environment = {"CI": "true"} if why == "CI" else {}
    behind = [sys.executable, "-c", BEHIND] if why == "background" else []
    with controlled(home, terminal, behind, **environment) as client:
        client.say(call(7))
        [asked] = home.waiting()
        assert terminal.looks(1.5) == ""
        home.approvals("approve", asked["hold"])
        assert called(client.hear()) == "deploy"


def test_a_terminal_that_becomes_free_is_asked_on(home: Runtime, terminal: Terminal) -> None:
    cooked = termios.tcgetattr(terminal.line)
    tty.setraw(terminal.line)
    with controlled(home, terminal, ()) as client:
        client.say(call(7))
        home.waiting()
        assert terminal.looks(0) == ""
        termios.tcsetattr(terminal.line, termios.TCSANOW, cooked)
        terminal.shows(PROMPT)
        terminal.type("approve\n")
        assert called(client.hear()) == "deploy"


def test_who_is_put_into_the_background_meanwhile_is_not_stopped_and_asks_again_later(
    home: Runtime, terminal: Terminal
) -> None:
    with controlled(home, terminal, [sys.executable, "-c", SHELL]) as client:
        client.say(call(7))
        terminal.shows(PROMPT)
        client.process.send_signal(signal.SIGUSR1)
        terminal.looks(0.5)
        terminal.type("approve\n")
        terminal.looks(1.5)
        assert len(home.waiting()) == 1
        client.process.send_signal(signal.SIGUSR1)
        terminal.shows(PROMPT, 2)
        assert len(home.waiting()) == 1
        terminal.type("approve\n")
        assert called(client.hear()) == "deploy"
        client.end()


def test_two_on_one_terminal_ask_one_after_the_other(home: Runtime, terminal: Terminal, tmp_path: Path) -> None:
    script = (
        "import subprocess,sys\n"
        "both=[subprocess.Popen([*sys.argv[1:-1]],stdin=subprocess.PIPE,stdout=subprocess.PIPE) for _ in '12']\n"
        "for each in both: each.stdin.write(sys.argv[-1].encode()+b'\\n'); each.stdin.flush()\n"
        "for each in both: print(each.stdout.readline().decode(),end='',flush=True)"
    )

    def control() -> None:
        os.setsid()
        fcntl.ioctl(terminal.line, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        [sys.executable, "-c", script, *shim(CHILD, *OPTIONS), json.dumps(call(7))],
        env={name: value for name, value in home.environment.items() if name != "CI"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=control,
    ) as process:
        home.waiting(2)
        assert terminal.looks(1.5).count(PROMPT) == 1
        terminal.type("approve\n")
        terminal.shows(PROMPT, 2)
        terminal.type("decline\n")
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in "12"]
        assert sorted(bool(each["result"].get("isError")) for each in told) == [False, True]
    until(lambda: not list(home.folder.glob("interpose/*.lock")))
