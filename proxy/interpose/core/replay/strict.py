"""Plays the recorded server in the recorded order to the letter: nothing is early, nothing is repeated."""

from interpose.core.replay.options import Options
from interpose.core.replay.runs import Run
from interpose.core.replay.script import NONE, Mark, Script
from interpose.core.replay.server import ServerPlayer


class StrictServerPlayer(ServerPlayer):
    """The recorded server as one thread: the live client's next message has to be the recorded next one."""

    def __init__(self, script: Script, options: Options, recording: str = "") -> None:
        self._position = 0
        self._threads: dict[int, Run] = {}
        super().__init__(script, options, recording)

    def _go(self, run: Run) -> None:
        self._threads[run.head] = run

    def _came(self, row: int) -> None:
        self._pass()

    def _pick(self, key: int, method: str) -> int:
        row = self._pass()
        return row if row != NONE and self.script.keys[row] == key else NONE

    def _advance(self) -> None:
        script = self.script
        while self._pass() == NONE and self._position < len(script):
            row = self._position
            self._position += 1
            run = self._threads.get(script.threads[row])
            if run is not None and not run.over:
                self._say_in(row, run)

    def _pass(self) -> int:
        """The row of the client that has to come next; NONE when it is for the server to speak, or all is over."""
        script = self.script
        while self._position < len(script) and not script.own(self._position):
            row = self._position
            if not self._done[row] and not script.marks[row] & Mark.FREE:
                return row
            self._position += 1
        return NONE


def server_player(script: Script, options: Options, recording: str = "") -> ServerPlayer:
    """The player for a recorded server that the options ask for."""
    kind = StrictServerPlayer if options.match == "strict" else ServerPlayer
    return kind(script, options, recording)
