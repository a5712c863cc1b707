"""What the policy says of a message, and what its line may tell of that. A fault of our own blocks."""

from typing import Any

import msgspec

from interpose.core.events import Decision
from interpose.core.policy.denying import broken
from interpose.core.policy.engine import Engine
from interpose.core.policy.outcome import Json
from interpose.core.policy.verdict import Verdict
from interpose.core.recording.recorder import Ruling, ruling
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse


class Judge:
    """Of one session. INVARIANT: where the engine fails, that message is blocked, and the session lives."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def verdict(self, sighting: Sighting, value: dict[str, Any] | None = None) -> Verdict:
        """The verdict on one message; `value` are its params or result, where they were read already."""
        try:
            return self._engine.judge(sighting, value)
        except Exception as fault:
            return broken(sighting, f"interpose failed on this message: {type(fault).__name__}")

    def settled(
        self, sighting: Sighting, settled: dict[str, Decision], given: dict[str, Json] | None = None
    ) -> Verdict:
        """The verdict on a message that was held, now that something was decided about it (`Engine.settle`)."""
        try:
            return self._engine.settle(sighting, settled, given)
        except Exception as fault:
            return broken(sighting, f"interpose failed on this message: {type(fault).__name__}")

    def own(self, sighting: Sighting) -> Verdict:
        """A request of interpose's own repeats what was let through once: it is not held again."""
        verdict = self.verdict(sighting)
        if verdict.wait is None:
            return verdict
        return self.settled(
            sighting, dict.fromkeys(verdict.wait.rules, "release" if verdict.wait.delayed else "approve")
        )

    def ruling(self, verdict: Verdict, by: str = "") -> Ruling:
        """What a line tells of a verdict. What went on is kept like what came: without what a rule keeps off a disk."""
        told = ruling(verdict, by)
        if told.delivered is None:
            return told
        return msgspec.structs.replace(told, delivered=self._engine.kept(told.delivered))

    def scrub(self, text: str) -> str:
        """A text as the recording may hold it."""
        return self._engine.scrub(text)

    def scrubbed(self, answer: bytes) -> bytes | None:
        """An approver's answer as the recording may hold it; None where no JSON would be left of it."""
        text = answer.decode()
        scrubbed = self._engine.scrub(text).encode()
        return scrubbed if scrubbed == answer or isinstance(parse(scrubbed), dict) else None
