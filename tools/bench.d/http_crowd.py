"""Many HTTP clients at once, each with its own session and its own connection, in one thread."""

import selectors
import time
from collections.abc import Iterator
from dataclasses import dataclass

from http_client import ANSWERS_WITHIN, HttpClient, answer_in
from process import BenchError
from verify import check

_WARMING = 1


@dataclass
class _Turn:
    """What one client still has to send, and what came back."""

    client: HttpClient
    requests: Iterator[bytes]
    answers: list[tuple[bytes, bytes]]


class Crowd:
    """Clients that call as fast as they are answered, each with one call in flight."""

    def __init__(self, clients: list[HttpClient]) -> None:
        self._clients = clients

    def at_once(self, count: int, size: int) -> tuple[float, int]:
        """Seconds for that many calls, shared out evenly, and how many they were."""
        each = max(1, count // len(self._clients))
        for client in self._clients:
            client.connect()
        self._timed(_WARMING, size)
        return self._timed(each, size), each * len(self._clients)

    def _timed(self, each: int, size: int) -> float:
        calls = [client.calls(each, size) for client in self._clients]
        turns = [
            _Turn(client, iter([client.posted(call) for call in own]), [])
            for client, own in zip(self._clients, calls, strict=True)
        ]
        taken = _carry_out(turns, each * len(turns))
        for own, turn in zip(calls, turns, strict=True):
            for call, (head, body) in zip(own, turn.answers, strict=True):
                check(call, answer_in(head, body))
        return taken


def _carry_out(turns: list[_Turn], count: int) -> float:
    """Seconds from the first call to the last answer."""
    answered = 0
    with selectors.DefaultSelector() as selector:
        for turn in turns:
            assert turn.client.socket is not None
            selector.register(turn.client.socket, selectors.EVENT_READ, turn)
        start = time.perf_counter()
        for turn in turns:
            _send(turn)
        while answered < count:
            ready = selector.select(ANSWERS_WITHIN)
            if not ready:
                raise BenchError("no answer came")
            for key, _ in ready:
                turn = key.data
                if found := turn.client.framer.feed(turn.client.received()):
                    turn.answers += found
                    answered += 1
                    _send(turn)
        return time.perf_counter() - start


def _send(turn: _Turn) -> None:
    request = next(turn.requests, None)
    if request is not None:
        assert turn.client.socket is not None
        turn.client.socket.sendall(request)
