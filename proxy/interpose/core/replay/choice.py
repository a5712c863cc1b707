"""Several recordings for one live client: which of them it goes through shows from how it opens and what it asks first.

Every candidate hears everything; one that would have to find fault is out, as long as another has none. Until one is
left, the first of those that remain answers.
"""

from collections.abc import Callable, Sequence

from interpose.core.replay.player import Said
from interpose.core.replay.report import Report
from interpose.core.replay.server import ServerPlayer
from interpose.core.wire.message import Message


class Choice:
    """A recorded server that is one of several; `chosen` hears which, once that is known or does not matter."""

    def __init__(self, players: Sequence[ServerPlayer], chosen: Callable[[str], None]) -> None:
        self._players = list(players)
        self._chosen = chosen

    def begin(self) -> list[Said]:
        said = [player.begin() for player in self._players]
        return said[0]

    def hear(self, message: Message) -> list[Said]:
        """What the first candidate says to this that has it recorded."""
        if len(self._players) == 1:
            return self._players[0].hear(message)
        heard = [(player, player.hear(message)) for player in self._players]
        least = min(player.faults for player, _ in heard)
        left = [(player, said) for player, said in heard if player.faults == least]
        self._players = [player for player, _ in left]
        if len(self._players) == 1:
            self._chosen(self._players[0].recording)
        return left[0][1]

    @property
    def waiting(self) -> str | None:
        return self._players[0].waiting

    def end(self, reason: str) -> Report:
        """The report of the recording that the client went through, or of the first that it may have gone through."""
        if len(self._players) > 1:
            self._chosen(self._players[0].recording)
        return self._players[0].end(reason)
