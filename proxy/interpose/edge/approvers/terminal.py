"""An approver that is a person: asked on the controlling terminal where that can be, else told by standard error.

`interpose approvals` decides in any case.
"""

from interpose.core.effects import Release, Seek
from interpose.core.formats.approval import asked_of, what
from interpose.core.formats.excerpt import said
from interpose.edge.approvers.attended import Attended
from interpose.edge.approvers.desk import Desk
from interpose.edge.approvers.errands import Say
from interpose.edge.approvers.questioner import Questioner
from interpose.edge.link import Decide

_SHORT = 12
_LINES = 8


class Terminal:
    """An attended desk, with lines on standard error about what waits there, and a question at a time."""

    def __init__(self, desk: Desk, say: Say) -> None:
        self._attended, self._say = Attended(desk, say), say
        self._desk, self._questioner = desk, Questioner(desk)
        self._told = 0  # lines since something began to wait

    def seek(self, seek: Seek, decide: Decide) -> None:
        self._attended.seek(seek, decide)
        self._tell(seek)
        self._questioner.look()

    def release(self, release: Release) -> None:
        self._attended.release(release)
        self._questioner.look()
        if not self._desk.pending():
            self._told = 0

    def _tell(self, seek: Seek) -> None:
        """A line for each of the first that wait; who lets standard error run full must not be waited for."""
        self._told += 1
        if self._told > _LINES + 1:
            return
        if self._told > _LINES:
            self._say("more waits for approval: `interpose approvals` lists it")
            return
        about, left = what(asked_of(seek, 0.0, 0.0)), seek.until - seek.at
        self._say(
            f"{about} waits for approval ({said(', '.join(seek.rules), 80)}): `interpose approvals approve "
            f"{seek.hold[:_SHORT]}` or decline; in {left:g} s {seek.outcome}"
        )
