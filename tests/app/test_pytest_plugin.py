"""The pytest plugin in all its modes: what is recorded and replayed, and what fails a test."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.pytest_world import ONE, Project, kinds

pytest_plugins = ["pytester"]
FIRST = "recordings/test_one/test_echo.jsonl"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return Project(pytester)


def test_a_test_is_recorded_once_and_replayed_ever_after(project: Project) -> None:
    project.tests()
    first = project.run()
    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines(["interpose: 1 recorded", f"  recorded: {FIRST}"])
    assert project.recordings() == [FIRST]
    assert kinds(project.path / FIRST)[-1] == "end"
    assert (project.path / FIRST).stat().st_mode & 0o777 == 0o600
    kept = (project.path / FIRST).read_bytes()
    again = project.run()
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["interpose: 1 replayed"])
    assert project.starts == 1, "the real server is not needed any more"
    assert (project.path / FIRST).read_bytes() == kept


def test_where_CI_is_set_nothing_is_recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    project.tests()
    failed = project.run()
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        [f"there is no recording {FIRST}; to make it: pytest 'test_one.py::test_echo' --interpose-record=once"]
    )
    failed.stdout.no_fnmatch_line("*Traceback*")
    assert (project.starts, project.recordings()) == (0, [])
    project.run("--interpose-record=once").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)
    assert project.starts == 1


def test_a_failed_test_leaves_no_recording(project: Project) -> None:
    project.tests(ONE.replace('"hello one"', '"another"'))
    project.run().assert_outcomes(failed=1)
    assert (project.starts, project.recordings()) == (1, [])


def test_all_records_anew_and_replaces_only_when_the_test_passed(project: Project) -> None:
    project.tests()
    project.run().assert_outcomes(passed=1)
    kept = (project.path / FIRST).read_bytes()
    project.serve("good day")
    project.run("--interpose-record=all").assert_outcomes(failed=1)
    assert (project.path / FIRST).read_bytes() == kept
    project.tests(ONE.replace("hello one", "good day one"))
    passed = project.run("--interpose-record=all")
    passed.assert_outcomes(passed=1)
    passed.stdout.fnmatch_lines(["interpose: 1 updated", f"  updated: {FIRST}"])
    assert b"good day" in (project.path / FIRST).read_bytes()
    assert project.recordings() == [FIRST]


def test_new_episodes_come_in_a_second_file_and_are_replayed_from_there(project: Project) -> None:
    project.tests()
    project.run().assert_outcomes(passed=1)
    kept = (project.path / FIRST).read_bytes()
    project.serve("good day")
    project.tests(ONE + '        assert client.echo("two") == "good day two"\n')
    project.run().assert_outcomes(failed=1)
    assert project.starts == 1
    added = project.run("--interpose-record=new_episodes")
    added.assert_outcomes(passed=1)
    added.stdout.fnmatch_lines(["interpose: 1 replayed, 1 updated"])
    assert project.starts == 2
    assert project.recordings() == [FIRST.replace(".jsonl", ".2.jsonl"), FIRST]
    assert (project.path / FIRST).read_bytes() == kept
    for mode in ("none", "new_episodes"):
        project.run(f"--interpose-record={mode}").assert_outcomes(passed=1)
        assert project.starts == 2, "all is recorded now"


def test_a_test_whose_client_asked_otherwise_fails_even_if_it_has_not_noticed(project: Project) -> None:
    source = ONE.replace("assert client.echo", "client.echo")
    project.tests(source)
    project.run().assert_outcomes(passed=1)
    project.tests(source.replace('"one"', '"two"'))
    failed = project.run()
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        [
            f"{FIRST}: the client differs from the recording;*",
            "  never recorded: tools/call; the closest is tools/call (line 5)",
            '    $.params.arguments.text: recorded "one", live "two"',
            "  to record it anew: pytest 'test_one.py::test_echo' --interpose-record=all",
        ]
    )


def test_so_does_one_whose_client_is_closed_after_it(project: Project) -> None:
    source = """
@pytest.fixture
def client(interpose):
    with Client(interpose.command) as client:
        yield client

@pytest.mark.interpose(server=SERVER)
def test_echo(client):
    client.echo("one")
