"""`interpose learn`: what varies by itself between recordings of one scenario, as options for replay and diff."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from interpose.app import console
from interpose.app.cli import replay_options
from interpose.app.cli.compared import side
from interpose.app.cli.progress import Progress
from interpose.core.errors import UsageError
from interpose.core.formats.comparison_options import toml
from interpose.core.formats.words import plural
from interpose.core.replay.comparison import Side
from interpose.core.replay.learning import Learnt, learn
from interpose.core.replay.options import Options, beside

_DIFFERS = 1


@click.command("learn")
@click.argument("paths", metavar="A B...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write the options to a file.")
@click.option("-w", "--write", is_flag=True, help="Write them beside A, where replay finds them: A.replay.toml.")
@click.option(
    "--options", "options_file", metavar="FILE", type=click.Path(), help="Options to add to.  [default: A.replay.toml]"
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.option("--partial", is_flag=True, help="Take recordings that are not whole, too.")
def command(
    paths: tuple[str, ...], output: str | None, write: bool, options_file: str | None, force: bool, partial: bool
) -> int:
    """Find what varies between recordings of the same scenario, and print options that put it aside.

    Prints the options as TOML, unless -o or --write names a file, and what differs all the same.

    \b
    Exit codes: 0 fine, 1 other calls or another outcome, which should not be put aside, 2 a recording cannot be read.

    \b
    Examples:
      interpose learn monday.jsonl tuesday.jsonl
      interpose learn monday.jsonl tuesday.jsonl --write --force
    """
    if len(paths) < 2:
        raise UsageError("learning takes two recordings of the same scenario, or more")
    if output is not None and write:
        raise UsageError("-o and --write exclude each other")
    target = beside(paths[0]) if write else output
    if target is not None and os.path.exists(target) and not force:
        raise UsageError(f"{target} is there already; --force overwrites it, with what it says kept")
    options, _ = replay_options.of(paths[0], options_file)
    learnt = _learnt(paths, options, partial)
    text = "".join(f"{line}\n" for line in toml(learnt, list(paths)))
    if target is None:
        click.echo(text, nl=False)
    else:
        _write(target, text)
    console.say(_summary(learnt, target))
    return _DIFFERS if learnt.left else 0


def _learnt(paths: Sequence[str], options: Options, partial: bool) -> Learnt:
    def sides(by: Options) -> list[Side]:
        with Progress("comparing", paths) as progress, ExitStack() as open_files:
            found = (side(path, by, partial=partial, reader_of=progress.reader) for path in paths)
            return [open_files.enter_context(each)[0] for each in found]

    return learn(sides, options)


def _summary(learnt: Learnt, target: str | None) -> str:
    found = f"{plural(len(learnt.ignore), 'path')} and {plural(len(learnt.free), 'notification')} vary by themselves"
    left = f"; {plural(len(learnt.left), 'difference')} left" if learnt.left else ""
    return f"{found}{left}" if target is None else f"{found}{left}; written to {target}"


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})") from None
