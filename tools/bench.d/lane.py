"""What is compared: lanes (a transport and how it answers), and on each the ways between a client and its server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from load import HttpLoad, Load, StdioLoad
from process import INTERPOSE, Running, peer

DIRECT, PUMP, PLAIN, RECORDING, RULED = "no proxy", "byte pump", "interpose", "recording", "50 rules"
WAYS = (DIRECT, PUMP, PLAIN, RECORDING, RULED)


@dataclass(frozen=True)
class Way:
    """One way to the server: a client, and the process that stands between, if one does."""

    name: str
    load: Load
    between: Running | None


@dataclass(frozen=True)
class Lane:
    """All ways over one transport, in the order in which they take turns."""

    name: str
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Site:
    """Where a bench runs: who ends its processes, its scratch folder, the size of its messages."""

    stack: ExitStack
    folder: Path
    size: int

    def start(self, command: list[str]) -> Running:
        return self.stack.enter_context(Running(command, self.folder / "stderr.log"))

    def record(self, lane: str) -> list[str]:
        """The option that makes interpose record into a folder of this lane."""
        return ["--record", f"{self.folder / 'recordings' / lane}/"]

    def govern(self, lane: str) -> list[str]:
        """The options that also put 50 rules in force: of every usual kind, none of which decides about this load."""
        path = self.folder / "rules.toml"
        path.write_text("\n".join(_rule(number) for number in range(50)))
        return [*self.record(f"{lane}-ruled"), "--policy", str(path)]


_KINDS = (
    'ask = "sampling"\ndo = "block"',
    'ask = "elicitation"\nmode_is = "url"\nunless_host = "accounts.example.com"\ndo = "block"',
    'ask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 300',
    'tool = "delete_{number}_*"\ndo = "block"',
    'do = "hide"\ntool = "admin_{number}"',
    'method = "resources/*"\ngiven = {{path = "$.uri", matches = "^file:///etc/{number}"}}\ndo = "block"',
    'tool = "read_{number}"\ngiven = {{path = "$.arguments.path", inside = "/srv/{number}"}}\ndo = "note"',
    'method = "tools/call"\ngiven = {{path = "$.arguments.secret{number}", exists = true}}\ndo = "block"',
    'ask = "roots"\ndo = "limit"\ncount = 3\nper = "session"',
    'kind = "error"\nmethod = "tools/call"\ndo = "note"',
)


def _rule(number: int) -> str:
    kind = _KINDS[number % len(_KINDS)].format(number=number)
    return f'[[rule]]\nname = "r{number}"\n{kind}\n'


def lanes(site: Site, only: str | None) -> list[Lane]:
    """Start everything that is asked for: `stdio`, `http`, or both."""
    build: dict[str, Callable[[Site], Iterator[Lane]]] = {"stdio": _stdio, "http": _http}
    return [lane for name, found in build.items() if only in (None, name) for lane in found(site)]


def stdio_commands(site: Site) -> dict[str, list[str]]:
    """The command a stdio client starts, by way."""
    server = peer("stdio_server", site.size)
    return {
        DIRECT: server,
        PUMP: [*peer("stdio_pump"), *server],
        PLAIN: [*INTERPOSE, "--", *server],
        RECORDING: [*INTERPOSE, *site.record("stdio"), "--", *server],
        RULED: [*INTERPOSE, *site.govern("stdio"), "--", *server],
    }


def _stdio(site: Site) -> Iterator[Lane]:
    ways = []
    for name, command in stdio_commands(site).items():
        process = site.start(command)
        load = StdioLoad(process, site.size)
        load.open()
        ways.append(Way(name, load, None if name == DIRECT else process))
    yield Lane("stdio", tuple(ways))


def _http(site: Site) -> Iterator[Lane]:
    for kind in ("json", "sse"):
        port = site.start(peer("http_server", site.size, kind)).printed_port()
        pump = site.start(peer("http_pump", port))
        yield Lane(
            f"http-{kind}",
            (
                Way(DIRECT, HttpLoad(port, site.size), None),
                Way(PUMP, HttpLoad(pump.printed_port(), site.size), pump),
                _interposed(site, PLAIN, port, []),
                _interposed(site, RECORDING, port, site.record(kind)),
                _interposed(site, RULED, port, site.govern(kind)),
            ),
        )


def _interposed(site: Site, name: str, port: int, record: list[str]) -> Way:
    upstream = ["--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{port}/mcp"]
    process = Running([*INTERPOSE, *record, *upstream], site.folder / f"{name}-{port}.log")
    site.stack.enter_context(process)
    return Way(name, HttpLoad(process.announced_port(), site.size), process)
