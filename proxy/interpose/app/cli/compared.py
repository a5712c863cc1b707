"""A recording as one side of a comparison: read whole, or refused with its file and line."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interpose.core.errors import RecordingError
from interpose.core.recording.entry import Entry
from interpose.core.replay.comparison import Side
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.story import build
from interpose.edge.stores.jsonl import RecordingReader

_CHANGED = "changed after it was recorded"
_PLACED = re.compile(r"line (\d+): (.*)", re.DOTALL)


@contextmanager
def side(
    path: str,
    options: Options,
    *,
    partial: bool = False,
    reader_of: Callable[[str], RecordingReader] = RecordingReader,
) -> Iterator[tuple[Side, list[str]]]:
    """One recording, and what is to be said of its state; with `partial` also one that is not whole.

    Raises: RecordingError.
    """
    with reader_of(path) as reader:
        normal = Normal(options)
        counted = _Counted(reader)
        story = build(counted, normal, options.free)
        lasting = [problem for problem in reader.problems if _CHANGED not in problem]
        if lasting and not partial:
            match = _PLACED.fullmatch(lasting[0])
            line, problem = (int(match[1]), match[2]) if match else (counted.lines, lasting[0])
            raise RecordingError(path, line, f"{problem}; --partial takes what is there")
        yield Side(story, reader.at, normal), [f"{path}: {problem}" for problem in reader.problems]


class _Counted:
    """The entries of a recording, each with its offset; and the number of the last line that was read."""

    def __init__(self, reader: RecordingReader) -> None:
        self._reader = reader
        self.lines = 1

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        for located in self._reader.located():
            self.lines += 1
            yield located