"""
    project.tests(source)
    project.run().assert_outcomes(passed=1)
    assert project.recordings() == [FIRST]
    project.run().assert_outcomes(passed=1)
    project.tests(source.replace('"one"', '"two"'))
    project.run().assert_outcomes(failed=1)


def test_a_session_that_is_left_open_is_not_recorded_in_part(project: Project) -> None:
    source = ONE.replace(
        "with Client(interpose.command) as client:", "client = Client(interpose.command)\n    if True:"
    )
    project.tests(source)
    failed = project.run()
    failed.assert_outcomes(passed=1, errors=1)
    failed.stdout.fnmatch_lines(["*a session was not closed at the end of the test, and is not recorded"])
    assert project.recordings() == []


def test_what_was_still_waited_for_at_the_end_is_told(project: Project) -> None:
    server = (project.path / "server.py").read_text()
    asks = 'print(json.dumps({"jsonrpc": "2.0", "id": "q", "method": "roots/list"}), flush=True); next(sys.stdin)'
    text = server.replace('        result = {"content"', f'        {asks}\n        result = {{"content"')
    (project.path / "server.py").write_text(text)
    source = """
@pytest.mark.interpose(server=SERVER)
def test_echo(interpose):
    with Client(interpose.command) as client:
        assert client.ask("tools/call", name="echo", arguments={"text": "one"})["method"] == "roots/list"
"""
    answer = '        client.say(id="q", result={"roots": []})\n        client.process.stdout.readline()\n'
    project.tests(source + answer)
    project.run().assert_outcomes(passed=1)
    project.tests(source)
    told = project.run()
    told.assert_outcomes(passed=1)
    told.stdout.fnmatch_lines(
        [f"  still waiting at the end: test_one.py::test_echo: {FIRST}: an answer to roots/list*"]
    )


def test_a_client_that_connects_twice_has_two_recordings(project: Project) -> None:
    project.tests("""
@pytest.mark.interpose(server=SERVER)
def test_echo(interpose):
    for text in ("one", "two"):
        with Client(interpose.command) as client:
            assert client.echo(text) == f"hello {text}"
""")
    project.run().assert_outcomes(passed=1)
    assert project.recordings() == [FIRST.replace(".jsonl", ".2.jsonl"), FIRST]
    project.run().assert_outcomes(passed=1)
    assert project.starts == 2


def test_no_two_tests_share_a_recording_also_in_several_processes(project: Project) -> None:
    source = """
@pytest.mark.interpose(server=SERVER)
@pytest.mark.parametrize("text", ["one", "ONE", "a/b", "a_b", "x" * 300, "ä"])
def test_echo(interpose, text):
    with Client(interpose.command) as client:
        assert client.echo(text) == f"hello {text}"

@pytest.mark.interpose(server=SERVER)
class TestMore:
    def test_echo(self, interpose):
        with Client(interpose.command) as client:
            assert client.echo("more") == "hello more"
