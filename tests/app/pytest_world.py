"""Small projects for the pytest plugin: a server, a client and tests that are run in a process of their own."""

import json
from pathlib import Path

import pytest

# A server that says how often it was started, and gives back what it is told.
SERVER = """
import json, sys
open("started.log", "a").write("x")
for line in sys.stdin:
    asked = json.loads(line)
    params = asked.get("params", {})
    if asked.get("method") == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "echo", "version": "1"}}
    elif asked.get("method") == "tools/call":
        result = {"content": [{"type": "text", "text": "GREETING " + str(params["arguments"].get("text"))}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""

CLIENT = """
import json, subprocess

class Client:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count = 0
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c", "version": "1"})
        self.say(method="notifications/initialized")

    def say(self, **body):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}).encode() + b"\\n")
        self.process.stdin.flush()

    def ask(self, method, **params):
        self.count += 1
        self.say(id=self.count, method=method, params=params)
        return json.loads(self.process.stdout.readline())

    def echo(self, text):
        answer = self.ask("tools/call", name="echo", arguments={"text": text})
        return answer["result"]["content"][0]["text"] if "result" in answer else answer["error"]["message"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
"""

HEAD = """
import sys, pytest
sys.path.insert(0, ROOT)
from client import Client
SERVER = ["python", "server.py"]
"""
ONE = """
@pytest.mark.interpose(server=SERVER)
def test_echo(interpose):
    with Client(interpose.command) as client:
        assert client.echo("one") == "hello one"
"""


class Project:
    """A folder with a server, a client and tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path
        self.serve("hello")
        (self.path / "client.py").write_text(CLIENT)

    def serve(self, greeting: str) -> None:
        """Write the server, so that it greets like this."""
        (self.path / "server.py").write_text(SERVER.replace("GREETING", greeting))

    def tests(self, source: str = ONE, name: str = "test_one.py") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.replace("ROOT", repr(str(self.path))) + source)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-rN", *arguments, timeout=60)

    @property
    def starts(self) -> int:
        """How often the real server was started."""
        log = self.path / "started.log"
        return len(log.read_text()) if log.exists() else 0

    def recordings(self) -> list[str]:
        """All files in folders of recordings, whatever they are."""
        return sorted(
            str(path.relative_to(self.path)) for path in self.path.glob("**/recordings/**/*") if path.is_file()
        )


def kinds(path: Path) -> list[str]:
    """The kinds of a recording's entries."""
    return [json.loads(line)["kind"] for line in path.read_text().splitlines()[1:]]
