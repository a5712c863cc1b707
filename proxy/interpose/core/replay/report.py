"""What came of a replay, as a value. Not how it is shown: see formats/replay_report.py."""

from typing import Literal

import msgspec

from interpose.core.events import End
from interpose.core.replay.bind import Binding
from interpose.core.replay.difference import Difference

What = Literal["unrecorded", "branch", "changed", "missing", "extra", "order", "waiting", "failed"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that went otherwise than it was recorded.

    `unrecorded`: asked for and never recorded (`recorded` names the closest there is). `branch`: an answer that the
    recording does not go on from. `changed`, `missing`, `extra`, `order`: what the live end said, did not say, said
    beyond what was recorded, or said elsewhere inside its call. `waiting`: what never came in time. `failed`: the live
    end left. `line` is that of the recording's file; `recorded` and `live` name the messages.
    """

    what: What
    live: str = ""
    recorded: str = ""
    line: int | None = None
    differences: tuple[Difference, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """A replay of one end, named by `played`. `complete` makes what was never asked for a failure, too."""

    recording: str
    played: End
    reason: str
    matched: int = 0
    said: int = 0
    findings: tuple[Finding, ...] = ()
    unasked: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()
    complete: bool = False

    @property
    def ok(self) -> bool:
        """Whether the live end behaved as recorded."""
        return not self.findings and not (self.complete and self.unasked)
