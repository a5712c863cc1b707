"""Signals that wake a selector: those that say stop, and that a child has ended."""

import selectors
import signal
import socket
from types import TracebackType

_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Waking:
    """Within the block, `asked` is set by a signal that says stop."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.asked = False
        self._selector = selector
        self._wakes, self._woken = socket.socketpair()
        for sock in (self._wakes, self._woken):
            sock.setblocking(False)

    def __enter__(self) -> "Waking":
        self._before = {number: signal.signal(number, self._heed) for number in (*_STOPS, signal.SIGCHLD)}
        self._fd = signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakes, selectors.EVENT_READ, lambda: self._wakes.recv(4096))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._fd)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.unregister(self._wakes)
        self._wakes.close()
        self._woken.close()

    def _heed(self, number: int, frame: object) -> None:
        self.asked = self.asked or number in _STOPS
