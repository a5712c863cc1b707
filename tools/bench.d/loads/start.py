"""Start-up: from starting a command to the first byte that reaches the server, and to the first answer through it."""

import os
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass

from given import Given
from http_client import HttpClient
from process import PEER
from scene import Scene
from sheet import Column, Row, Sheet
from stdio_client import StdioClient
from turns import Figures, take_turns
from way import DIRECT, PUMP, RELAY, HttpWay, Role, StdioWay, http_ways, stdio_ways

FIRST_BYTE = "BENCH_FIRST_BYTE"  # names a file in which the stdio server says when it read its first byte
BARE = "python -c pass"
_COLUMNS = (
    Column("byte_ms", "first byte", "at the server, ms"),
    Column("byte_in_bare", "over byte pump, in", "bare Python starts", 2),
    Column("ms", "first answer", "ms"),
    Column("over_direct", "over no proxy", "ms"),
    Column("over_pump", "over byte pump", "ms"),
    Column("in_bare", "over byte pump, in", "bare Python starts", 2),
)


@dataclass(frozen=True)
class _Bare:
    name: str = BARE
    role: Role = "floor"


def start(given: Given) -> Sheet:
    """Standard streams first, then HTTP: `python -c pass` is the measure of both."""
    over_http = [_HttpStart(way) for way in http_ways(given.peers)]
    ways = [_Bare(), *stdio_ways(given.peers), *over_http]
    turns = take_turns(ways, lambda way: _turn(way, given), given.plan, warm=False)
    rows = []
    for way in turns.ways:
        figures = {"ms": turns.median(way.name, "ms")}
        direct, pump = (DIRECT, PUMP) if isinstance(way, StdioWay) else (_over_http(DIRECT), _over_http(PUMP))
        if way.name not in (BARE, direct):
            figures["over_direct"] = turns.added(way.name, "ms", direct)
        if way.role in ("own", "peer") or way.name == _over_http(RELAY):
            figures["over_pump"] = turns.added(way.name, "ms", pump)
            figures["in_bare"] = figures["over_pump"] / turns.median(BARE, "ms")
        if isinstance(way, StdioWay) and turns.has(way.name, "byte_ms"):
            figures["byte_ms"] = turns.median(way.name, "byte_ms")
            if way.name not in (direct, pump):
                figures["byte_in_bare"] = turns.added(way.name, "byte_ms", pump) / turns.median(BARE, "ms")
        rows.append(Row(way.name, way.role, figures))
    title = "start-up: from the command to the answer to `initialize` through it; over HTTP, of the proxy alone"
    return Sheet("start", title, _COLUMNS, rows, turns.left_out)


class _HttpStart:
    """An HTTP way under a name of its own, since standard streams have ways of the same names."""

    def __init__(self, way: HttpWay) -> None:
        self.way = way
        self.name, self.role = _over_http(way.name), way.role


def _over_http(name: str) -> str:
    return f"HTTP: {name}"


def _turn(way: _Bare | StdioWay | _HttpStart, given: Given) -> Figures:
    figures: Figures = {}
    with ExitStack() as stack:
        scene = Scene(stack, given.scene.fresh(".start"))
        scene.folder.mkdir()
        match way:
            case _Bare():
                began = time.perf_counter()
                subprocess.run([PEER[0], "-c", "pass"], check=True)
            case StdioWay():
                scene.lend(given.scene)
                command, told = way.command(scene), scene.folder / "first-byte"
                os.environ[FIRST_BYTE] = str(told)  # a proxy that keeps it from its server leaves this figure out
                began = time.perf_counter()
                StdioClient(scene.start(command)).open()
                del os.environ[FIRST_BYTE]
                if told.exists():
                    figures["byte_ms"] = (float(told.read_text()) - began) * 1000
            case _HttpStart():
                port = given.scene.json_port
                began = time.perf_counter()
                endpoint = way.way.open(scene, port)
                client = HttpClient(endpoint.port, endpoint.path)
                client.open()
        taken = time.perf_counter() - began
        if isinstance(way, _HttpStart):
            client.close()
        return {"ms": taken * 1000, **figures}
