"""A recorded server whose report is told as soon as something goes otherwise: its process may be killed at the end."""

from collections.abc import Callable, Sequence
from typing import Any

from interpose.core.events import Frame
from interpose.core.formats import replay_report
from interpose.core.replay.choice import Choice
from interpose.core.replay.player import Said
from interpose.core.replay.report import Report
from interpose.core.replay.server import ServerPlayer
from interpose.edge.link import Clock
from interpose.edge.replaying.link import PlayerLink

Tell = Callable[["WatchedLink", dict[str, Any]], None]


class WatchedLink(PlayerLink):
    """One session with the first of `players` that fits. `tell` gets the report at first, at each finding, at the end.

    With `forgives`, what was never recorded is no finding: somebody else answers it.
    """

    def __init__(
        self, players: Sequence[ServerPlayer], choice: Choice, clock: Clock, tell: Tell, *, forgives: bool
    ) -> None:
        self._players = players
        self._choice = choice
        self._tell = tell
        self._forgives = forgives
        self._faults = 0
        self.before: Callable[[Frame], bool] = lambda _: False  # whether somebody else has taken what the client said
        self.made = ""  # the recording that was made meanwhile, where one is to be kept
        super().__init__("server", choice, clock)

    def send(self, channel: str, frame: Frame) -> None:
        if not self.before(frame):
            super().send(channel, frame)
        faults = min(player.faults for player in self._players)
        if faults > self._faults:
            self._faults = faults
            self.tell()

    def pass_on(self, said: list[Said]) -> None:
        """Say this to the client."""
        self._schedule(said)

    def tell(self, *, over: bool = False) -> None:
        """Tell how it stands. `over`: nothing more will come."""
        waiting = self._choice.waiting
        first = min(self._players, key=lambda player: player.faults)
        report = (self._choice if over else first).end("client closed" if over else "so far")
        if self._forgives:
            report = _forgiven(report)
        found: dict[str, Any] = {
            "recording": report.recording,
            "ok": report.ok,
            "over": over,
            "lines": list(replay_report.lines(report)),
            "waiting": waiting or "",
            "made": self.made,
        }
        self._tell(self, found)


def _forgiven(report: Report) -> Report:
    findings = tuple(each for each in report.findings if each.what != "unrecorded")
    return Report(report.recording, report.played, report.reason, report.matched, report.said, findings)
