"""The ways between a client and a server that are compared: nothing, the floors, interpose, and who else does it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import interposed
from peers import ALL, Peer, Shape, Wish
from process import HERE, PEER, Running, free_port, peer
from scene import Scene

DIRECT, PUMP, RELAY = "no proxy", "byte pump", "aiohttp relay"
STDIO_BEHIND, HTTP_BEHIND = " (stdio behind)", " (HTTP behind)"
Role = Literal["direct", "floor", "own", "peer"]


@dataclass(frozen=True)
class StdioWay:
    """A command whose standard streams lead to a server, started as often as one likes."""

    name: str
    role: Role
    command: Callable[[Scene], list[str]]


@dataclass(frozen=True)
class Endpoint:
    """A URL of this machine that leads to a server, and the process that stands between, if one does."""

    port: int
    path: str
    between: Running | None


@dataclass(frozen=True)
class HttpWay:
    """An endpoint that can be opened in front of an HTTP server's port."""

    name: str
    role: Role
    open: Callable[[Scene, int], Endpoint]


def stdio_ways(with_peers: bool) -> list[StdioWay]:
    """The ways of a client on standard streams; peers only if they are installed."""
    server = peer("stdio_server")
    own = [StdioWay(name, "own", partial(_interposed, name)) for name in interposed.ways(http=False)]
    behind = StdioWay(interposed.RECORDING + HTTP_BEHIND, "own", _interposed_before_http)
    others = [
        StdioWay(one.name + suffix, "peer", partial(_peer, one, shape))
        for shape, suffix in _suffixed("stdio", "stdio-http", HTTP_BEHIND)
        for one in _usable(shape, with_peers)
    ]
    return [
        StdioWay(DIRECT, "direct", lambda _: server),
        StdioWay(PUMP, "floor", lambda _: [*peer("stdio_pump"), *server]),
        *own,
        behind,
        *others,
    ]


def viewed_stdio_ways() -> list[StdioWay]:
    """Nothing, a recording interpose, and one whose page somebody could open."""
    own = [StdioWay(name, "own", partial(_interposed, name)) for name in (interposed.RECORDING, interposed.VIEWED)]
    return [StdioWay(DIRECT, "direct", lambda _: peer("stdio_server")), *own]


def viewed_http_ways() -> list[HttpWay]:
    """The same over HTTP."""
    names = (interposed.RECORDING, interposed.VIEWED)
    own = [HttpWay(name, "own", partial(_interposed_http, name)) for name in names]
    return [HttpWay(DIRECT, "direct", lambda _, port: Endpoint(port, "/mcp", None)), *own]


def http_ways(with_peers: bool) -> list[HttpWay]:
    """The ways of a client over HTTP; peers only if they are installed."""
    own = [HttpWay(name, "own", partial(_interposed_http, name)) for name in interposed.ways(http=True)]
    behind = HttpWay(interposed.RECORDING + STDIO_BEHIND, "own", _interposed_before_stdio)
    others = [
        HttpWay(one.name + suffix, "peer", partial(_peer_http, one, shape))
        for shape, suffix in _suffixed("http", "http-stdio", STDIO_BEHIND)
        for one in _usable(shape, with_peers)
    ]
    return [
        HttpWay(DIRECT, "direct", lambda _, port: Endpoint(port, "/mcp", None)),
        HttpWay(PUMP, "floor", partial(_floor, peer("http_pump"))),
        HttpWay(RELAY, "floor", partial(_floor, [PEER[0], str(HERE / "http_relay.py")])),
        *own,
        behind,
        *others,
    ]


def _suffixed(straight: Shape, crossing: Shape, suffix: str) -> tuple[tuple[Shape, str], ...]:
    return ((straight, ""), (crossing, suffix))


def _usable(shape: Shape, wanted: bool) -> Iterator[Peer]:
    return (one for one in ALL if wanted and one.installed and shape in one.commands)


def _interposed(name: str, scene: Scene) -> list[str]:
    return [*interposed.arguments(name, scene), "--", *peer("stdio_server")]


def _interposed_before_http(scene: Scene) -> list[str]:
    return [*interposed.arguments(interposed.RECORDING, scene), "--upstream", _url(scene.json_port)]


def _interposed_http(name: str, scene: Scene, port: int) -> Endpoint:
    return _listening(interposed.arguments(name, scene), ["--upstream", _url(port)], scene)


def _interposed_before_stdio(scene: Scene, _: int) -> Endpoint:
    return _listening(interposed.arguments(interposed.RECORDING, scene), ["--", *peer("stdio_server")], scene)


def _listening(command: list[str], server: list[str], scene: Scene) -> Endpoint:
    process = scene.start([*command, "--listen", "127.0.0.1:0", *server])
    return Endpoint(process.announced_port(), "/mcp", process)


def _floor(command: list[str], scene: Scene, port: int) -> Endpoint:
    process = scene.start([*command, str(port)])
    return Endpoint(process.printed_port(), "/mcp", process)


def _peer(one: Peer, shape: Shape, scene: Scene) -> list[str]:
    url = _url(scene.json_port) if shape == "stdio-http" else ""
    return one.commands[shape](_wish(scene, url))


def _peer_http(one: Peer, shape: Shape, scene: Scene, port: int) -> Endpoint:
    wish = _wish(scene, _url(port))
    process = scene.start(one.commands[shape](wish))
    return Endpoint(process.open_port(wish.port), "/mcp", process)


def _wish(scene: Scene, url: str) -> Wish:
    return Wish(peer("stdio_server"), url, free_port(), scene.fresh(".peer"))


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/mcp"
