"""Where in a file something is wrong."""

from interpose.core.errors import InterposeError


class MalformedError(Exception):
    """A text that is not what it should be, from an offset on."""

    def __init__(self, offset: int, problem: str) -> None:
        self.offset, self.problem = offset, problem
        super().__init__(problem)


class ConfigError(InterposeError):
    """A configuration file that cannot be read or written."""

    def __init__(self, path: str, problem: str, line: int | None = None, column: int | None = None) -> None:
        self.path, self.problem, self.line, self.column = path, problem, line, column
        place = f":{line}:{column}" if line is not None else ""
        super().__init__(f"{path}{place}: {problem}")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both from 1, in characters; a byte order mark is none."""
    begin = text.rfind("\n", 0, offset) + 1
    mark = 1 if begin == 0 and text.startswith("\ufeff") else 0
    return text.count("\n", 0, offset) + 1, max(offset - begin - mark, 0) + 1
