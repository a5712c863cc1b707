"""What is wrong with a configuration on this machine: programs, folders, files and times that do not fit."""

import os
import re
import shutil
from collections.abc import Iterator

from interpose.app.clients.files import Source
from interpose.app.clients.places import Machine
from interpose.app.policies import from_rules, read_all
from interpose.core.errors import InterposeError
from interpose.core.policy.rule import Hold
from interpose.core.wiring.checking import Finding, Level, check
from interpose.core.wiring.command_line import Wrapping, wrapping
from interpose.core.wiring.layout import Entry, Layout
from interpose.core.wiring.server import Launch, server

Said = Iterator[tuple[Level, str]]
_SHORT_PATH = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")  # what a desktop program has on macOS
_SCRIPT = re.compile(r"(?!-)[^=:$]*\.(?:py|js|mjs|cjs|ts|sh|jar)")
_REFERS = re.compile(r"\$\{|\$\w|\{env:")


def findings(source: Source, machine: Machine) -> Iterator[Finding]:
    """All that is wrong or worth knowing, in the order of the file."""
    found = list(check(source.document, source.layout, machine.environment))
    yield from (each for each in found if not each.server)
    for entry in source.entries:
        yield from (each for each in found if each.server == entry.name)
        it = server(entry)
        if isinstance(it, Launch):
            for level, text in _Process(source, entry, it, machine).check():
                yield Finding(entry.name, level, text)


class _Process:
    """One server that is a process, on this machine."""

    def __init__(self, source: Source, entry: Entry, launch: Launch, machine: Machine) -> None:
        self._machine, self._layout, self._entry = machine, source.layout, entry
        self._is_project = source.file.scope == "project" or (
            source.file.scope is None and not source.layout.short_path
        )
        self._wrapping = wrapping(launch.words)
        self._words = launch.words
        variables = entry.table.member("env") or entry.table.member("environment")
        self._variables = {
            each.name: str(each.node.value) for each in (variables.node.members or () if variables is not None else ())
        }
        self._folder = entry.table.text("cwd")

    def check(self) -> Said:
        if self._folder is not None and not _REFERS.search(self._folder) and not os.path.isdir(self._folder):
            yield "wrong", f"`cwd` is no folder: {self._folder}"
        known = self._wrapping
        if known is None:
            yield from self._command(self._words)
            return
        yield from self._program(known.program[0])
        yield from self._options(known)
        for header, variable in known.variables:
            if variable not in self._variables and variable not in self._machine.environment:
                yield "wrong", f"interpose will not start: `{header}` comes from `{variable}`, which is not set"
        if known.upstream is None:
            yield from self._command(self._words[known.inner :])

    def _command(self, words: list[str]) -> Said:
        yield from self._program(words[0])
        for word in words[1:]:
            if _SCRIPT.fullmatch(word):
                yield from self._file(word)

    def _program(self, program: str) -> Said:
        if _REFERS.search(program):
            return
        if "/" in program or "\\" in program:
            yield from self._file(program)
            return
        path = self._variables.get("PATH", self._machine.environment.get("PATH", os.defpath))
        where = shutil.which(program, path=path)
        if where is None:
            yield "wrong", f"`{program}` is not on the PATH; write its full path, or install it"
        elif self._layout.short_path and "PATH" not in self._variables and os.path.dirname(where) not in _SHORT_PATH:
            level: Level = "wrong" if self._machine.platform == "darwin" else "note"
            yield level, f"`{program}` may not be found: programs of the desktop have a short PATH; write {where}"

    def _file(self, path: str) -> Said:
        """A program or script that a path names."""
        if path.startswith("~"):
            yield "wrong", f"`{path}`: nobody replaces the `~`; write the full path"
        elif os.path.isabs(path):
            if not os.path.isfile(path):
                yield "wrong", f"`{path}` is not there"
        elif self._folder is None and not self._is_project:
            yield "wrong", f"`{path}` is relative, and the client starts in a folder of its own; write the full path"
        elif not os.path.isfile(os.path.join(self._folder or self._machine.folder, path)):
            yield "wrong", f"`{path}` is not there"

    def _options(self, known: Wrapping) -> Said:
        values = {option: [value for its, value in known.options if its == option] for option, _ in known.options}
        for folder in values.get("--record", []):
            parent = next(path for path in _upward(folder) if os.path.isdir(path))
            if not os.access(parent, os.W_OK | os.X_OK):
                yield "wrong", f"`--record {folder}`: nothing can be written there"
        try:
            policies = (
                *read_all(values.get("--policy", [])),
                *from_rules([f"hold {each}" for each in values.get("--hold", [])]),
            )
        except InterposeError as error:
            yield "wrong", f"interpose will not start: {error}"
            return
        longest = max((rule.timeout for each in policies for rule in each.rules if isinstance(rule, Hold)), default=0)
        patience = _patience(self._layout, self._entry)
        if patience is not None and longest >= patience:
            yield "wrong", f"a message may be held for {longest:g} s, and the client waits {patience:g} s for an answer"


def _upward(path: str) -> Iterator[str]:
    path = os.path.abspath(path)
    yield path
    while os.path.dirname(path) != path:
        path = os.path.dirname(path)
        yield path


def _patience(layout: Layout, entry: Entry) -> float | None:
    """How many seconds the client waits for an answer; None where that is not known."""
    if layout.timeout is not None:
        name, seconds = layout.timeout
        member = entry.table.member(name)
        if member is not None and isinstance(member.node.value, int | float):
            return member.node.value * seconds
    return layout.patience
