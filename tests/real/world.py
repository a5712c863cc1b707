"""The real peers and the combinations of them that work without a proxy; a table, not a test.

A combination is known to work when every step in it succeeds with the client connected straight to the
server. `test_peers` proves that; other tests put interpose in between and expect the same outcome.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

Transport = Literal["stdio", "http", "sse"]

HERE = Path(__file__).parent
PEERS = HERE / "peers"
MODULES = HERE / "node_modules"
EVERYTHING = MODULES / "@modelcontextprotocol/server-everything/dist/index.js"
FILESYSTEM = MODULES / "@modelcontextprotocol/server-filesystem/dist/index.js"
TAPS = HERE / "taps.py"

STATELESS = "2026-07-28"
LISTS = ("hello", "list_tools", "list_resources", "list_templates", "list_prompts", "read_resource")
ASKS = ("sampling", "form_accept", "form_decline", "url_accept", "roots")
CALLS = ("call_echo", "concurrent", "unknown_tool", "get_prompt", "complete", "progress")
OURS = ("read_template", "call_add", "big", "tool_error", "logging", "cancel", "subscribe", "listen", "ping")
TASKS = ("task_input", "task_cancel", "task_sampling")
X_TASKS = ("x_task_input", "x_task_error", "x_task_failed", "x_task_cancelled")
STATEFUL_ONLY = {"subscribe", "ping", *TASKS}
STATELESS_ONLY = {"listen", *X_TASKS}
SINCE = {"form_accept": "2025-06-18", "form_decline": "2025-06-18", "url_accept": "2025-11-25"}


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started, and the steps it has tools for.

    `{port}` in a command or the environment stands for the port to listen on; a server that is given port 0
    picks one itself. `ready` finds, on its stderr, the port it listens on.
    """

    name: str
    command: tuple[str, ...]
    steps: tuple[str, ...]
    eras: tuple[Literal["stateful", "stateless"], ...]
    arguments: dict[Transport, tuple[str, ...]]
    environment: dict[str, str] = field(default_factory=dict)
    picks_port: bool = True
    ready: re.Pattern[str] = re.compile(r"listening (\d+)")

    def asking(self, tools: Iterable[str]) -> Server:
        """The same server with tools that ask as their names say; see `peers/py_asks.py`."""
        return replace(self, command=(*self.command, "--tools", ",".join(tools)))

    def stdio_command(self) -> list[str]:
        return [*self.command, *self.arguments["stdio"]]

    def listen_command(self, transport: Transport, port: int) -> tuple[list[str], dict[str, str]]:
        """The command and what it needs in its environment."""
        arguments = [argument.format(port=port) for argument in self.arguments[transport]]
        return [*self.command, *arguments], {name: value.format(port=port) for name, value in self.environment.items()}

    def url(self, transport: Transport, port: int) -> str:
        return f"http://127.0.0.1:{port}/{'sse' if transport == 'sse' else 'mcp'}"


@dataclass(frozen=True, slots=True)
class Client:
    """How a client is started; `eras` maps a protocol version to what `--era` calls it."""

    name: str
    command: tuple[str, ...]
    eras: dict[str, str]
    steps: tuple[str, ...] = ()

    def run_command(self, era: str, steps: tuple[str, ...], target: list[str]) -> list[str]:
        """`target` is `--url URL`, `--sse URL` or, always last, `--stdio CMD ARG...`."""
        return [*self.command, "--era", self.eras[era], "--steps", ",".join(steps), *target]


class Combo(NamedTuple):
    """`era` is the version that is negotiated, or `auto ` and that version when the client finds it out."""

    client: Client
    server: Server
    transport: Transport
    era: str
    steps: tuple[str, ...]

    @property
    def version(self) -> str:
        return self.era.removeprefix("auto ")

    @property
    def name(self) -> str:
        return f"{self.client.name}-{self.era.replace(' ', '-')}-{self.server.name}-{self.transport}"


_OURS: dict[Transport, tuple[str, ...]] = {
    "stdio": ("--stdio",),
    "http": ("--http", "{port}"),
    "sse": ("--sse", "{port}"),
}

