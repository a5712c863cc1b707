"""The process behind `interpose.command`: a recorded server, the real one recorded, or the one and then the other.

`python -m interpose.app.pytest.process SPEC [--listen]`: stdio without --listen, else HTTP on a free port of 127.0.0.1.
"""

import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import msgspec

from interpose.app import console
from interpose.app.programs import environment
from interpose.app.pytest.masked import unmasking
from interpose.app.pytest.spec import MODULE, REPORTS, Spec
from interpose.app.pytest.watched import WatchedLink
from interpose.core.errors import InterposeError
from interpose.core.replay.choice import Choice
from interpose.core.replay.options import Options, beside, read_options
from interpose.core.replay.strict import server_player
from interpose.edge.conversations import Conversations
from interpose.edge.link import Clock
from interpose.edge.replaying.reading import Recorded, read_script
from interpose.edge.replaying.server import PlayedServerSession
from interpose.edge.stores import naming
from interpose.edge.stores.replacing import replace
from interpose.edge.transports import pipes, stdio

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy

_LOCAL = "127.0.0.1"
_ANYWHERE = f"{_LOCAL}:0"


def main(arguments: list[str]) -> int:
    """Do as the spec says."""
    spec, listens = Spec.read(arguments[0]), "--listen" in arguments
    os.environ.update(environment())
    if spec.task == "record":
        return _interpose(_recording(spec, listens))
    if spec.task == "new_episodes" and listens:
        own = (sys.executable, "-P", "-m", MODULE, arguments[0])
        return _interpose(["run", "--listen", _ANYWHERE, "--", *own])
    return _replay(spec, listens)


def _recording(spec: Spec, listens: bool) -> list[str]:
    options = ["--record", spec.stage, *(word for path in spec.policies for word in ("--policy", path))]
    if listens:
        options += ["--listen", _ANYWHERE]
    return ["run", *options, *(("--upstream", spec.url) if spec.url else ("--", *spec.server))]


def _interpose(arguments: list[str]) -> int:
    """The command line of interpose itself, in this process."""
    from interpose.app.cli.main import cli

    status = cli.main(arguments, prog_name="interpose", standalone_mode=False)
    return status if isinstance(status, int) else 0


def _replay(spec: Spec, listens: bool) -> int:
    records = spec.task == "new_episodes"
    conversations = Conversations(spec.stage if records else None, _server(spec), console.say, _policies(spec))
    company = Company([_read(path, spec) for path in spec.recordings], spec)
    try:
        if listens:
            return anyio.run(_play_http, company, conversations)
        if records:
            from interpose.app.pytest.episodes import play_episodes

            return anyio.run(play_episodes, company, conversations, spec)
        return anyio.run(_play_stdio, company, conversations)
    finally:
        conversations.close_all("interpose failed")
        company.close()


async def _play_stdio(company: "Company", conversations: Conversations) -> int:
    try:
        conversation = conversations.open({"transport": "stdio"})
        client = await stdio.own(conversation.clock)
        return await PlayedServerSession(conversation, company.open(conversation.clock), client).run()
    finally:
        pipes.restore_blocking()


async def _play_http(company: "Company", conversations: Conversations) -> int:
    from interpose.edge.replaying.hosting import PlayedHost
    from interpose.edge.serving import serve

    def ready(port: int) -> None:
        console.say(f"listening on http://{_LOCAL}:{port}/mcp, playing recordings")

    await serve(PlayedHost(company.open, conversations), _LOCAL, 0, ready)
    return 0


def _policies(spec: Spec) -> "tuple[Policy, ...]":
    """What is enforced; nothing is imported for it when that is nothing."""
    if not spec.policies:
        return ()
    from interpose.app.policies import read_all

    return read_all(spec.policies)


def _server(spec: Spec) -> dict[str, object]:
    if spec.url:
        return {"transport": "http", "name": naming.of_address(spec.url), "url": spec.url}
    if spec.server:
        return {"transport": "stdio", "name": naming.of_command(spec.server), "command": spec.server}
    return {"transport": "replay", "name": "server"}


def _read(path: str, spec: Spec) -> Recorded:
    """A recording with its own options, those of the test, and what was masked in it put aside."""
    own = Path(beside(path))
    found = read_options(own.read_text(encoding="utf-8"), str(own)) if own.is_file() else Options()
    changes = {"match": spec.match} if spec.match else {}
    options = msgspec.structs.replace(found, ignore=(*found.ignore, *spec.ignore), **changes)
    recorded = read_script(path, "server", options)
    masked = unmasking(recorded.script)
    if not masked:
        return recorded
    recorded.close()
    return read_script(path, "server", msgspec.structs.replace(options, ignore=(*options.ignore, *masked)))


class Company:
    """The recorded servers of one test. What came of each session goes to a file of its own, as soon as it is known.

    A recording that no session of the test went through yet comes before the others, whichever process played it.
    """

    def __init__(self, recorded: list[Recorded], spec: Spec) -> None:
        self._players = recorded
        self._folder = Path(spec.folder)
        self._forgives = spec.task == "new_episodes"
        self._watched: list[WatchedLink] = []
        reports = (msgspec.json.decode(path.read_bytes()) for path in self._folder.glob(REPORTS))
        self._gone_through = Counter(report["recording"] for report in reports)

    def open(self, clock: Clock) -> WatchedLink:
        """A recorded server for one session."""
        order = sorted(self._players, key=lambda each: self._gone_through[each.path])
        players = [server_player(each.script, each.options, each.path) for each in order]
        first = order[0].path
        self._gone_through[first] += 1  # until it is known which it is
        choice = Choice(players, partial(self._choose, first))
        link = WatchedLink(players, choice, clock, self._report, forgives=self._forgives)
        self._watched.append(link)
        link.tell()
        return link

    def close(self) -> None:
        """All sessions are over."""
        for link in self._watched:
            link.tell(over=True)
        for each in self._players:
            each.close()

    def _choose(self, assumed: str, path: str) -> None:
        self._gone_through[assumed] -= 1
        self._gone_through[path] += 1

    def _report(self, link: WatchedLink, report: dict[str, object]) -> None:
        name = REPORTS.replace("*", f"{os.getpid()}-{self._watched.index(link)}")
        replace(str(self._folder / name), msgspec.json.encode({"pid": os.getpid(), **report}))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InterposeError as error:
        console.say(str(error))
        sys.exit(error.exit_code)
