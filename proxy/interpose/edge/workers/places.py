"""Who answers what: the parent's table of keys, clients and loads. No sockets here."""

from collections.abc import Iterable

_MOST = 1 << 16  # keys, and clients, that are remembered
_SLACK = 8  # connections more than others that a worker gets for the sake of keeping a client together


class Places:
    """Workers by number. A worker's load is how many connections it has; of two that have as many, the one that was
    chosen less often has less to do: its sessions may be between two connections."""

    def __init__(self) -> None:
        self._loads: dict[int, int] = {}
        self._chosen: dict[int, int] = {}
        self._by_key: dict[bytes, int] = {}  # the longest unused first
        self._by_client: dict[bytes, int] = {}

    def join(self, worker: int) -> None:
        self._loads[worker] = self._chosen[worker] = 0

    def quit(self, worker: int) -> None:
        """What it had is nobody's."""
        self._loads.pop(worker, None)
        self._chosen.pop(worker, None)
        for table in (self._by_key, self._by_client):
            for key in [key for key, owner in table.items() if owner == worker]:
                del table[key]

    @property
    def workers(self) -> Iterable[int]:
        return self._loads.keys()

    def own(self, key: bytes, worker: int) -> None:
        """A key is this worker's."""
        _remember(self._by_key, key, worker)

    def left(self, worker: int) -> None:
        """A connection has ended."""
        if worker in self._loads:
            self._loads[worker] -= 1

    def place(self, key: bytes | None, client: bytes, *, opens: bool) -> int:
        """Give a connection to whoever has its key, else to whoever has its client, else to whoever has least to do.

        `client` says who it seems to be. What may open a session goes to whoever has least to do. There are workers.
        """
        worker = self._by_key.get(key) if key is not None else None
        if worker is None:
            worker = self._choose(client, opens or key is not None)
        if key is not None:
            self.own(key, worker)
        self._loads[worker] += 1
        return worker

    def _choose(self, client: bytes, anew: bool) -> int:
        least = min(self._loads, key=lambda worker: (self._loads[worker], self._chosen[worker]))
        known = None if anew else self._by_client.get(client)
        worker = known if known is not None and self._loads[known] <= self._loads[least] + _SLACK else least
        self._chosen[worker] += 1
        _remember(self._by_client, client, worker)
        return worker


def _remember(table: dict[bytes, int], key: bytes, worker: int) -> None:
    table.pop(key, None)
    table[key] = worker
    if len(table) > _MOST:
        del table[next(iter(table))]
