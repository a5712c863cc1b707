"""Several processes behind one address, from the first to the last of them."""

from collections.abc import Awaitable, Callable

import anyio

from interpose.edge.transports.listener import Door, cannot_listen
from interpose.edge.workers.arrivals import bound
from interpose.edge.workers.lane import Lane
from interpose.edge.workers.parent import Parent
from interpose.edge.workers.process import Say
from interpose.edge.workers.whose import Whose
from interpose.edge.workers.worker import Worker

Serve = Callable[[Door], Awaitable[None]]
Work = Callable[[Serve], Awaitable[int]]


def run_workers(
    count: int, where: tuple[str, int], whose: Whose, work: Work, ready: Callable[[int], None], say: Say
) -> int:
    """Serve from so many processes until a signal arrives. Returns the exit status. Raises EndError.

    `where` is host and port. Each process runs `work`, which makes a door and serves it by what it is given; its result
    is the exit status of the process. `ready` hears the port once clients may come. The caller must have no threads.
    """
    host, port = where
    try:
        listening = bound(host, port)
    except OSError as error:
        raise cannot_listen(host, port, error) from None

    def begin(lane: Lane) -> int:
        return anyio.run(work, Worker(lane, whose, host).serve)

    return Parent(count, listening, whose, begin, ready, say).run()
