"""A wrapped configuration starts the same servers: real ones, with the Python SDK's client, in each client's shape."""

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from tests.app.test_wrap import good, home
from tests.real.conftest import listening, npm
from tests.real.world import EVERYTHING, SERVERS

from interpose.edge.stores.jsonl import RecordingReader

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("npm")]
__all__ = ["home", "listening", "npm"]

NODE = ["node", str(EVERYTHING), "stdio"]
PYTHON = [*SERVERS["py"].command, "--stdio"]
JSON = {
    "claude_desktop_config.json": lambda name, words: {"mcpServers": {name: {"command": words[0], "args": words[1:]}}},
    "mcp.json": lambda name, words: {"servers": {name: {"type": "stdio", "command": words[0], "args": words[1:]}}},
    "opencode.json": lambda name, words: {"mcp": {name: {"type": "local", "command": words}}},
    "zed/settings.json": lambda name, words: {
        "context_servers": {name: {"command": {"path": words[0], "args": words[1:]}}}
    },
}


def started(entry: dict[str, Any]) -> StdioServerParameters:
    """What each client starts for an entry, told apart by its shape alone."""
    command = entry["command"]
    if isinstance(command, dict):
        return StdioServerParameters(command=command["path"], args=command.get("args", []))
    words = command if isinstance(command, list) else [command, *entry.get("args", [])]
    return StdioServerParameters(command=words[0], args=words[1:], env=entry.get("env"), cwd=entry.get("cwd"))


def entry_of(file: Path) -> dict[str, Any]:
    found: Any = tomllib.loads(file.read_text()) if file.suffix == ".toml" else json.loads(file.read_text())
    while "command" not in found and "url" not in found:
        found = next(iter(found.values()))
    return found  # type: ignore[no-any-return]


async def offered(server: StdioServerParameters) -> dict[str, Any]:
    """What a session with the server shows."""
    with anyio.fail_after(30):
        async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
            hello = await session.initialize()
            tools = await session.list_tools()
            echoed = await session.call_tool("echo", {"message": "hei", "text": "hei"})
            return {
                "server": hello.server_info.name,
                "tools": sorted(tool.name for tool in tools.tools),
                "echoed": [block.model_dump(mode="json") for block in echoed.content],
            }


def offers(file: Path) -> dict[str, Any]:
    return anyio.run(offered, started(entry_of(file)))


@pytest.mark.parametrize("words", [NODE, PYTHON], ids=["everything", "python"])
@pytest.mark.parametrize("name", [*JSON, "config.toml"])
def test_a_wrapped_entry_starts_the_same_server(home: Path, name: str, words: list[str]) -> None:
    file = home / name
    file.parent.mkdir(exist_ok=True)
    if name in JSON:
        file.write_text(json.dumps(JSON[name]("it", words), indent=2))
    else:
        file.write_text(f"[mcp_servers.it]\ncommand = {json.dumps(words[0])}\nargs = {json.dumps(words[1:])}\n")
    before, plain = file.read_bytes(), offers(file)
    assert plain["tools"]
    good("wrap", file, "--record", home / "kept", "--yes")
    assert "interpose" in json.dumps(entry_of(file))
    assert offers(file) == plain
    [recording] = (home / "kept").iterdir()
    with RecordingReader(recording) as reader:
        assert reader.header.server["name"] == "it"
        assert sum(entry.kind == "message" for entry in reader) >= 6
    good("unwrap", file, "--yes")
    assert file.read_bytes() == before


def test_environment_and_folder_reach_the_server(home: Path) -> None:
    script = (
        "import os, json, sys; line = json.loads(sys.stdin.readline()); where = [os.getcwd(), os.environ['TOKEN']]; "
    )
    script += "print(json.dumps({'jsonrpc': '2.0', 'id': line['id'], 'result': where}), flush=True)"
    entry = {"command": sys.executable, "args": ["-c", script], "env": {"TOKEN": "sk-1"}, "cwd": str(home)}
    file = home / "claude_desktop_config.json"
    file.write_text(json.dumps({"mcpServers": {"it": entry}}))
    good("wrap", file, "--record", home / "kept", "--yes")
    found = entry_of(file)
    assert (found["env"], found["cwd"]) == (entry["env"], entry["cwd"])

    async def answer() -> Any:
        environment = {**os.environ, **found["env"]}
        hello = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
        done = await anyio.run_process(
            [found["command"], *found["args"]], input=hello, env=environment, cwd=found["cwd"]
        )
        return json.loads(done.stdout)["result"]

    assert anyio.run(answer) == [str(home), "sk-1"]


def test_an_address_is_reached_with_its_headers_and_they_are_not_recorded(home: Path, listening: Any) -> None:
    port = listening(SERVERS["py"], "http")
    headers = {"Authorization": "Bearer sk-secret-1"}
    entry = {"type": "http", "url": f"http://127.0.0.1:{port}/mcp", "headers": headers}
    file = home / ".mcp.json"
    file.write_text(json.dumps({"mcpServers": {"it": entry}}))
    before = file.read_bytes()
    good("wrap", file, "--record", home / "kept", "--yes")
    assert "sk-secret-1" not in json.dumps(entry_of(file)["args"])
    assert offers(file)["tools"]
    [recording] = (home / "kept").iterdir()
    assert b"sk-secret-1" not in recording.read_bytes()
    good("unwrap", file, "--yes")
    assert file.read_bytes() == before