SERVERS = {
    server.name: server
    for server in (
        Server(
            "py",
            (sys.executable, str(PEERS / "py_server.py")),
            (*LISTS, *CALLS, *OURS, *ASKS),
            ("stateful", "stateless"),
            _OURS,
        ),
        Server(
            "fastmcp",
            (sys.executable, str(PEERS / "fastmcp_server.py")),
            (*LISTS, *CALLS, "logging", "ping", "x_task_done", *X_TASKS),
            ("stateful", "stateless"),
            _OURS,
        ),
        Server(
            "ts2",
            ("node", str(PEERS / "ts2_server.mjs")),
            (*LISTS, *CALLS, *OURS, *ASKS),
            ("stateful", "stateless"),
            {way: _OURS[way] for way in ("stdio", "http")},
        ),
        Server(
            "ts1",
            ("node", str(PEERS / "ts1_server.mjs")),
            ("call_echo",),
            ("stateful",),
            _OURS,
        ),
        Server(
            "everything",
            ("node", str(EVERYTHING)),
            (*LISTS, *CALLS, "call_add", "structured", "cancel", "subscribe", "ping", *ASKS, *TASKS),
            ("stateful",),
            {"stdio": ("stdio",), "http": ("streamableHttp",), "sse": ("sse",)},
            environment={"PORT": "{port}"},
            picks_port=False,
            ready=re.compile(r"(?:listening|running) on port (\d+)"),
        ),
    )
}

CLIENTS = {
    client.name: client
    for client in (
        Client(
            "py",
            (sys.executable, str(PEERS / "py_client.py")),
            {
                **{era: era for era in ("2025-03-26", "2025-06-18", "2025-11-25", STATELESS)},
                "auto 2025-11-25": "auto",
                f"auto {STATELESS}": "auto",
            },
            ("x_task_done", *X_TASKS),
        ),
        Client(
            "ts1",
            ("node", str(PEERS / "ts1_client.mjs")),
            {"2025-11-25": "legacy"},
            TASKS,
        ),
        Client(
            "ts2",
            ("node", str(PEERS / "ts2_client.mjs")),
            {
                "2025-11-25": "legacy",
                STATELESS: "modern",
                "auto 2025-11-25": "auto",
                f"auto {STATELESS}": "auto",
            },
        ),
    )
}

_TABLE: tuple[tuple[str, str, str, Transport], ...] = (
    ("py", "2025-11-25", "py", "stdio"),
    ("py", "2025-11-25", "py", "http"),
    ("py", "2025-11-25", "py", "sse"),
    ("py", "2025-06-18", "py", "http"),
    ("py", "2025-03-26", "py", "http"),
    ("py", STATELESS, "py", "stdio"),
    ("py", f"auto {STATELESS}", "py", "http"),
    ("py", f"auto {STATELESS}", "fastmcp", "stdio"),
    ("py", STATELESS, "fastmcp", "http"),
    ("py", "2025-11-25", "fastmcp", "http"),
    ("py", f"auto {STATELESS}", "ts2", "stdio"),
    ("py", STATELESS, "ts2", "http"),
    ("py", "2025-11-25", "everything", "stdio"),
    ("py", "auto 2025-11-25", "everything", "http"),
    ("ts1", "2025-11-25", "everything", "stdio"),
    ("ts1", "2025-11-25", "everything", "http"),
    ("ts1", "2025-11-25", "everything", "sse"),
    ("ts1", "2025-11-25", "py", "http"),
    ("ts1", "2025-11-25", "ts2", "http"),
    ("ts2", f"auto {STATELESS}", "ts2", "stdio"),
    ("ts2", STATELESS, "ts2", "http"),
    ("ts2", "2025-11-25", "ts2", "http"),
    ("ts2", STATELESS, "py", "http"),
    ("ts2", "auto 2025-11-25", "everything", "stdio"),
)


def steps_for(client: Client, server: Server, era: str) -> tuple[str, ...]:
    """The server's steps, in its order, that this client can play in this era."""
    version = era.removeprefix("auto ")
    never = STATEFUL_ONLY if version == STATELESS else STATELESS_ONLY
    special = {*TASKS, *X_TASKS, "x_task_done"} - set(client.steps)
    return tuple(
        step for step in server.steps if step not in never and step not in special and SINCE.get(step, "") <= version
    )


def combos() -> Iterator[Combo]:
    """All combinations worth running, each with the steps that succeed without a proxy."""
    for client_name, era, server_name, transport in _TABLE:
        client, server = CLIENTS[client_name], SERVERS[server_name]
        yield Combo(client, server, transport, era, steps_for(client, server, era))