"""
    for name in ("a/test_one.py", "b/test_one.py"):
        project.tests(source, name)
    options = ("--import-mode=importlib", "-n", "2")
    recorded = project.run(*options)
    recorded.assert_outcomes(passed=14)
    recorded.stdout.fnmatch_lines(["interpose: 14 recorded"])
    found = project.recordings()
    assert len({name.lower() for name in found}) == len(found) == 14
    assert {"a/recordings/test_one/test_echo[one].jsonl", "b/recordings/test_one/TestMore.test_echo.jsonl"} < set(found)
    replayed = project.run(*options)
    replayed.assert_outcomes(passed=14)
    replayed.stdout.fnmatch_lines(["interpose: 14 replayed"])
    assert project.starts == 14


def test_recordings_that_nothing_uses_are_told_when_all_tests_ran(project: Project) -> None:
    two = ONE.replace("test_echo", "test_two")
    project.tests(
        ONE + two + "\n@pytest.mark.skip\n@pytest.mark.interpose(server=SERVER)\ndef test_not(interpose): ...\n"
    )
    project.run().assert_outcomes(passed=2, skipped=1)
    folder = project.path / "recordings/test_one"
    (folder / "test_not.jsonl").write_bytes((project.path / FIRST).read_bytes())
    project.tests(ONE + "\n@pytest.mark.skip\n@pytest.mark.interpose(server=SERVER)\ndef test_not(interpose): ...\n")
    told = project.run()
    told.stdout.fnmatch_lines(["interpose: 1 replayed, 1 unused", "  unused: recordings/test_one/test_two.jsonl"])
    told.stdout.no_fnmatch_line("*unused:*test_not*")
    project.run("-k", "echo").stdout.fnmatch_lines(["interpose: 1 replayed"])
    project.run("test_one.py::test_echo").stdout.fnmatch_lines(["interpose: 1 replayed"])


def test_one_folder_may_hold_all_recordings(project: Project) -> None:
    (project.path / "pytest.ini").write_text("[pytest]\ninterpose_recordings = tapes/recordings\n")
    project.tests(name="unit/test_one.py")
    project.run().assert_outcomes(passed=1)
    assert project.recordings() == ["tapes/recordings/unit/test_one/test_echo.jsonl"]


def test_secrets_are_kept_out_and_still_replayed(project: Project) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    source = ONE.replace('== "hello one"', "").replace('"one"', repr(secret))
    project.tests(source)
    project.run().assert_outcomes(passed=1)
    text = (project.path / FIRST).read_text()
    assert secret not in text
    assert "[secret:" in text
    project.run().assert_outcomes(passed=1)
    assert project.starts == 1
    (project.path / "pytest.ini").write_text("[pytest]\ninterpose_scrub = false\n")
    project.run("--interpose-record=all").assert_outcomes(passed=1)
    assert secret in (project.path / FIRST).read_text()


def test_options_of_the_marker_count(project: Project) -> None:
    project.tests()
    project.run().assert_outcomes(passed=1)
    other = ONE.replace('echo("one")', 'echo("uno")')
    project.tests(other.replace("=SERVER", '=SERVER, ignore="$.params.arguments.text"'))
    project.run().assert_outcomes(passed=1)
    project.tests(other.replace("=SERVER", '=SERVER, mode="all"').replace("hello one", "hello uno"))
    project.run().assert_outcomes(passed=1)
    assert project.starts == 2
    (project.path / "no.toml").write_text('[[rule]]\nname = "no-echo"\ntool = "echo"\ndo = "block"\n')
    project.tests(ONE.replace("=SERVER", '=SERVER, policy="no.toml"').replace('== "hello one"', "== 'x'"))
    project.run().stdout.fnmatch_lines(["*Blocked by policy: tools/call is not allowed."])


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('sever=["x"]', "knows no `sever`"),
        ('server=["x"], url="http://127.0.0.1:9/mcp"', "takes either `server` or `url`"),
        ('server=["x"], mode="sometimes"', "`mode` is `sometimes`"),
        ('"x"', "takes keywords only"),
    ],
)
def test_a_marker_that_says_what_cannot_be_is_told(marker: str, words: str, project: Project) -> None:
    project.tests(ONE.replace("server=SERVER", marker))
    told = project.run()
    told.assert_outcomes(errors=1)
    told.stdout.fnmatch_lines([f"*the marker `interpose` {words}*"])


def test_a_test_without_a_server_is_told_what_to_say(project: Project) -> None:
    project.tests("\ndef test_echo(interpose):\n    interpose.command\n")
    told = project.run()
    told.assert_outcomes(failed=1)
    told.stdout.fnmatch_lines([f"there is no recording {FIRST}, and nothing to record:*server=*"])


def test_a_url_replays_and_a_stdio_replay_needs_no_socket(project: Project) -> None:
    source = """
import socket, urllib.request, json

@pytest.mark.interpose(server=SERVER)
def test_url(interpose):
    def post(body, session=None):
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        headers |= {"mcp-session-id": session} if session else {}
        with urllib.request.urlopen(urllib.request.Request(interpose.url, json.dumps(body).encode(), headers)) as got:
            return got.read().decode(), got.headers.get("mcp-session-id")
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    _, session = post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    post({"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
    call = {"name": "echo", "arguments": {"text": "one"}}
    said, _ = post({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}, session)
    assert "hello one" in said

@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **named): raise OSError("no network in tests")
    monkeypatch.setattr(socket, "socket", refuse)
"""
    project.tests(source + ONE)
    project.run().assert_outcomes(passed=2)
    project.tests(source + ONE.replace("(interpose)", "(no_network, interpose)"))
    project.run().assert_outcomes(passed=2)
    assert project.starts == 2


def test_the_plugin_itself_imports_nothing_heavy() -> None:
    script = (
        "import pytest, sys; before = set(sys.modules); import interpose.app.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["interpose", "interpose.app", "interpose.app.pytest_plugin"]


def test_pytest_knows_the_plugin_without_being_told(project: Project) -> None:
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.interpose(server=*"])
    assert not (Path(project.path) / "recordings").exists()
