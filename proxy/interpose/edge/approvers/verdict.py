"""What a program says about the held message that it was asked about: strict, since a guess would be a forgery."""

from typing import Literal

import msgspec
from msgspec import Raw

from interpose.core.events import Decision
from interpose.edge.link import Decide

MOST = 16 << 20  # bytes of a verdict
_NAMED = 60


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`by` is who decided; `hold`, where it is said, must be the name that was asked about."""

    decision: Literal["approve", "edit", "answer", "decline", "cancel"]
    by: str = ""
    hold: str | None = None
    edited: Raw = Raw()
    answer: Raw = Raw()

    @property
    def instead(self) -> bytes | None:
        return bytes(self.answer if self.decision == "answer" else self.edited) or None


_decode = msgspec.json.Decoder(Verdict).decode


def carry_out(raw: bytes, hold: str, who: str, decide: Decide) -> str:
    """Decide as a verdict says. Returns why it does not count; nothing when it does."""
    if len(raw) > MOST:
        return "it says too much"
    try:
        verdict = _decode(raw)
    except (ValueError, RecursionError) as error:
        return f"what it says is no verdict: {error}"
    if verdict.hold not in (None, hold):
        return "its verdict is about something else"
    decision: Decision = verdict.decision
    named = "".join(filter(str.isprintable, verdict.by))[:_NAMED]
    return decide(decision, f"{who} ({named})" if named else who, verdict.instead)
