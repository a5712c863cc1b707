"""`interpose approvals`: what waits for a decision in all running interposes of this user, and the deciding."""

import time
from contextlib import closing
from pathlib import Path

import click

from interpose.app.cli.output import Output
from interpose.core.errors import UsageError
from interpose.core.formats import approval, records
from interpose.core.formats.approval import Asked
from interpose.core.formats.page import JSON
from interpose.core.formats.sheet import Row, fitted
from interpose.core.formats.words import plural
from interpose.core.wire.message import parse
from interpose.edge.approvers import hatch_visit
from interpose.edge.approvers.hatch_visit import Ended

_ROWS = 40


@click.group("approvals", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the whole message.")
@click.option("--watch", is_flag=True, help="Go on: tell what begins to wait and how it ends, until Ctrl-C.")
@click.pass_context
def command(context: click.Context, as_json: bool, watch: bool) -> int:
    """List what waits for approval in every interpose of yours with --approver terminal or --ui, or decide about it.

    HOLD is the name that the list shows, or the beginning of it that no other name has.

    Prints a line for each, with who waits and since when.

    \b
    Exit codes: 0 fine, 2 HOLD is not there, or was decided meanwhile.

    \b
    Examples:
      interpose approvals
      interpose approvals approve 3fab12cd
      interpose approvals --watch
    """
    if context.invoked_subcommand is not None:
        if as_json or watch:
            raise UsageError("--json and --watch go with the list")
        return 0
    out = Output()
    try:
        if watch:
            _watch(out, as_json)
        else:
            _tell(out, list(hatch_visit.everything()), as_json)
        out.flush()
    except BrokenPipeError:
        out.abandon()
    return 0


@command.command("show")
@click.argument("hold")
def show(hold: str) -> int:
    """Print the whole message that would go on, as JSON: save it, change it, and give it to `edit`."""
    out = Output()
    with closing(hatch_visit.found(hold)) as visit:
        out.rows(approval.whole(visit.asked))
    out.flush()
    return 0


@command.command("approve")
@click.argument("hold")
def approve(hold: str) -> int:
    """Let HOLD go on."""
    return _decide(hold, "approve")


@command.command("decline")
@click.argument("hold")
def decline(hold: str) -> int:
    """Refuse HOLD; the question of an elicitation is declined in the user's place."""
    return _decide(hold, "decline")


@command.command("cancel")
@click.argument("hold")
def cancel(hold: str) -> int:
    """Dismiss the elicitation HOLD in the user's place, neither accepted nor declined."""
    return _decide(hold, "cancel")


@command.command("edit")
@click.argument("hold")
@click.option("--file", required=True, metavar="FILE", help="The whole message as it shall go on; - is standard input.")
def edit(hold: str, file: str) -> int:
    """Let HOLD go on as FILE says it. The policy judges it again."""
    return _decide(hold, "edit", _read(file))


@command.command("answer")
@click.argument("hold")
@click.option("--file", required=True, metavar="FILE", help="The result of the question; - is standard input.")
def answer(hold: str, file: str) -> int:
    """Answer the question HOLD in the user's place, with the result in FILE."""
    return _decide(hold, "answer", _read(file))


def _decide(hold: str, decision: str, instead: bytes | None = None) -> int:
    with closing(hatch_visit.found(hold)) as visit:
        visit.decide(decision, instead)
        click.echo(f"{decision}: {approval.what(visit.asked)}")
    return 0


def _read(path: str) -> bytes:
    try:
        with click.open_file(path, "rb") as file:
            raw: bytes = file.read()
    except OSError as error:
        raise UsageError(f"--file: {path} cannot be read ({error.strerror})") from None
    if not isinstance(parse(raw), dict):
        raise UsageError(f"--file: {Path(path).name} holds no JSON object")
    return raw


def _tell(out: Output, found: list[Asked], as_json: bool) -> None:
    """What waits now."""
    now = time.time()
    for asked in sorted(found, key=lambda each: each.since):
        out.rows(_block(asked, now, out.width, as_json))
    if not found and not as_json:
        out.rows([(("dim", "nothing waits for approval"),)])


def _block(asked: Asked, now: float, width: int, as_json: bool) -> list[Row]:
    if as_json:
        return [((JSON, approval.as_json(asked)),)]
    return [fitted(list(approval.row(asked, now)), width), *approval.details(asked)]


def _watch(out: Output, as_json: bool) -> None:
    """Until Ctrl-C. On a terminal what waits stands at the bottom."""
    waiting: dict[str, Asked] = {}
    try:
        for change in hatch_visit.watched():
            if isinstance(change, Asked):
                waiting[change.hold] = change
                out.rows(_block(change, time.time(), out.width, as_json))
            elif isinstance(change, Ended):
                asked = waiting.pop(change.ended, None)
                out.rows([_ended(change, asked, as_json)])
            if out.is_terminal and not as_json:
                out.footer(_footer(list(waiting.values()), out.width - 1))
            out.flush()
    except KeyboardInterrupt:
        pass
    finally:
        out.footer([])


def _ended(change: Ended, asked: Asked | None, as_json: bool) -> Row:
    if as_json:
        return ((JSON, records.encoded({"ended": change.ended, "why": change.why})),)
    about = approval.what(asked) if asked is not None else ""
    return (("dim", f"{change.ended[:12]}  {about}  {change.why}"),)


def _footer(waiting: list[Asked], width: int) -> list[Row]:
    now = time.time()
    rows = [fitted(list(approval.row(each, now)), width) for each in waiting[:_ROWS]]
    return [*rows, (("dim", f"{plural(len(waiting), 'message')} waiting · Ctrl-C leaves"),)]
