"""A client on the standard streams of a process: sends what was made beforehand, and reads as fast as a pipe can."""

import os
import select
import time
from collections.abc import Sequence

import message
from process import BenchError, Running, paced
from verify import check, check_all

_STEP = 1 << 18
ANSWERS_WITHIN = 60.0


class StdioClient:
    """One session. Several calls in flight follow each other on one pipe."""

    def __init__(self, process: Running) -> None:
        self._process = process
        self._into, self._out_of = process.stdin, process.stdout
        self._rest = b""
        self.made = 0

    def open(self) -> None:
        """Initialize the session."""
        self._write(message.INITIALIZE + b"\n")
        self._answer()
        self._write(message.INITIALIZED + b"\n")

    def calls(self, count: int, size: int) -> list[bytes]:
        """So many calls, made but not sent; no two of a session have the same id."""
        first, self.made = self.made, self.made + count
        return [message.call(number, size) for number in range(first, first + count)]

    def one_by_one(self, calls: Sequence[bytes], apart: float = 0.0) -> list[int]:
        """Nanoseconds from each call to its answer, one in flight; each begins so many seconds after the last."""
        taken, answers, clock = [], [], time.perf_counter_ns
        for line in paced([call + b"\n" for call in calls], apart):
            start = clock()
            self._write(line)
            answer = self._answer()
            taken.append(clock() - start)
            answers.append(answer)
        for call, answer in zip(calls, answers, strict=True):
            check(call, answer)
        return taken

    def at_once(self, calls: list[bytes], depth: int) -> float:
        """Seconds for all calls, so many in flight: written without waiting, so that the pipes stay busy."""
        lines = [call + b"\n" for call in calls]
        os.set_blocking(self._into, False)
        start = time.perf_counter()
        try:
            chunks = self._stream(lines, depth)
        finally:
            os.set_blocking(self._into, True)
        taken = time.perf_counter() - start
        check_all(calls, b"".join(chunks).splitlines())
        return taken

    def in_batches(self, calls: list[bytes], batch: int) -> None:
        """Send so many with one write, then wait for all their answers: the same work for whoever is between."""
        for at in range(0, len(calls), batch):
            part = calls[at : at + batch]
            self._write(b"".join(call + b"\n" for call in part))
            check_all(part, [self._answer() for _ in part])

    def _stream(self, lines: list[bytes], depth: int) -> list[bytes]:
        """Never blocks in a write: whoever is full may wait for us to read."""
        chunks: list[bytes] = []
        sent, answered, out = 0, 0, memoryview(b"")
        while answered < len(lines):
            more = lines[sent : answered + depth]
            sent += len(more)
            if more:
                out = memoryview(b"".join((out, *more)))
            if out:
                out = out[self._write_some(out) :]
            if not out or self._readable(out):
                chunks.append(self._read())
                answered += chunks[-1].count(b"\n")
        return chunks

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._into, data)
        except BlockingIOError:
            return 0

    def _readable(self, out: memoryview) -> bool:
        ready, writable, _ = select.select([self._out_of], [self._into] if out else [], [], ANSWERS_WITHIN)
        if not ready and not writable:
            raise BenchError("no answer came")
        return bool(ready)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._into, view) :]
        except BrokenPipeError:
            raise BenchError(f"the server side ended: {self._process.last_words()}") from None

    def _read(self) -> bytes:
        ready, _, _ = select.select([self._out_of], [], [], ANSWERS_WITHIN)
        if not ready:
            raise BenchError("no answer came")
        chunk = os.read(self._out_of, _STEP)
        if not chunk:
            raise BenchError(f"the server side ended: {self._process.last_words()}")
        return chunk

    def _answer(self) -> bytes:
        """The next line; only an answer, since nothing but answers is asked for."""
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            parts.append(self._read())
        answer, _, self._rest = b"".join(parts).partition(b"\n")
        return answer
