"""The proxies people use today, and the commands that put them between a client and a server.

Each lives in an environment of its own below `.peers`; the exact versions of all it needs are listed in `peers/`. To
add one, write a function that builds its command, and list it.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from process import HERE

PEERS = HERE.parents[1] / ".peers"
LISTS = HERE / "peers"
Shape = Literal["stdio", "stdio-http", "http", "http-stdio"]  # what the client speaks, then the server if another


@dataclass(frozen=True)
class Wish:
    """What a command is to be made for: a server by its command and its URL, a port to listen on, a scratch folder."""

    server: list[str]
    url: str
    port: int
    folder: Path


@dataclass(frozen=True)
class Peer:
    """A proxy, its environment, and the least Python that it runs on (none: it is a Node program)."""

    name: str
    environment: str
    python: tuple[int, int] | None
    commands: dict[Shape, Callable[[Wish], list[str]]]

    @property
    def installed(self) -> bool:
        """Whether all of it is there: the installer's last step leaves a mark."""
        return (PEERS / self.environment / "installed").exists()


def _fastmcp_stdio(wish: Wish) -> list[str]:
    return [*_fastmcp(), "stdio", *wish.server]


def _fastmcp_http(wish: Wish) -> list[str]:
    return [*_fastmcp(), "http", str(wish.port), wish.url]


def _mcp_proxy_out(wish: Wish) -> list[str]:
    return [_program("mcp-proxy"), "--log-level", "ERROR", "--transport", "streamablehttp", wish.url]


def _mcp_proxy_in(wish: Wish) -> list[str]:
    return [_program("mcp-proxy"), "--log-level", "ERROR", "--port", str(wish.port), "--", *wish.server]


def _node_mcp_proxy(wish: Wish) -> list[str]:
    return [
        *_node("mcp-proxy"),
        "--host",
        "127.0.0.1",
        "--port",
        str(wish.port),
        "--server",
        "stream",
        "--",
        *wish.server,
    ]


def _supergateway_out(wish: Wish) -> list[str]:
    return [*_node("supergateway"), "--logLevel", "none", "--streamableHttp", wish.url]


def _supergateway_in(wish: Wish) -> list[str]:
    how = ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none"]
    return [*_node("supergateway"), *how, "--port", str(wish.port), "--stdio", shlex.join(wish.server)]


def _mitmproxy(wish: Wish) -> list[str]:
    root = wish.url.removesuffix("/mcp")
    listening = ["--listen-host", "127.0.0.1", "--listen-port", str(wish.port)]
    kept = ["--set", f"confdir={wish.folder / 'mitmproxy'}"]
    return [_program("mitmproxy", "mitmdump"), "--quiet", "--mode", f"reverse:{root}", *listening, *kept]


def _mcp_recorder(wish: Wish) -> list[str]:
    root, cassette = wish.url.removesuffix("/mcp"), wish.folder / f"recorder-{wish.port}.json"
    program = [_program("mcp-recorder", "python"), str(HERE / "loopback.py"), _program("mcp-recorder")]
    return [*program, "record", "--target", root, "--port", str(wish.port), "--output", str(cassette)]


def _mcp_cassette_stdio(wish: Wish) -> list[str]:
    return [*_mcp_cassette(wish), "--", *wish.server]


def _mcp_cassette_http(wish: Wish) -> list[str]:
    return [*_mcp_cassette(wish), "--url", wish.url, "--port", str(wish.port)]


def _mcp_rec(wish: Wish) -> list[str]:
    return [_program("mcp-rec"), "record", "--out", str(wish.folder / f"rec-{wish.port}.jsonl"), "--", *wish.server]


def _mcp_cassette(wish: Wish) -> list[str]:
    cassette = wish.folder / f"cassette-{wish.port}.json"
    return [_program("mcp-cassette"), "record", "--cassette", str(cassette), "--no-default-redactions"]


def _fastmcp() -> list[str]:
    return [_program("fastmcp", "python"), str(HERE / "fastmcp_proxy.py")]


def _program(environment: str, name: str | None = None) -> str:
    return str(PEERS / environment / "bin" / (name or environment))


def _node(name: str) -> list[str]:
    return ["node", "--require", str(HERE / "loopback.cjs"), str(PEERS / "npm" / "node_modules" / ".bin" / name)]


ALL = (
    Peer("FastMCP proxy 4.1", "fastmcp", (3, 11), {"stdio": _fastmcp_stdio, "http": _fastmcp_http}),
    Peer("mcp-proxy 0.13 (PyPI)", "mcp-proxy", (3, 11), {"stdio-http": _mcp_proxy_out, "http-stdio": _mcp_proxy_in}),
    Peer("mcp-proxy 6.7 (npm)", "npm", None, {"http-stdio": _node_mcp_proxy}),
    Peer("supergateway 4.0 (npm)", "npm", None, {"stdio-http": _supergateway_out, "http-stdio": _supergateway_in}),
    Peer("mitmproxy 11.0", "mitmproxy", (3, 11), {"http": _mitmproxy}),
    Peer("mcp-recorder 0.5", "mcp-recorder", (3, 11), {"http": _mcp_recorder}),
    Peer("mcp-cassette 0.4", "mcp-cassette", (3, 12), {"stdio": _mcp_cassette_stdio, "http": _mcp_cassette_http}),
    Peer("mcp-rec 0.1", "mcp-rec", (3, 12), {"stdio": _mcp_rec}),
)
