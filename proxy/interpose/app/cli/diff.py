"""`interpose diff`: what differs between two recordings, once what varies by itself is put aside."""

import click

from interpose.app.cli import replay_options
from interpose.app.cli.compared import side
from interpose.app.cli.output import Output
from interpose.core.formats.comparison import JsonPage, Page, TextPage
from interpose.core.replay.comparison import compare

_DIFFERS = 1


@click.command("diff")
@click.argument("first", metavar="A", type=click.Path())
@click.argument("second", metavar="B", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--ignore", metavar="PATH", multiple=True, help="A JSONPath into messages that does not count.")
@click.option(
    "--options",
    "options_file",
    metavar="FILE",
    type=click.Path(),
    help="Options to compare by.  [default: A.replay.toml]",
)
@click.option("--partial", is_flag=True, help="Compare recordings that are not whole, too.")
def command(
    first: str, second: str, as_json: bool, ignore: tuple[str, ...], options_file: str | None, partial: bool
) -> int:
    """Tell what differs between two recordings.

    Calls are paired by what they ask. Ids, tokens, cursors, times, what a model said, the number of polls and of
    progress and log messages, and the order of calls that ran at once do not count.

    Prints each difference with its place and both values; nothing where nothing differs.

    \b
    Exit codes: 0 nothing differs, 1 something does, 2 a recording cannot be read.

    \b
    Examples:
      interpose diff before.jsonl after.jsonl
      interpose diff --json before.jsonl after.jsonl --ignore '$.result.content[*].text'
    """
    options, source = replay_options.of(first, options_file, ignore)
    out = Output()
    page: Page = JsonPage() if as_json else TextPage(out.width)
    with (
        side(first, options, partial=partial) as (one, one_state),
        side(second, options, partial=partial) as (
            other,
            other_state,
        ),
    ):
        found = compare(one, other)
    try:
        out.rows(page.begin(first, second, source))
        out.rows(page.end(found, [*one_state, *other_state]))
        out.flush()
    except BrokenPipeError:
        out.abandon()
    return 0 if found.equal else _DIFFERS
