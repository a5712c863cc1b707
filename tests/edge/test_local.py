"""A client on our standard streams and a server that is a child: bytes, ends, signals, damage, size."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.edge.processes import SECONDS, alive, entries, peak_memory, python, run, shim

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}\n'
CAT = ["cat"]
LEAVES_BEFORE_A_CLIENT_TERMINATES_IT = 2.0  # SDK clients close the input, wait 2 s, then send TERM
MEGABYTE = 1 << 20


def soon(probe: Callable[[], bool]) -> bool:
    """Whether it comes true within bounds."""
    deadline = time.monotonic() + SECONDS
    while not probe() and time.monotonic() < deadline:
        time.sleep(0.01)
    return probe()


@pytest.mark.parametrize(
    "sent",
    [
        CALL,
        b'{"jsonrpc":"2.0", "id":1.0,"method":"x","params":{"n":1e2,"s":"\\/\\u00e9","dup":1,"dup":2}}\r\n',
        b"a banner\n\n   \n\xff\xfe\x00\n" + CALL,
        b'{"jsonrpc":"2.0","method":"a"}\r{"jsonrpc":"2.0","id":2,"method":"b"}\n',
        CALL + b"not terminated",
        "\u2028\u0085{}\n".encode(),
        b"",
    ],
)
def test_every_byte_passes_both_ways(sent: bytes, tmp_path: Path) -> None:
    done = run(shim(CAT, record=tmp_path / "r.jsonl"), sent)
    assert (done.stdout, done.stderr, done.returncode) == (sent, b"", 0)


def test_one_byte_at_a_time_gives_the_same_recording_as_one_piece(tmp_path: Path) -> None:
    sent = CALL + "é\n".encode() + CALL
    run(shim(CAT, record=tmp_path / "whole.jsonl"), sent)
    with subprocess.Popen(
        shim(CAT, record=tmp_path / "bytes.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for byte in sent:
            process.stdin.write(bytes([byte]))
        process.stdin.close()
        assert process.stdout.read() == sent
    said = [
        [(e["from"], e.get("message"), e.get("text")) for e in entries(tmp_path / name) if e["kind"] == "message"]
        for name in ("whole.jsonl", "bytes.jsonl")
    ]
    assert sorted(map(str, said[0])) == sorted(map(str, said[1]))


def test_the_exit_code_is_the_servers(tmp_path: Path) -> None:
    done = run(shim(python("import sys; sys.exit(7)"), record=tmp_path / "r.jsonl"))
    assert done.returncode == 7
    assert [e["text"] for e in entries(tmp_path / "r.jsonl") if e["kind"] == "exit"] == ["7"]


def test_standard_error_passes_and_is_recorded(tmp_path: Path) -> None:
    script = "import os; os.write(2, b'warn \\xff\\nlast'); os.close(2)"
    done = run(shim(python(script), record=tmp_path / "r.jsonl"))
    assert done.stderr == b"warn \xff\nlast"
    assert [e["text"] for e in entries(tmp_path / "r.jsonl") if e["kind"] == "stderr"] == ["warn \ufffd", "last"]


def test_a_server_that_ignores_the_end_and_term_is_gone_before_a_client_loses_patience(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    with subprocess.Popen(
        shim(python(script), record=tmp_path / "r.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        closed = time.monotonic()
        process.stdin.close()
        assert process.wait(SECONDS) == 128 + signal.SIGKILL
        assert time.monotonic() - closed < LEAVES_BEFORE_A_CLIENT_TERMINATES_IT
    assert entries(tmp_path / "r.jsonl")[-1]["kind"] == "end"


def test_what_a_server_says_after_the_end_of_its_input_still_arrives(tmp_path: Path) -> None:
    script = "import sys; sys.stdin.read(); print('late', flush=True)"
    assert run(shim(python(script), record=tmp_path / "r.jsonl"), CALL).stdout == b"late\n"


def test_a_server_that_still_works_on_an_answer_when_its_input_ends_may_finish(tmp_path: Path) -> None:
    script = 'import sys, time; sys.stdin.read(); time.sleep(2.5); print(\'{"jsonrpc":"2.0","id":1,"result":{}}\')'
    done = run(shim(python(script), record=tmp_path / "r.jsonl"), CALL)
    assert (done.stdout, done.returncode) == (b'{"jsonrpc":"2.0","id":1,"result":{}}\n', 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_at_once_and_recorded(number: signal.Signals, tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: (print('bye', flush=True), sys.exit(5)))\n"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        shim(python(script), record=tmp_path / "r.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.stdout.read() == b"bye\n"
        assert process.wait(SECONDS) == 5
    assert [e["text"] for e in entries(tmp_path / "r.jsonl") if e["kind"] == "signal"] == [number.name]


def test_a_grandchild_that_keeps_the_pipe_open_holds_nobody_up_and_is_ended(tmp_path: Path) -> None:
    script = "sleep 60 & echo $!; exit 3"
    done = run(shim(["sh", "-c", script], record=tmp_path / "r.jsonl"), CALL)
    assert done.returncode == 3
    assert soon(lambda: not alive(int(done.stdout)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help exists on Linux only")
def test_a_killed_interpose_leaves_no_server_behind(tmp_path: Path) -> None:
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with subprocess.Popen(
        shim(python(script), record=tmp_path / "r.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        process.kill()
    assert soon(lambda: not alive(server))


def test_a_client_that_vanishes_ends_the_server_and_the_recording(tmp_path: Path) -> None:
    script = "import sys\nwhile True: sys.stdout.write('x' * 1000 + '\\n')"
    with subprocess.Popen(
        shim(python(script), record=tmp_path / "r.jsonl"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(SECONDS)
    last = entries(tmp_path / "r.jsonl")[-1]
    assert (last["kind"], last["reason"]) == ("end", "client vanished")


def test_a_client_that_reads_no_more_is_noticed_while_nothing_is_written(tmp_path: Path) -> None:
    script = "import sys; print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        shim(python(script), record=tmp_path / "r.jsonl"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(SECONDS)
    assert entries(tmp_path / "r.jsonl")[-1]["reason"] == "client vanished"


def test_a_server_that_dies_in_a_call_leaves_a_complete_recording_that_says_so(tmp_path: Path) -> None:
    script = "import sys, os; sys.stdin.readline(); os.write(1, b'{\"half'); os._exit(9)"
    done = run(shim(python(script), record=tmp_path / "r.jsonl"), CALL)
    assert (done.returncode, done.stdout) == (9, b'{"half')
    last = entries(tmp_path / "r.jsonl")[-1]
    assert [(wait["who"], wait["what"]) for wait in last["waiting"]] == [("NOBODY", "tools/call x")]


def test_a_second_session_gets_a_file_of_its_own(tmp_path: Path) -> None:
    for _ in range(3):
        run(shim(CAT, record=tmp_path / "r.jsonl"), CALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.2.jsonl", "r.3.jsonl", "r.jsonl"]


def test_a_folder_gets_files_named_by_time_and_server(tmp_path: Path) -> None:
    run(shim(CAT, "--name", "my server/1", record=tmp_path), CALL)
    [path] = tmp_path.iterdir()
    assert path.name.endswith("Z-my-server-1.jsonl")


@pytest.mark.parametrize(
    ("options", "server", "code", "says"),
    [
        ([], ["no-such-command-anywhere"], 3, "cannot start `no-such-command-anywhere`: no such command"),
        ([], ["/"], 3, "cannot start `/`: Permission denied"),
        ([], [], 2, "say which server"),
        (["--record", "/proc/none/r.jsonl"], ["cat"], 2, "name another"),
        (["--upstream", "http://127.0.0.1:1/mcp"], ["cat"], 2, "say which server"),
        (["--upstream", "http://127.0.0.1:1/mcp"], [], 3, "cannot reach 127.0.0.1:1"),
        (["--upstream", "ftp://h/"], [], 2, "want a URL such as"),
        (["--listen", "nonsense", "--upstream", "http://127.0.0.1:1/mcp"], [], 2, "want HOST:PORT"),
        (["--no-such-option"], ["cat"], 2, "no-such-option"),
        (["--policy", "/no/such.toml"], ["cat"], 2, "/no/such.toml: no such file"),
        (["--block", "samplin"], ["cat"], 2, "sampling"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    options: list[str], server: list[str], code: int, says: str
) -> None:
    done = run(shim(server, *options))
    assert done.returncode == code
    assert says in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""


def test_an_address_in_use_is_one_line_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(shim(["cat"], "--listen", f"127.0.0.1:{port}"))
    assert done.returncode == 3
    assert done.stderr.decode().startswith(f"interpose: cannot listen on 127.0.0.1:{port}: ")
    assert "choose another --listen" in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk_stops_no_traffic_and_is_told(tmp_path: Path) -> None:
    limited = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *shim(CAT, record=tmp_path / "r.jsonl")]
    sent = CALL * 2000
    done = run(limited, sent)
    assert done.stdout == sent
    assert b"has gaps" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.returncode == 3


ANSWER = python(
    "import io, os\n"
    'for line in io.BufferedReader(io.FileIO(0)): os.write(1, line.replace(b\'"method":"ping"\', b\'"result":{}\'))'
)
ECHO_AND_TELL_MEMORY = """
import io, os, sys
for line in io.BufferedReader(io.FileIO(0)):
    view = memoryview(line)
    while view:
        view = view[os.write(1, view):]
status = open(f"/proc/{os.getppid()}/status").read()
sys.stderr.write([line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")][0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_message_of_64_mb_passes_both_ways_in_under_300_mb(tmp_path: Path) -> None:
    sent = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"t":"' + "é".encode() * (32 * MEGABYTE) + b'"}}\n'
    done = run(shim(python(ECHO_AND_TELL_MEMORY), record=tmp_path / "r.jsonl"), sent)
    assert done.stdout == sent
    assert int(done.stderr) < 300 * 1024
    assert (tmp_path / "r.jsonl").stat().st_size > 2 * len(sent)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_100_000_messages(tmp_path: Path) -> None:
    command = shim(ANSWER, record=tmp_path / "r.jsonl")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        peaks: list[int] = []

        def answers() -> None:
            for count, line in enumerate(stdout, 1):
                assert b'"id":%d,' % count in line
                if count in (5_000, 50_000):
                    peaks.append(peak_memory(process.pid))

        reader = threading.Thread(target=answers)
        reader.start()
        for number in range(1, 50_001):
            stdin.write(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number)
        stdin.close()
        reader.join(60)
        assert process.wait(SECONDS) == 0
    assert peaks[1] - peaks[0] < 16 * MEGABYTE


def test_a_slow_client_gets_everything_that_an_exited_server_wrote(tmp_path: Path) -> None:
    script = "import os\nfor n in range(40): os.write(1, b'x' * 99999 + b'\\n')"
    with subprocess.Popen(shim(python(script), record=tmp_path / "r.jsonl"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        got = 0
        while chunk := process.stdout.read1(100_000):
            got += len(chunk)
            time.sleep(0.02)  # the slowness is the case that is tested
    assert got == 4_000_000
