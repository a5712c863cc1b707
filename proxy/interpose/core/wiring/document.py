"""A configuration file that was read: its text, the values in it, and what strict JSON would not allow."""

from dataclasses import dataclass

from interpose.core.wiring import jsonc, toml
from interpose.core.wiring.node import Node
from interpose.core.wiring.place import ConfigError, MalformedError, line_and_column

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its values. `comments` and `commas` (the last of a list) are places in JSON alone."""

    text: str
    root: Node
    is_toml: bool
    comments: tuple[int, ...] = ()
    commas: tuple[int, ...] = ()


def read(raw: bytes, path: str) -> Document:
    """The file as it is, TOML by its name and JSON else. Raises: ConfigError with line and column."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line, column = line_and_column(raw[: error.start].decode(), error.start)
        problem = f"{_MARKS.get(raw[:2], 'no UTF-8')}; save the file as UTF-8"
        raise ConfigError(path, problem, line, column) from None
    try:
        return parse(text, path.lower().endswith(".toml"))
    except MalformedError as error:
        raise ConfigError(path, error.problem, *line_and_column(text, error.offset)) from None


def parse(text: str, is_toml: bool) -> Document:
    """Raises: MalformedError."""
    if is_toml:
        return Document(text, toml.Reader(text).document(), True)
    reader = jsonc.Reader(text)
    root = reader.document()
    if root.members is None:
        raise MalformedError(root.start, "a configuration is an object: it begins with `{`")
    return Document(text, root, False, tuple(reader.comments), tuple(reader.commas))
