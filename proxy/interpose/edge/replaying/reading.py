"""Recordings as scripts. One that is damaged is refused: half a session would make half a test."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from interpose.core.errors import RecordingError
from interpose.core.events import End
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header
from interpose.core.replay.normal import Normal
from interpose.core.replay.options import Options
from interpose.core.replay.script import Script
from interpose.core.replay.threads import build
from interpose.edge.stores.jsonl import RecordingReader


class Recorded(msgspec.Struct, frozen=True):
    """A recording that can be played: its file, its first line, its script and the options it is played with.

    The script reads from the file as long as it is played; `close` it then.
    """

    path: str
    header: Header
    script: Script
    options: Options
    lines: "Lines"

    def close(self) -> None:
        self.lines.close()


def read_script(path: str, end: End, options: Options, *, damaged: bool = False) -> Recorded:
    """The script for one end of a recording. Raises: RecordingError; with `damaged`, only where nothing can be read."""
    lines = Lines(path)
    try:
        return _read(path, end, options, lines, damaged)
    except BaseException:
        lines.close()
        raise


def _read(path: str, end: End, options: Options, lines: "Lines", damaged: bool) -> Recorded:
    with RecordingReader(path) as reader:
        script = build(_sound(reader, damaged), Normal(options), end, lines.at, options.free)
        if reader.problems and not damaged:
            raise RecordingError(path, None, f"{reader.problems[0]}; --damaged plays what can be read")
    if not any(script.own(row) for row in range(len(script))):
        raise RecordingError(path, None, f"there is nothing to play: no message for the {_other(end)} is in it")
    return Recorded(path, reader.header, script, options, lines)


def _sound(reader: RecordingReader, damaged: bool) -> Iterator[tuple[int, Entry]]:
    """The entries with their offsets, up to the first damage."""
    for located in reader.located():
        if reader.problems and not damaged:
            return
        yield located


def _other(end: End) -> End:
    return "server" if end == "client" else "client"


class Lines:
    """A recording's lines, each by its offset; the file is opened once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def at(self, offset: int) -> Entry:
        """The entry of the line that starts there. Raises: RecordingError when the file is gone or changed."""
        try:
            if self._file is None:
                self._file = open(self._path, "rb")  # noqa: SIM115 - read from as long as the script lives
            self._file.seek(offset)
            return decode_entry(self._file.readline())
        except (OSError, ValueError) as error:
            raise RecordingError(self._path, None, f"changed while it was played ({error})") from None
