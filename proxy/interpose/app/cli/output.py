"""Standard output of commands that tell of recordings, and the time of day there."""

import os
import shutil
import sys
from collections.abc import Iterable
from datetime import datetime

from interpose.core.formats import paint
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Row

_PLAIN_WIDTH = 160


class Output:
    """Standard output: how wide it is, whether it takes colours, which characters it knows, and its last rows."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self._colours = self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._ascii = not (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")
        self._footer: list[Row] = []  # at the bottom, replaced by what comes next

    @property
    def width(self) -> int:
        return shutil.get_terminal_size().columns if self.is_terminal else _PLAIN_WIDTH

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._footer:
                self.footer([])
            self._write(self._line(row) + "\n")

    def footer(self, rows: list[Row]) -> None:
        """Replace the footer: the cursor stays at the end of its last row."""
        if rows == self._footer:
            return
        above = len(self._footer) - 1
        erase = ("\r" + (f"\x1b[{above}A" if above > 0 else "") + "\x1b[J") if self._footer else ""
        self._write(erase + "\n".join(map(self._line, rows)))
        self._footer = rows

    def flush(self) -> None:
        sys.stdout.buffer.flush()

    def abandon(self) -> None:
        """Whoever read has gone (`| head`): what is still buffered goes nowhere, also when the interpreter ends."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _line(self, row: Row) -> str:
        if row and row[0][0] == JSON:
            return paint.plain(row)
        text = paint.coloured(row) if self._colours else paint.plain(row)
        return paint.ascii_only(text) if self._ascii else text

    def _write(self, text: str) -> None:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))


def started(text: str) -> tuple[float | None, str]:
    """When a recording began: in seconds since midnight here, and in words."""
    try:
        local = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None, text
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (local - midnight).total_seconds(), local.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
