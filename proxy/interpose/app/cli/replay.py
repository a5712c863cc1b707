"""`interpose replay`: a recorded server for a live client, or a recorded client for a live server."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import click
import msgspec

from interpose.app import console
from interpose.app.cli.recordings import recordings
from interpose.core.errors import EndError, InterposeError, UsageError
from interpose.core.events import End
from interpose.core.formats import junit, replay_report, replay_report_files
from interpose.core.policy.jsonpath import PathError
from interpose.core.replay.options import Options, beside, read_options, scoped
from interpose.core.replay.report import Report
from interpose.edge.conversations import Conversations
from interpose.edge.replaying.reading import Recorded, read_script
from interpose.edge.stores import naming

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy

_DIFFERS = 1
_Found = TypeVar("_Found")
_SHARED = (
    click.option(
        "--match",
        type=click.Choice(["strict", "causal", "request"]),
        help="What order counts: all of it; what depends on what (the default); none, and requests may be repeated.",
    ),
    click.option("--lenient", is_flag=True, help="Go on from the recorded answer where another one comes."),
    click.option("--timing", default="instant", metavar="instant|recorded|xN", help="How much time passes. [instant]"),
    click.option(
        "--ignore", metavar="PATH", multiple=True, help="A JSONPath that does not count: $.params.arguments.x"
    ),
    click.option("--free", metavar="METHOD", multiple=True, help="Notifications whose number does not count; a glob."),
    click.option("--bind", metavar="PATH", multiple=True, help="A value that the other end makes up anew each time."),
    click.option("--no-bind", metavar="PATH", multiple=True, help="A value that is what it is, though it looks so."),
    click.option(
        "--options",
        "options_file",
        metavar="FILE",
        type=click.Path(),
        help="Options in TOML. [RECORDING's own .replay.toml]",
    ),
    click.option(
        "--policy", metavar="FILE", type=click.Path(), multiple=True, help="Enforce the rules in this file, too."
    ),
    click.option("--record", metavar="FILE|DIR", type=click.Path(), help="Keep what happens as a new recording."),
    click.option(
        "--report", metavar="FILE", type=click.Path(), help="Write the report here, too: .json, or .xml for JUnit."
    ),
    click.option("--damaged", is_flag=True, help="Play what can be read of a recording that was cut off or changed."),
)


class Given(msgspec.Struct, frozen=True):
    """What the command line said for either kind of replay."""

    match: str | None
    lenient: bool
    timing: str
    ignore: tuple[str, ...]
    free: tuple[str, ...]
    bind: tuple[str, ...]
    no_bind: tuple[str, ...]
    options_file: str | None
    policy: tuple[str, ...]
    record: str | None
    report: str | None
    damaged: bool

    @property
    def speed(self) -> float | None:
        """How many recorded seconds pass in one; None: no time passes. Raises: UsageError."""
        if self.timing in ("instant", "recorded"):
            return None if self.timing == "instant" else 1.0
        try:
            speed = float(self.timing.removeprefix("x")) if self.timing.startswith("x") else 0.0
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            raise UsageError(f"--timing {self.timing}: want instant, recorded or a speed such as x10")
        return speed

    def options(self, recording: str) -> Options:
        """The options for a recording: its own file or the one named, and what the command line adds."""
        own = beside(recording)
        path = self.options_file or (own if os.path.exists(own) else None)
        found = Options() if path is None else read_options(_text(path), path)
        for each in (*self.ignore, *self.bind, *self.no_bind):
            try:
                scoped(each)
            except PathError as error:
                raise UsageError(str(error)) from None
        changes: dict[str, Any] = {"match": self.match} if self.match else {}
        added = {name: getattr(found, name) + getattr(self, name) for name in ("ignore", "free", "bind", "no_bind")}
        return msgspec.structs.replace(found, lenient=found.lenient or self.lenient, **changes, **added)

    def read(self, path: str, end: End) -> Recorded:
        return read_script(path, end, self.options(path), damaged=self.damaged)

    def policies(self) -> "tuple[Policy, ...]":
        if not self.policy:
            return ()
        from interpose.app.policies import read_all

        return read_all(self.policy)

    def conversations(self, server: dict[str, Any]) -> Conversations:
        conversations = Conversations(self.record, server, console.say, self.policies())
        conversations.check()
        return conversations


def _shared(function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_SHARED):
        function = option(function)
    return function


@click.group("replay")
def command() -> None:
    """Play one end of a recording to a live other end. Exit 1 where that one does not do as recorded."""


@command.command("server")
@click.argument("recording", metavar="RECORDING|DIR")
@click.option("--listen", metavar="HOST:PORT", help="Serve HTTP clients here instead of standard input and output.")
@click.option("--stderr", "echoes", is_flag=True, help="Write what the server wrote on standard error, too.")
@click.option("--complete", is_flag=True, help="Exit 1, too, when something recorded was never asked for.")
@_shared
def server(recording: str, listen: str | None, echoes: bool, complete: bool, **given: Any) -> int:
    """Be the recorded server for a live client; of several recordings in DIR, the one that the client goes through.

    Prints the protocol alone; how it went is told on standard error at the end.

    \b
    Exit codes: 0 as recorded, 1 the client differed, 2 the recording or an option cannot be used, 3 an end failed.

    \b
    Examples:
      interpose replay server session.jsonl
      interpose replay server session.jsonl --listen 127.0.0.1:8900 --match request
    """
    from interpose.app.playing import Cast, play_http, play_stdio

    asked = Given(**given)
    speed = asked.speed
    found = [asked.read(str(path), "server") for path in recordings([recording])]
    if not found:
        raise UsageError(f"{recording}: no recordings there")
    cast = Cast(found, speed, console.write if echoes else None)
    conversations = asked.conversations(
        {"transport": "stdio", "name": found[0].header.server.get("name", "server"), "played": recording}
    )
    try:
        if listen is None:
            status = _run(play_stdio, cast, conversations)
        else:
            _run(play_http, cast, conversations, listen)
            status = 0
        reports = [msgspec.structs.replace(report, complete=complete) for report in cast.reports()]
    finally:
        conversations.close_all("interpose failed")
        cast.close()
    return _tell(reports, asked.report) or status or (EndError.exit_code if conversations.lost else 0)


@command.command("client")
@click.argument("recording")
@click.option("--upstream", metavar="URL", help="A server reached over HTTP instead of a command.")
@click.option("--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="Send this to --upstream.")
@click.option("--deadline", metavar="SECONDS", type=float, default=30.0, show_default=True, help="Wait so long.")
@_shared
@click.argument("program", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
def client(
    recording: str,
    upstream: str | None,
    headers: tuple[str, ...],
    deadline: float,
    program: Sequence[str],
    **given: Any,
) -> int:
    """Be the recorded client for the server that COMMAND starts, or that --upstream names.

    Without either, for the command that the recording names.

    Prints nothing; how it went is told on standard error at the end.

    \b
    Exit codes: 0 as recorded, 1 the server differed, 2 the recording or an option cannot be used, 3 an end failed.

    \b
    Examples:
      interpose replay client session.jsonl
      interpose replay client session.jsonl -- npx -y @scope/server
      interpose replay client session.jsonl --upstream http://127.0.0.1:3001/mcp
    """
    from interpose.app.playing import play_child, play_upstream

    if upstream is not None and program:
        raise UsageError("say which server: either `-- COMMAND ...` or `--upstream URL`")
    if headers and upstream is None:
        raise UsageError("--header goes with --upstream")
    asked = Given(**given)
    speed, its_headers = asked.speed, tuple(map(_header, headers))
    found = asked.read(recording, "client")
    started = tuple(program or found.header.server.get("command", ()))
    if not started and upstream is None:
        raise UsageError(f"{recording} names no command: say `-- COMMAND ...` or `--upstream URL`")
    described: dict[str, Any] = {"transport": "http", "name": naming.of_address(upstream or ""), "url": upstream}
    if upstream is None:
        described = {"transport": "stdio", "name": naming.of_command(started), "command": list(started)}
    conversations = asked.conversations(described)
    try:
        if upstream is not None:
            report = _run(play_upstream, found, conversations, speed, deadline, upstream, its_headers)
        else:
            report = _run(play_child, found, conversations, speed, deadline, started)
    finally:
        conversations.close_all("interpose failed")
        found.close()
    return _tell([report], asked.report) or (EndError.exit_code if conversations.lost else 0)


def _run(function: Callable[..., Awaitable[_Found]], *args: Any) -> _Found:
    """Run it; a mistake that is found inside, such as a recording that changes, is told like any other."""
    try:
        return anyio.run(function, *args)
    except BaseExceptionGroup as group:
        found: BaseException | None = group.subgroup(InterposeError)
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        if found is None:
            raise
        raise found from None


def _tell(reports: Sequence[Report], path: str | None) -> int:
    """Tell people, and write the file that was asked for. 1 when something differed."""
    for report in reports:
        for line in replay_report.lines(report):
            console.say(line)
    if path is not None:
        if path.endswith(".xml"):
            content = "".join(junit.document(replay_report_files.suites(reports))).encode()
        else:
            content = replay_report_files.as_json(reports)
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            raise UsageError(f"--report: {path} cannot be written ({error.strerror})") from None
    return 0 if all(report.ok for report in reports) else _DIFFERS


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isprintable():
        raise UsageError("--header: want 'NAME: VALUE'")
    return name.strip(), value.strip()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--options: {path} cannot be read ({error})") from None
