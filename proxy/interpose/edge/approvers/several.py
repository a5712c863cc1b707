"""Several approvers at once: whoever decides first, decides. A rule that names one asks that one alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interpose.core.effects import Release, Seek
    from interpose.edge.link import Approver, Decide


class Several:
    """Approvers by name; one may have two. A hold for one that is not here is decided by its time."""

    def __init__(self, approvers: "Mapping[str, Approver]") -> None:
        self._approvers = dict(approvers)
        self._all = tuple(dict.fromkeys(self._approvers.values()))

    def seek(self, seek: "Seek", decide: "Decide") -> None:
        named = self._approvers.get(seek.approver or "")
        for approver in self._all if seek.approver is None else [named]:
            if approver is not None:
                approver.seek(seek, decide)

    def release(self, release: "Release") -> None:
        for approver in self._all:
            approver.release(release)
