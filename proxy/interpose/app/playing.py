"""Recorded ends put before live ones: what `interpose replay` runs. What speaks HTTP is imported where it does."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from interpose.app import console
from interpose.core.events import Headers
from interpose.core.replay.choice import Choice
from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.report import Report
from interpose.core.replay.strict import server_player
from interpose.edge.conversations import Conversations
from interpose.edge.link import Clock
from interpose.edge.replaying.client import ChildServer, PlayedClientSession, Reached, RemoteServer
from interpose.edge.replaying.link import PlayerLink
from interpose.edge.replaying.reading import Recorded
from interpose.edge.replaying.server import PlayedServerSession
from interpose.edge.runner import Conversation
from interpose.edge.transports import pipes, process, stdio


class Cast:
    """The recorded servers there are, and one link for each session that asks for one. `echo` takes their stderr.

    A recording that no session went through yet comes before the others: a client that connected twice has two.
    """

    def __init__(
        self, recorded: Sequence[Recorded], speed: float | None, echo: Callable[[bytes], None] | None = None
    ) -> None:
        self._recorded = list(recorded)
        self._speed = speed
        self._echo = echo
        self._used: Counter[str] = Counter()
        self._links: list[PlayerLink] = []

    def open(self, clock: Clock) -> PlayerLink:
        """A recorded server for one session."""
        order = sorted(self._recorded, key=lambda each: self._used[each.path])
        players = [server_player(each.script, each.options, each.path) for each in order]
        first = order[0].path
        self._used[first] += 1  # until it is known which it is
        link = PlayerLink("server", Choice(players, partial(self._chosen, first)), clock, self._speed)
        if len(players) == 1:
            self._chosen(first, first)
        self._links.append(link)
        return link

    def reports(self) -> list[Report]:
        """What came of each session."""
        return [link.player.end("client closed") for link in self._links]

    def close(self) -> None:
        """Nothing more is played."""
        for each in self._recorded:
            each.close()

    def _chosen(self, assumed: str, path: str) -> None:
        self._used[assumed] -= 1
        self._used[path] += 1
        if self._echo is not None:
            script = next(each.script for each in self._recorded if each.path == path)
            for _, line in script.stderr:
                self._echo(line.encode() + b"\n")


async def play_stdio(cast: Cast, conversations: Conversations) -> int:
    """A recorded server for the client on our standard input and output."""
    try:
        conversation = conversations.open({"transport": "stdio"})
        client = await stdio.own(conversation.clock)
        return await PlayedServerSession(conversation, cast.open(conversation.clock), client).run()
    finally:
        pipes.restore_blocking()


async def play_http(cast: Cast, conversations: Conversations, listen: str) -> None:
    """Recorded servers for the clients that come over HTTP."""
    from interpose.edge.replaying.hosting import PlayedHost
    from interpose.edge.serving import address, serve

    host, port = address(listen)

    def ready(bound: int) -> None:
        console.say(f"listening on http://{host}:{bound}/mcp (and /sse), playing recordings")

    await serve(PlayedHost(cast.open, conversations), host, port, ready)


async def play_child(
    recorded: Recorded, conversations: Conversations, speed: float | None, deadline: float, command: Sequence[str]
) -> Report:
    """A recorded client for the server that a command starts. Raises: EndError."""
    child = await process.start(command)
    conversation = conversations.open({"transport": "stdio", "played": recorded.path})
    return await _play_client(recorded, conversation, speed, deadline, ChildServer(child, conversation, console.write))


async def play_upstream(
    recorded: Recorded,
    conversations: Conversations,
    speed: float | None,
    deadline: float,
    url: str,
    headers: Headers,
) -> Report:
    """A recorded client for a server reached over HTTP. Raises: UsageError, EndError."""
    from interpose.edge.serving import check_reachable
    from interpose.edge.transports.http_server import HttpServerLink

    await check_reachable(url)
    conversation = conversations.open({"transport": "stdio", "played": recorded.path})
    server = RemoteServer(HttpServerLink(url, conversation.clock, headers))
    return await _play_client(recorded, conversation, speed, deadline, server)


async def _play_client(
    recorded: Recorded, conversation: Conversation, speed: float | None, deadline: float, server: Reached
) -> Report:
    player = ClientPlayer(recorded.script, recorded.options, recorded.path)
    link = PlayerLink("client", player, conversation.clock, speed)
    await PlayedClientSession(conversation, player, link, server, deadline).run()
    return player.end("all was said" if player.finished else "ended early")
