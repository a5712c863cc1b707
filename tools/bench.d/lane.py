"""A way with its client: opened once for a load, then called in turns, one by one or at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from given import Given
from http_client import HttpClient
from http_crowd import Crowd
from process import BenchError, Running
from stdio_client import StdioClient
from way import HttpWay, Role, StdioWay


class Lane(Protocol):
    """Ready to be called. `between` is the process that stands between, if one does."""

    name: str
    role: Role
    between: Running | None

    @property
    def made(self) -> int:
        """How many calls were made so far."""

    def one_by_one(self, count: int, size: int, apart: float = 0.0) -> list[int]:
        """Nanoseconds of each call, one in flight: so many seconds apart, or as soon as the last is answered."""

    def at_once(self, count: int, size: int, depth: int) -> tuple[float, int]:
        """Seconds for about so many calls, so many in flight, and how many they were."""


@dataclass
class StdioLane:
    """One session on standard streams."""

    name: str
    role: Role
    between: Running | None
    client: StdioClient

    @property
    def made(self) -> int:
        return self.client.made

    def one_by_one(self, count: int, size: int, apart: float = 0.0) -> list[int]:
        return self.client.one_by_one(self.client.calls(count, size), apart)

    def at_once(self, count: int, size: int, depth: int) -> tuple[float, int]:
        return self.client.at_once(self.client.calls(count, size), depth), count


@dataclass
class HttpLane:
    """One session for single calls, and as many further ones as clients are to call at once."""

    name: str
    role: Role
    between: Running | None
    clients: list[HttpClient]
    stateless: bool
    port: int
    path: str = "/mcp"

    @property
    def made(self) -> int:
        return sum(client.made for client in self.clients)

    def one_by_one(self, count: int, size: int, apart: float = 0.0) -> list[int]:
        (client,) = self._first(1)
        client.connect()
        try:
            client.one_by_one(client.calls(1, size))
            return client.one_by_one(client.calls(count, size), apart)
        finally:
            client.close()

    def at_once(self, count: int, size: int, depth: int) -> tuple[float, int]:
        clients = self._first(depth)
        try:
            return Crowd(clients).at_once(count, size)
        finally:
            for client in clients:
                client.close()

    def notified(self, count: int) -> tuple[float, int]:
        """Seconds for an answer after so many notifications, and how many of them came."""
        (client,) = self._first(1)
        client.connect()
        try:
            return client.notified(count)
        finally:
            client.close()

    def open_further(self, count: int, size: int) -> None:
        """That many sessions more, each with a call."""
        for client in self._first(len(self.clients) + count)[-count:]:
            client.connect()
            client.one_by_one(client.calls(1, size))
            client.close()

    def _first(self, count: int) -> Sequence[HttpClient]:
        while len(self.clients) < count:
            client = HttpClient(self.port, self.path, self.stateless)
            client.open()
            client.close()
            self.clients.append(client)
        return self.clients[:count]


def stdio_lanes(ways: list[StdioWay], given: Given) -> tuple[list[StdioLane], list[str]]:
    """A session on each way, and why those peers are left out that have none."""
    opened, left_out = [], []
    for way in ways:
        try:
            opened.append(_stdio(way, given))
        except BenchError as error:
            _excused(way.role, way.name, error, left_out)
    return opened, left_out


def http_lanes(
    ways: list[HttpWay], given: Given, port: int, stateless: bool = False
) -> tuple[list[HttpLane], list[str]]:
    """A session on each way to the server on a port, and why those peers are left out that have none."""
    opened, left_out = [], []
    for way in ways:
        try:
            opened.append(_http(way, given, port, stateless))
        except BenchError as error:
            _excused(way.role, way.name, error, left_out)
    return opened, left_out


def _stdio(way: StdioWay, given: Given) -> StdioLane:
    process = given.scene.start(way.command(given.scene))
    client = StdioClient(process)
    client.open()
    lane = StdioLane(way.name, way.role, None if way.role == "direct" else process, client)
    lane.one_by_one(1, given.size)
    return lane


def _http(way: HttpWay, given: Given, port: int, stateless: bool) -> HttpLane:
    endpoint = way.open(given.scene, port)
    lane = HttpLane(way.name, way.role, endpoint.between, [], stateless, endpoint.port, endpoint.path)
    lane.one_by_one(1, given.size)
    return lane


def _excused(role: Role, name: str, error: BenchError, left_out: list[str]) -> None:
    """Keep a peer's reason.

    Raises: BenchError when it is no peer.
    """
    if role != "peer":
        raise BenchError(f"{name}: {error}") from None
    left_out.append(f"{name}: {error}")
