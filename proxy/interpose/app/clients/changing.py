"""What wrapping and unwrapping would make of a file: the new text, and what to say about it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff

from interpose.app.clients import keeping
from interpose.app.clients.files import Source
from interpose.core.formats.excerpt import said
from interpose.core.wiring.command_line import Settings
from interpose.core.wiring.document import Document, parse, read
from interpose.core.wiring.edit import Edit, applied
from interpose.core.wiring.layout import Entry
from interpose.core.wiring.masking import masked
from interpose.core.wiring.place import ConfigError
from interpose.core.wiring.server import Remote, edited, server, unwrappable
from interpose.core.wiring.unwrapping import unwrapped, why_not
from interpose.core.wiring.wrapping import RefusedError, wrap

_CONTEXT = 3
_EXPOSED = "its headers are on a command line now, which others on this machine can read"
_UNSEEN = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), 0x2066, 0x2067), "\ufffd")


@dataclass(frozen=True, slots=True)
class Change:
    """A new text for a file, and `before`: the file without any interpose, to keep; None keeps nothing.

    `done` are the servers it is about, `left` those that stay as they are with the reason, `notes` what else to know.
    """

    source: Source
    text: str
    before: bytes | None
    done: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def raw(self) -> bytes:
        return self.text.encode()

    @property
    def is_none(self) -> bool:
        return self.raw == self.source.raw

    def difference(self) -> Iterator[str]:
        """A unified diff for people: what the environment and headers hold does not show."""
        old, new = self.source.document, parse(self.text, self.source.document.is_toml)
        path = self.source.file.path
        for line in unified_diff(_lines(masked(old)), _lines(masked(new)), path, path, n=_CONTEXT):
            yield line.translate(_UNSEEN)


Make = Callable[[Source], Change]


def wrapping(source: Source, settings: Settings, names: Collection[str]) -> Change:
    """Interpose in front of the named servers, or all."""
    edits: list[Edit] = []
    done, left, notes = [], [], []
    for entry in _chosen(source, names):
        try:
            made = wrap(source.document, entry, source.layout, settings)
        except RefusedError as error:
            left.append(f"{_said(source, entry)}: {error}")
            continue
        edits += made
        done += [entry.name] if made else []
        notes += [f"{_said(source, entry)}: {_EXPOSED}"] if made and _has_headers(entry) else []
    text = applied(source.document.text, edits)
    return Change(source, text, _without(source), tuple(done), tuple(left), tuple(notes))


def unwrapping(source: Source, names: Collection[str]) -> Change:
    """The named servers, or all, without interpose."""
    left, paths, done = [], [], []
    for entry in _chosen(source, names):
        if reason := why_not(entry):
            left.append(
                f"{_said(source, entry)}: {reason}; left as it is. How it was: {keeping.kept(source.file.path)}"
            )
        elif unwrappable(server(entry)):
            paths.append(entry.path)
            done.append(entry.name)
    text = unwrapped(source.document, _before(source), source.layout, paths)
    return Change(source, text, None, tuple(done), tuple(left))


def holds_wrapped(source: Source) -> bool:
    """Whether anything in a file is wrapped, or was and was edited since."""
    return any(unwrappable(server(entry)) or edited(server(entry)) for entry in source.entries)


def _has_headers(entry: Entry) -> bool:
    found = server(entry)
    return isinstance(found, Remote) and found.headers is not None


def _chosen(source: Source, names: Collection[str]) -> Iterable[Entry]:
    return [entry for entry in source.entries if not names or entry.name in names]


def _said(source: Source, entry: Entry) -> str:
    return f"{source.file.path}: {said(entry.name, 60)}"


def _before(source: Source) -> Document | None:
    """The file as it was. One that can no longer be read is as good as none."""
    raw = keeping.before(source.file.path)
    try:
        return read(raw, source.file.path) if raw is not None else None
    except ConfigError:
        return None


def _without(source: Source) -> bytes | None:
    """What to keep: the file without interpose. Where somebody edited a wrapping, what was kept is worth more."""
    found = [(entry.path, server(entry)) for entry in source.entries]
    if any(edited(each) for _, each in found) and _before(source) is not None:
        return None
    paths = [path for path, each in found if unwrappable(each)]
    return unwrapped(source.document, _before(source), source.layout, paths).encode()


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines
