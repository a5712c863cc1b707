"""Mistakes that people make and can mend. Faults of traffic are values, never exceptions."""


class InterposeError(Exception):
    """What is wrong, where, and what to do. `exit_code` is the command line's (docs: exit codes)."""

    exit_code = 2


class RecordingError(InterposeError):
    """A recording that cannot be read or written."""

    def __init__(self, path: str, line: int | None, problem: str) -> None:
        self.path, self.line, self.problem = path, line, problem
        super().__init__(f"{path}{f', line {line}' if line else ''}: {problem}")


class UsageError(InterposeError):
    """The command line asks for something that cannot be."""


class EndError(InterposeError):
    """An end could not be reached or started, or it failed."""

    exit_code = 3
