"""`interpose approvals`: what waits in running interposes is listed and decided, once, and by nobody else."""

import json
import os
import pty
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from tests.app.approving import HOLD, Runtime, deploy, runtime, session, until
from tests.edge.governed_world import text_of
from tests.edge.processes import INTERPOSE, SECONDS, entries

POLICIES = Path(__file__).parents[2] / "policies"
DEMO = [sys.executable, "-m", "interpose.app.demo.server"]
COMPLETE = b"notifications/elicitation/complete"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {"form": {}, "url": {}}},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
TERMINAL = ("--approver", "terminal")


@pytest.fixture
def home() -> Iterator[Runtime]:
    with runtime() as found:
        yield found


def told(message: Any) -> Any:
    """What the server says that it was called with."""
    return json.loads(text_of(message))


def decisions(record: Path) -> list[tuple[str, str]]:
    return [(entry["decision"], entry.get("approver", "")) for entry in entries(record) if entry["kind"] == "decision"]


def test_what_waits_is_listed_with_what_happens_and_approved_by_the_beginning_of_its_name(
    home: Runtime, tmp_path: Path
) -> None:
    with session(home, *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        [asked] = home.waiting()
        assert (asked["server"], asked["method"], asked["name"]) == ("governed_child", "tools/call", "deploy")
        assert (asked["may"], asked["outcome"]) == (["approve", "decline", "edit"], "it is refused")
        assert asked["message"]["params"]["name"] == "deploy"
        listed = home.approvals()
        assert "governed_child: tools/call deploy" in listed
        assert "it is refused" in listed
        assert "hold-tool=deploy" in listed
        assert home.approvals("approve", asked["hold"][:6]) == "approve: governed_child: tools/call deploy\n"
        assert told(client.hear())["called"] == "deploy"
        assert client.end() == 0
    [(decision, approver)] = decisions(tmp_path / "r.jsonl")
    assert decision == "approve"
    assert "(interpose approvals)" in approver
    assert home.approvals() == "nothing waits for approval\n"


def test_what_waits_is_edited_by_a_file(home: Runtime, tmp_path: Path) -> None:
    with session(home, *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        hold = home.waiting()[0]["hold"]
        message = json.loads(home.approvals("show", hold))
        message["params"]["arguments"] = {"to": "test"}
        file = tmp_path / "m.json"
        file.write_text(json.dumps(message, indent=2))
        home.approvals("edit", hold, "--file", str(file))
        assert told(client.hear())["arguments"] == {"to": "test"}
    [(decision, _)] = decisions(tmp_path / "r.jsonl")
    assert decision == "edit"
    shown = subprocess.run(
        [*INTERPOSE, "show", tmp_path / "r.jsonl"], capture_output=True, text=True, check=True
    ).stdout
    assert "what was held was changed, and approved by" in shown
    trail = subprocess.run([*INTERPOSE, "audit", "--json", tmp_path / "r.jsonl"], capture_output=True, text=True)
    [record] = [json.loads(line) for line in trail.stdout.splitlines()]
    assert (record["kind"], record["event"], record["decision"]) == ("approval", "edit", "changed")
    assert (record["by"], record["rule"], "interpose approvals" in record["approver"]) == (
        "approver",
        "hold-tool=deploy",
        True,
    )


def test_what_is_no_edit_is_refused_to_the_approver_and_it_still_waits(home: Runtime, tmp_path: Path) -> None:
    with session(home, *TERMINAL) as client:
        client.say(deploy())
        hold = home.waiting()[0]["hold"]
        file = tmp_path / "m.json"
        file.write_text("garbage")
        assert "holds no JSON object" in home.approvals("edit", hold, "--file", str(file), status=2)
        file.write_text('{"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": {"name": "deploy"}}')
        assert "the same message" in home.approvals("edit", hold, "--file", str(file), status=2)
        assert "cannot be said here" in home.approvals("answer", hold, "--file", str(file), status=2)
        assert "cannot be said here" in home.approvals("cancel", hold, status=2)
        assert "cannot be read" in home.approvals("edit", hold, "--file", str(tmp_path / "none"), status=2)
        home.approvals("decline", hold)
        assert client.hear()["result"]["isError"]


def test_an_elicitation_is_answered_for_the_user(home: Runtime, tmp_path: Path) -> None:
    with session(home, "--hold", "elicitation", *TERMINAL) as client:
        client.say(call_form())
        [asked] = home.waiting()
        assert asked["may"] == ["approve", "decline", "edit", "cancel", "answer"]
        file = tmp_path / "a.json"
        file.write_text('{"action": "accept", "content": {}}')
        home.approvals("answer", asked["hold"], "--file", str(file))
        assert told(client.hear())["responses"] == {"env": {"action": "accept", "content": {}}}


def test_a_sign_in_is_not_complete_before_the_client_hears_that_it_is_wanted(home: Runtime, tmp_path: Path) -> None:
    record, policy = tmp_path / "r.jsonl", str(POLICIES / "ask-before-it-hurts.toml")
    with session(home, "--policy", policy, *TERMINAL, record=record, server=DEMO) as client:
        client.say(INITIALIZE)
        client.hear()
        client.say({"jsonrpc": "2.0", "id": 2, "method": "resources/read", "params": {"uri": "deploy://audit"}})
        [asked] = home.waiting()
        until(lambda: COMPLETE in record.read_bytes())
        home.approvals("approve", asked["hold"])
        error, complete = client.hear(), client.hear()
        assert (error["id"], error["error"]["code"]) == (2, -32042)
        [wanted] = error["error"]["data"]["elicitations"]
        assert complete["method"] == "notifications/elicitation/complete"
        assert complete["params"]["elicitationId"] == wanted["elicitationId"]
    assert [decision for decision, _ in decisions(record)][-2:] == ["approve", "release"]


def call_form() -> Any:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    return {
        "jsonrpc": "2.0",
        "id": 3,
        "method": "tools/call",
        "params": {"name": "form", "arguments": {}, "_meta": meta},
    }


def test_a_name_is_forged_used_twice_or_of_another_session(home: Runtime) -> None:
    with session(home, *TERMINAL) as one, session(home, *TERMINAL) as two:
        one.say(deploy(1))
        two.say(deploy(2))
        first, second = sorted(home.waiting(2), key=lambda asked: asked["message"]["id"])
        assert first["session"] != second["session"]
        for forged in ("0" * 20, first["hold"][:-1] + "x", "../../etc"):
            assert "nothing waits under the name" in home.approvals("approve", forged, status=2)
        home.approvals("approve", second["hold"])
        assert told(two.hear())["called"] == "deploy"
        assert "nothing waits under the name" in home.approvals("approve", second["hold"], status=2)
        assert [asked["hold"] for asked in home.waiting(1)] == [first["hold"]]
        assert "say more of the name" in home.approvals("approve", first["hold"][:3], status=2)


def test_after_a_reload_the_old_name_is_stale_and_another_waits(home: Runtime, tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(HOLD.format(seconds=60))
    with session(home, "--policy", str(policy), *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        [before] = home.waiting()
        policy.write_text(HOLD.format(seconds=90))
        after = until(lambda: [asked for asked in home.waiting() if asked["hold"] != before["hold"]])[0]
        assert after["until"] > before["until"]
        assert "nothing waits" in home.approvals("approve", before["hold"], status=2)
        home.approvals("approve", after["hold"])
        assert told(client.hear())["called"] == "deploy"


def test_time_decides_and_the_name_is_gone(home: Runtime, tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(HOLD.format(seconds=2))
    with session(home, "--policy", str(policy), *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        [asked] = home.waiting()
        assert "within 2 s" in client.hear()["result"]["content"][0]["text"]
        assert "nothing waits" in home.approvals("approve", asked["hold"], status=2)
        assert client.end() == 0
    assert decisions(tmp_path / "r.jsonl") == [("expire", "")]


def test_what_its_client_takes_back_is_gone(home: Runtime, tmp_path: Path) -> None:
    with session(home, *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        home.waiting()
        client.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}})
        until(lambda: home.approvals() == "nothing waits for approval\n")
    assert [decision for decision, _ in decisions(tmp_path / "r.jsonl")] == ["abandon"]


def test_of_two_approvers_the_first_decides(home: Runtime, tmp_path: Path) -> None:
    slow = f"command:{sys.executable} -c 'import time; time.sleep(60)'"
    with session(home, *TERMINAL, "--approver", slow, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        home.approvals("approve", home.waiting()[0]["hold"])
        assert told(client.hear())["called"] == "deploy"
        assert client.end() == 0
    quick = f'command:{sys.executable} -c \'print("{{\\"decision\\": \\"decline\\"}}")\''
    with session(home, *TERMINAL, "--approver", quick, record=tmp_path / "q.jsonl") as client:
        client.say(deploy())
        assert client.hear()["result"]["isError"]
        assert home.approvals() == "nothing waits for approval\n"
        assert client.end() == 0
    assert [decision for decision, _ in decisions(tmp_path / "q.jsonl")] == ["decline"]


def test_the_socket_is_the_users_alone_and_goes_with_its_process(home: Runtime) -> None:
    with session(home, *TERMINAL) as client:
        client.say(deploy())
        home.waiting()
        [path] = home.sockets
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        client.end()
    assert home.sockets == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_is_not_heard_even_where_the_folder_lets_them_in(home: Runtime) -> None:
    ask = (
        "import os,socket,sys; os.setgid(65534); os.setuid(65534); s=socket.socket(socket.AF_UNIX);"
        's.connect(sys.argv[1]); s.sendall(b\'{"do":"list"}\\n\'); print(s.recv(100))'
    )
    with session(home, *TERMINAL) as client:
        client.say(deploy())
        home.waiting()
        [path] = home.sockets
        for opened in (home.folder, path.parent, path):
            opened.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", ask, str(path)], capture_output=True, text=True, check=False)
        assert done.stdout in ("", "b''\n")
        assert not done.stderr or "ConnectionResetError" in done.stderr or "BrokenPipeError" in done.stderr


def test_a_folder_that_others_can_enter_is_not_used(home: Runtime) -> None:
    folder = home.folder / "interpose"
    folder.mkdir()
    folder.chmod(0o755)
    with session(home, *TERMINAL) as client:
        client.say(deploy())
        home.waiting()  # in the next folder
        assert home.sockets == []


def test_nonsense_at_the_socket_decides_nothing(home: Runtime) -> None:
    with session(home, *TERMINAL) as client:
        client.say(deploy())
        [asked] = home.waiting()
        [path] = home.sockets
        forged = [
            b"garbage",
            b"[]",
            b"{}",
            b'{"do": "decide", "hold": "%b"}' % asked["hold"][:8].encode(),
            b'{"do": "decide", "hold": "%b", "decision": true}' % asked["hold"].encode(),
            b'{"do": "decide", "hold": "%b", "decision": "approve", "approve": "false"}' % asked["hold"].encode(),
            b'{"do": "decide", "hold": "%b", "decision": "expire"}' % asked["hold"].encode(),
        ]
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(SECONDS)
            visitor.connect(str(path))
            for wish in forged:
                visitor.sendall(wish + b"\n")
                assert b"done" not in visitor.recv(4096)
        assert [each["hold"] for each in home.waiting()] == [asked["hold"]]


def test_a_watcher_hears_what_begins_and_how_it_ends(home: Runtime) -> None:
    watch = [*INTERPOSE, "approvals", "--watch", "--json"]
    with (
        subprocess.Popen(watch, env=home.environment, stdout=subprocess.PIPE, text=True) as watcher,
        session(home, *TERMINAL) as client,
    ):
        try:
            assert watcher.stdout is not None
            client.say(deploy())
            began = json.loads(watcher.stdout.readline())
            home.approvals("decline", began["hold"])
            ended = json.loads(watcher.stdout.readline())
            assert ended["ended"] == began["hold"]
            assert "it was declined by" in ended["why"]
            client.say(deploy(8))
            again = json.loads(watcher.stdout.readline())
            client.process.kill()
            assert json.loads(watcher.stdout.readline()) == {"ended": again["hold"], "why": "its interpose is gone"}
        finally:
            watcher.kill()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--approver", "somebody"), "is not one"),
        (("--approver", "command:/nowhere/at/all"), "is no program"),
        (("--approver", "command:'"), "No closing quotation"),
        (("--approver", "webhook:ftp://example.org"), "by https"),
        (("--approver", "webhook:http://example.org/x"), "by https"),
        (("--approver", "webhook:https://user:pass@example.org/x"), "without a user name"),
        (("--approver", "terminal", "--approver", "terminal"), "named once"),
        (("--approver", "terminal", "--approver-secret-file", "x"), "goes with --approver webhook"),
        (("--approver", "webhook:https://example.org", "--approver-secret-file", "/nowhere"), "cannot be read"),
    ],
)
def test_an_approver_that_cannot_be_is_refused_before_anything_starts(
    home: Runtime, options: tuple[str, ...], problem: str
) -> None:
    with session(home, *options) as client:
        assert client.process.wait(SECONDS) == 2
        assert client.process.stderr is not None
        assert problem in client.process.stderr.read().decode()


def test_options_of_the_list_do_not_go_with_a_decision(home: Runtime) -> None:
    assert "go with the list" in home.approvals("--json", "approve", "abcd", status=2)


def test_who_follows_a_recording_sees_what_waits_by_which_rule_and_what_happens_then(
    home: Runtime, tmp_path: Path
) -> None:
    follow = [*INTERPOSE, "show", "--follow", str(tmp_path / "r.jsonl")]
    with session(home, *TERMINAL, record=tmp_path / "r.jsonl") as client:
        client.say(deploy())
        [asked] = home.waiting()
        leader, follower = pty.openpty()
        screen = {**home.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        with (
            open(leader, "rb", buffering=0) as terminal,
            subprocess.Popen(follow, env=screen, stdout=follower, stderr=subprocess.DEVNULL) as watching,
        ):
            os.close(follower)
            try:
                seen = read_until(terminal, "Ctrl-C leaves")
                home.approvals("decline", asked["hold"])
                ended = read_until(terminal, "what was held was declined by")
            finally:
                watching.kill()
    [row] = [line for line in seen.replace("\r", "\n").splitlines() if "APPROVER" in line and "rule" in line][:1]
    assert "tools/call deploy" in row
    assert f"it is refused (hold {asked['hold'][:8]}, rule hold-tool=deploy)" in row
    assert "─ 1 waiting · " in seen
    assert "interpose approvals" in ended


def read_until(terminal: IO[bytes], text: str) -> str:
    """What a terminal shows up to a text."""
    shown = b""
    while text not in shown.decode(errors="replace"):
        ready, _, _ = select.select([terminal], [], [], SECONDS)
        assert ready, f"it never came: {shown.decode(errors='replace')}"
        shown += terminal.read(4096)
    return shown.decode(errors="replace")


def test_what_is_held_for_the_page_alone_is_listed_and_decided_here_too(home: Runtime, tmp_path: Path) -> None:
    with session(home, "--ui", "127.0.0.1:0", record=tmp_path / "r.jsonl") as client:
        assert home.sockets == []
        client.say(deploy())
        [asked] = home.waiting()
        home.approvals("approve", asked["hold"])
        assert told(client.hear())["called"] == "deploy"
    [(decision, approver)] = decisions(tmp_path / "r.jsonl")
    assert (decision, "interpose approvals" in approver) == ("approve", True)
