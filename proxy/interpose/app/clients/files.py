"""Configuration files that are there: found by a client's name or by a path, and read."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interpose.app.clients.places import CLIENTS, Client, Machine, Scope, owner
from interpose.core.errors import UsageError
from interpose.core.policy.suggestion import suggestion
from interpose.core.wiring.command_line import first
from interpose.core.wiring.document import Document, read
from interpose.core.wiring.layout import Entry, Layout, entries, layout_of
from interpose.core.wiring.place import ConfigError


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file: whose it is, as far as that is known, and for whom it counts."""

    path: str
    client: Client | None
    scope: Scope | None


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration file that was read. `raw` is all of it."""

    file: File
    raw: bytes
    document: Document
    layout: Layout

    @property
    def entries(self) -> list[Entry]:
        return entries(self.document, self.layout)


def this_machine() -> Machine:
    return Machine(sys.platform, str(Path.home()), os.environ, os.getcwd())


def files_of(machine: Machine, client: Client, scope: Scope | None = None) -> Iterator[File]:
    """The files of a client that are there, each once."""
    seen: set[str] = set()
    for its_scope, paths in client.files(machine).items():
        for path in map(str, paths) if scope in (None, its_scope) else ():
            if os.path.isfile(path) and os.path.realpath(path) not in seen:
                seen.add(os.path.realpath(path))
                yield File(path, client, its_scope)


def found(machine: Machine, target: str, scope: Scope | None, program: Sequence[str]) -> list[File]:
    """The files that a client's name or a path means. Raises: UsageError that says what to do by hand."""
    if target in CLIENTS:
        client = CLIENTS[target]
        files = list(files_of(machine, client, scope))
        if not files:
            places = [
                str(path) for its, paths in client.files(machine).items() if scope in (None, its) for path in paths
            ]
            raise UsageError(f"{client.title} has no configuration here; looked for {', '.join(places) or 'none'}")
        return files
    if os.path.isfile(target):
        return [File(os.path.abspath(target), owner(os.path.abspath(target)), None)]
    guess = suggestion(target, CLIENTS).replace("_", "-")
    words = json.dumps([*first(program[1:], [("--name", "NAME")]), "--", "COMMAND", "ARGUMENT"])
    raise UsageError(
        f"`{target}` is no file, and none of the clients known: {', '.join(CLIENTS)}{guess}\n"
        f"  any other client: give its file, or write this for a server by hand:\n"
        f'  "command": {json.dumps(program[0])}, "args": {words}'
    )


def opened(file: File) -> Source:
    """The file as it is now. Raises: ConfigError with the place of what is wrong."""
    raw = contents(file.path)
    document = read(raw, file.path)
    layout = file.client.layout if file.client is not None else layout_of(document)[1]
    return Source(file, raw, document, layout)


def contents(path: str) -> bytes:
    """Raises: ConfigError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(path, f"cannot be read ({error.strerror})") from None
