"""`interpose intercept` as a process: the client it starts, what it leaves behind, and who may talk to it."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.approving import runtime
from tests.real.conftest import spawned
from tests.real.tls.authority import Authority
from tests.real.tls.world import (
    INTERPOSE,
    MITMDUMP,
    Interception,
    descendants,
    intercepting,
    is_there,
    ports_of,
    require,
)

pytestmark = pytest.mark.real

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}'
HELLO = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}'
DEPLOY = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"deploy","arguments":{"to":"prod"}}}'
APPROVING = 'print("{\\"decision\\":\\"approve\\",\\"by\\":\\"anna\\"}")'


def posting(body: str) -> list[str]:
    """The arguments of curl for a message over Streamable HTTP."""
    media = ["-H", "Accept: application/json, text/event-stream", "-H", "Content-Type: application/json"]
    return [*media, "-H", "MCP-Protocol-Version: 2025-11-25", "-d", body]


POSTING = posting(HELLO)


class _Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at what is recorded."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def url(authority: Authority) -> Iterator[str]:
    """A server that answers everything with a handshake's result."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign("server"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


Intercept = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def intercept(tmp_path: Path, authority: Authority) -> Intercept:
    """Runs the command to its end."""
    require()

    def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        own = ["--confdir", str(tmp_path / "conf"), "--upstream-ca", str(authority.certificate)]
        command = [*INTERPOSE, "intercept", "--mitmdump", str(MITMDUMP), *own, *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )

    return run


