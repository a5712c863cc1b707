"""Which lines somebody wants to see."""

import re

from interpose.core.events import End
from interpose.core.formats.line import Line


class Choice:
    """By method (a glob), by sender, and by whether something went wrong. Everything given must hold."""

    def __init__(self, method: str | None = None, end: End | None = None, errors: bool = False) -> None:
        self._method = None if method is None else re.compile(_pattern(method))
        self._end = end
        self._errors = errors

    def wants(self, line: Line) -> bool:
        if self._method is not None and not self._method.fullmatch(line.method or ""):
            return False
        if self._end is not None and line.end != self._end:
            return False
        return not self._errors or line.failed or line.context


def _pattern(glob: str) -> str:
    """`*` for any characters, `?` for one."""
    return re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")
