"""Files that people write, read as text: policies, options."""

from interpose.core.errors import UsageError


class TextFault(Exception):
    """A file that is no text of ours: `problem` in words, and where it begins, when it begins somewhere."""

    def __init__(self, problem: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


def read_text(path: str, most: int, nothing: str) -> str:
    """What a file holds. `nothing` says that no file of its kind is longer than `most` bytes.

    Raises: TextFault for its contents, UsageError for a file that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if len(raw) > most:
        raise TextFault(f"longer than {most >> 20} MB: {nothing}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        raise TextFault("no UTF-8; save the file as UTF-8", line, column) from None
