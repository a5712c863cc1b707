"""One thing that an end did and the specification forbids, as a value. Not how it is shown."""

import msgspec

from interpose.core.events import End


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with a message or an exchange.

    `seq` and `at` are the recording's. `end` did it. `rule` is a short name that stays; `section` is where the
    specification of `version` says so; `where` is the place in the message, as a path.
    """

    seq: int
    at: float
    end: End
    rule: str
    text: str
    section: str
    version: str | None = None
    method: str | None = None
    name: str | None = None
    where: str = ""

    @property
    def cited(self) -> str:
        """`2025-11-25 §basic/lifecycle`."""
        return f"{self.version} §{self.section}" if self.version else f"§{self.section}"


class Fault(msgspec.Struct, frozen=True):
    """Where a message is not as the official model of its method has it, and why."""

    where: str
    text: str
