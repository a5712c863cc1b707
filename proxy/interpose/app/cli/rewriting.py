"""Showing changes of configuration files, asking, and making them: what `wrap` and `unwrap` share."""

import sys
from collections.abc import Collection, Iterable, Sequence

import click

from interpose.app import console
from interpose.app.clients import keeping
from interpose.app.clients.changing import Change, Make, holds_wrapped
from interpose.app.clients.files import File, Source, opened
from interpose.core.errors import UsageError
from interpose.core.formats.words import safe
from interpose.core.policy.suggestion import suggestion
from interpose.core.wiring.place import ConfigError

_TRIES = 5


def carry_out(files: Sequence[File], names: Collection[str], make: Make, ask: "Asking") -> int:
    """Change these files. 1 where something was left as it is.

    Raises before anything is written: ConfigError for any of the files, UsageError.
    """
    sources = [opened(file) for file in files]
    _check_names(sources, names)
    changes = [make(source) for source in sources]
    left = False
    for change in changes:
        done = _told(change, ask) if change.is_none or ask.only_shows else _made(change.source.file, make, ask)
        left = left or not done
    return 1 if left else 0


class Asking:
    """How a change is agreed to. `verb` and `past` name it: `wrap`, `wrapped`."""

    def __init__(self, verb: str, past: str, yes: bool, dry_run: bool) -> None:
        self.verb, self.past, self.yes, self.only_shows = verb, past, yes, dry_run

    def agrees(self, change: Change) -> bool:
        """Raises: UsageError where there is nobody to ask."""
        if self.yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError(f"no terminal to ask on, and nothing was written; add --yes to {self.verb} all the same")
        return click.confirm(f"{self.verb.capitalize()} {', '.join(map(safe, change.done))}?", err=True)


def _check_names(sources: Iterable[Source], names: Collection[str]) -> None:
    known = [entry.name for source in sources for entry in source.entries]
    for name in names:
        if name not in known:
            have = ", ".join(map(safe, dict.fromkeys(known))) or "none"
            raise UsageError(f"no server is called `{name}`; there are: {have}{suggestion(name, known)}")


def _made(file: File, make: Make, ask: Asking) -> bool:
    """Make one change, alone with the file. Whether all of it was made."""
    for _ in range(_TRIES):
        with keeping.locked(file.path):
            change = make(opened(file))
            if change.is_none:
                return _told(change, ask)
            click.echo("".join(change.difference()), nl=False)
            if not ask.agrees(change):
                console.say(f"{file.path}: left as it was")
                return False
            try:
                _saved(change)
            except keeping.ChangedError:
                if ask.yes:
                    continue
                raise ConfigError(
                    file.path, "changed while you were asked; nothing was written, run it again"
                ) from None
            return _told(change, ask)
    raise ConfigError(file.path, "changes all the time; close the client that writes it, and run it again")


def _saved(change: Change) -> None:
    path = change.source.file.path
    if change.before is not None:
        keeping.keep(path, change.before)
    keeping.save(path, change.source.raw, change.raw)
    if change.before is None and keeping.before(path) == change.raw and not holds_wrapped(opened(change.source.file)):
        keeping.forget(path)


def _told(change: Change, ask: Asking) -> bool:
    """Say what became of a file. Whether nothing was left out."""
    path = change.source.file.path
    for reason in change.left:
        console.say(safe(reason))
    if change.is_none:
        console.say(f"{path}: nothing to {ask.verb}")
    elif ask.only_shows:
        click.echo("".join(change.difference()), nl=False)
        console.say(f"{path}: would be changed; nothing was written")
    else:
        console.say(f"{path}: {ask.past} {', '.join(map(safe, change.done))}; restart the client")
        for note in change.notes:
            console.say(safe(note))
        if change.before is not None:
            console.say(f"as it was: {keeping.kept(path)}")
    return not change.left