def text(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*.jsonl"))


def test_a_client_gets_its_surroundings_and_gives_its_exit_code(intercept: Intercept, url: str, tmp_path: Path) -> None:
    script = f"curl -sS {url}/mcp {' '.join(repr(word) for word in POSTING)}; echo; env; exit 7"
    done = intercept(
        "--record", f"{tmp_path / 'rec'}/", "--", "sh", "-c", script, environment={"NO_PROXY": "localhost"}
    )
    assert done.returncode == 7, done.stderr
    answer, *rest = done.stdout.decode().splitlines()
    assert json.loads(answer)["id"] == 1
    variables = dict(line.split("=", 1) for line in rest if "=" in line)
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == variables["HTTP_PROXY"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", variables["HTTPS_PROXY"])
    assert variables["NO_PROXY"] == ""
    assert variables["NODE_USE_ENV_PROXY"] == "1"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert not Path(variables[name]).exists(), "it goes with the run"
    assert '"initialize"' in text(tmp_path / "rec")
    assert not any(re.fullmatch(r"[0-9a-f]{64}", value) for value in variables.values())


def test_http2_clients_are_served(intercept: Intercept, url: str, tmp_path: Path) -> None:
    form = ["-o", str(tmp_path / "body"), "-w", "%{http_version} %{http_code}"]
    done = intercept("--record", f"{tmp_path / 'rec'}/", "--", "curl", "-sS", "--http2", *form, f"{url}/mcp", *POSTING)
    assert (done.returncode, done.stdout) == (0, b"2 200"), done.stderr
    assert (tmp_path / "body").read_bytes() == ANSWER
    assert '"initialize"' in text(tmp_path / "rec")


def test_the_flow_file_holds_what_the_client_saw(intercept: Intercept, url: str, tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    script = f"curl -sS {url}/mcp {' '.join(repr(word) for word in POSTING)}; curl -sS {url}/page"
    assert intercept("--save-flows", str(flows), "--", "sh", "-c", script).returncode == 0
    kept = flows.read_bytes()
    assert kept.count(ANSWER) == 2
    assert HELLO.encode() in kept
    assert b"Interpose-" not in kept
    assert b"/page" in kept


def test_other_hosts_keep_their_own_certificates(intercept: Intercept, url: str, tmp_path: Path) -> None:
    show = f"curl -sSv {url}/mcp 2>&1 | grep -i issuer"
    hidden = intercept("--host", "*.example.test", "--", "sh", "-c", show)
    opened = intercept("--host", "LOCAL*", "--", "sh", "-c", show)
    assert b"interpose test authority" in hidden.stdout
    assert b"mitmproxy" in opened.stdout


def test_in_reverse_a_client_needs_no_proxy(authority: Authority, url: str, tmp_path: Path) -> None:
    with intercepting(tmp_path, authority, "--mode", f"reverse:{url}") as interception:
        where = f"http://127.0.0.1:{interception.port}/mcp"
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", where, *POSTING], capture_output=True, timeout=30)
        assert done.stdout == ANSWER
    assert '"initialize"' in text(interception.record)
    assert f'"url":"{url}"' in text(interception.record)


def test_nobody_else_gets_in_and_nothing_gives_the_secret_away(authority: Authority, tmp_path: Path) -> None:
    with intercepting(tmp_path, authority) as interception:
        pid = interception.process.pid
        (listener,) = ports_of(pid)
        for header in ("X: y", "Interpose-Secret: ", f"Interpose-Secret: {'0' * 64}"):
            target = ["-H", header, "-H", "Interpose-Target: https://localhost:1"]
            status = ["-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{listener}/mcp"]
            assert curl(*target, *status, *POSTING) == "403"
            assert curl("--proxy", f"http://127.0.0.1:{interception.port}", *target, *status, *POSTING) == "403"
        for each in (pid, *descendants(pid)):
            for file in ("cmdline", "environ"):
                assert not re.search(rb"[0-9a-f]{64}", Path(f"/proc/{each}/{file}").read_bytes())
        assert not interception.record.is_dir() or not list(interception.record.iterdir())


def curl(*arguments: str) -> str:
    return subprocess.run(
        ["curl", "-sS", "--noproxy", "", *arguments], capture_output=True, timeout=30, check=True
    ).stdout.decode()


@pytest.mark.parametrize(
    ("options", "is_refused", "decided"),
    [
        (("--hold", "tool=deploy", "--approver", "approve"), False, "approve"),
        (("--hold", "tool=deploy", "--approver", "decline"), True, "decline"),
        (("--hold", "tool=deploy", "--approver", f"command:{sys.executable} -c '{APPROVING}'"), False, "approve"),
        (("--block", "tool=deploy"), True, None),
        (("--block", "tool=other"), False, None),
    ],
)
def test_what_a_short_rule_says_holds_for_what_is_intercepted(
    options: tuple[str, ...], is_refused: bool, decided: str | None, intercept: Intercept, url: str, tmp_path: Path
) -> None:
    record = tmp_path / "rec"
    done = intercept("--record", f"{record}/", *options, "--", "curl", "-sS", f"{url}/mcp", *posting(DEPLOY))
    assert done.returncode == 0, done.stderr
    assert (b"isError" in done.stdout, done.stdout == ANSWER) == (is_refused, not is_refused)
    kept = text(record)
    assert re.findall('"decision":"([a-z]+)","approver', kept) == ([] if decided is None else [decided])


def test_a_short_rule_masks_what_is_intercepted(intercept: Intercept, url: str, tmp_path: Path) -> None:
    record, deploy = tmp_path / "rec", DEPLOY.replace("prod", "ada@example.com")
    intercept("--record", f"{record}/", "--redact", "email", "--", "curl", "-sS", f"{url}/mcp", *posting(deploy))
    assert "deploy" in text(record)
    assert "ada@example.com" not in text(record)


def test_what_is_held_of_an_intercepted_client_is_decided_in_a_terminal(
    authority: Authority, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runtime() as home:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(home.folder))
        options = ("--mode", f"reverse:{url}", "--hold", "tool=deploy", "--approver", "terminal")
        with intercepting(tmp_path, authority, *options) as interception:
            where = f"http://127.0.0.1:{interception.port}/mcp"
            for decision in ("approve", "decline"):
                asking = ["curl", "-sS", "--noproxy", "*", where, *posting(DEPLOY)]
                with spawned(asking, stdout=subprocess.PIPE) as client:
                    [asked] = home.waiting()
                    assert (asked["method"], asked["name"]) == ("tools/call", "deploy")
                    home.approvals(decision, asked["hold"])
                    assert client.stdout is not None
                    assert (client.stdout.read() == ANSWER) == (decision == "approve")
            assert "waits for approval (hold-tool=deploy)" in interception.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(number: signal.Signals, authority: Authority, tmp_path: Path) -> None:
    with intercepting(tmp_path, authority) as interception:
        started = descendants(interception.process.pid)
        assert started
        interception.process.send_signal(number)
        assert interception.process.wait(15) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        deadline = time.monotonic() + 15
        while any(map(is_there, started)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [pid for pid in started if is_there(pid)]


def test_a_signal_is_the_clients_too(authority: Authority, tmp_path: Path) -> None:
    require()
    own = [
        "--confdir",
        str(tmp_path / "conf"),
        "--mitmdump",
        str(MITMDUMP),
        "--upstream-ca",
        str(authority.certificate),
    ]
    script = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    command = [*INTERPOSE, "intercept", *own, "--", "sh", "-c", script]
    with spawned(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b"told\n"
        assert process.wait(15) == 5


def test_when_mitmdump_dies_so_does_the_run(authority: Authority, tmp_path: Path) -> None:
    with intercepting(tmp_path, authority) as interception:
        for pid in descendants(interception.process.pid):
            os.kill(pid, signal.SIGKILL)
        assert interception.process.wait(15) == 3
        assert "mitmdump ended" in interception.said()


def test_a_taken_port_is_said(intercept: Intercept) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = intercept("--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 3
    assert b"mitmdump did not start" in done.stderr
    assert b"address already in use" in done.stderr


def test_an_old_mitmproxy_is_refused(intercept: Intercept, tmp_path: Path) -> None:
    """One that runs the addon and says that it is version 9."""
    old = tmp_path / "mitmdump"
    told = '{\\"ready\\":[[\\"127.0.0.1\\",1]],\\"version\\":\\"9.0.1\\"}'
    script = f"""import json, sys
secret = json.loads(sys.stdin.readline())["secret"]
print(secret, "{told}", flush=True)
sys.stdin.read()
"""
    old.write_text(f"#!{sys.executable}\n{script}")
    old.chmod(0o755)
    done = intercept("--mitmdump", str(old))
    assert done.returncode == 3
    assert b"mitmproxy 9.0.1 is too old" in done.stderr
    assert b"uv tool install mitmproxy" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--mode", "socks5"), b"--mode socks5: want regular, or reverse:URL"),
        (("--mode", "reverse:ftp://x"), b"want regular, or reverse:URL"),
        (("--listen", "here"), b"--listen here: want HOST:PORT"),
        (("--mitmdump", "/no/such"), b"--mitmdump /no/such: no such program"),
        (("--upstream-ca", "/no/such"), b"--upstream-ca /no/such: No such file"),
        (("--policy", "/no/such.toml"), b"/no/such.toml"),
        (("--record", "/proc/no/such/"), b"/proc/no"),
        (("--block", "nothing"), b"nothing"),
        (("--approver", "fate"), b"--approver: `fate` is not one"),
        (("--approver-secret-file", "/no/such"), b"--approver-secret-file goes with --approver webhook:URL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_said_before_anything_starts(
    intercept: Intercept, arguments: tuple[str, ...], words: bytes
) -> None:
    done = intercept(*arguments, "--", "true")
    assert done.returncode == 2
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_client_that_is_not_there_is_said(intercept: Intercept) -> None:
    done = intercept("--", "/no/such/client")
    assert done.returncode == 3
    assert b"cannot start `/no/such/client`" in done.stderr


def test_the_interception_says_where_it_is(authority: Authority, tmp_path: Path) -> None:
    with intercepting(tmp_path, authority) as interception:
        assert isinstance(interception, Interception)
        assert "clients have to trust" in interception.said()
        assert interception.ca.is_file()
