"""What a policy did to a message, in words, as its line in the recording tells it. Decides nothing."""

from typing import Any, NamedTuple

from interpose.core.events import Decision
from interpose.core.formats.excerpt import said
from interpose.core.recording.entry import Entry

OWN = "interpose"
_WORDS = {
    "edit": "changed",
    "answer": "answered in the other end's place",
    "drop": "dropped",
    "cut": "dropped, and the connection with it",
    "withhold": "kept back",
    "refuse": "refused",
}
_DECISIONS: dict[Decision, str] = {
    "approve": "approved",
    "edit": "approved, changed",
    "answer": "answered",
    "decline": "declined",
    "cancel": "dismissed",
    "release": "goes on after its delay",
    "expire": "nobody decided in time",
    "abandon": "nobody waits for it any more",
}
_GOES_ON = frozenset({"pass", "edit"})


class Ruled(NamedTuple):
    """What became of a message: in a word, the rules that matched, whether any had its way, whether it went on."""

    decision: str
    word: str
    rules: tuple[str, ...]
    acted: bool
    goes_on: bool

    @property
    def text(self) -> str:
        """`changed by redact-secrets: an address`."""
        return f"{self.word} by {', '.join(self.rules)}" if self.rules else self.word


def ruled(entry: Entry) -> Ruled | None:
    """What the policy made of an entry's message; None where no rule matched it."""
    verdict = entry.verdict
    if verdict is None:
        return None
    decision = str(verdict.get("decision", "pass"))
    hits = [hit for hit in verdict.get("rules", ()) if isinstance(hit, dict)]
    acted = decision != "pass" or any(hit.get("acted", True) for hit in hits)
    if decision == "hold":
        word = "delayed" if verdict.get("delayed") else "held for approval"
    else:
        word = _WORDS.get(decision, "noted" if acted else "matched, and let pass,")
    return Ruled(decision, word, tuple(map(_rule, hits)), acted, decision in _GOES_ON)


def settled(entry: Entry) -> str:
    """What became of something held, in words."""
    word = _DECISIONS[entry.decision or "abandon"]
    return f"{word} by {said(entry.approver, 60)}" if entry.approver else word


def touched(entry: Entry) -> bool:
    """Whether interpose did more here than to pass on and write down."""
    if entry.by == OWN or entry.kind == "decision":
        return True
    found = ruled(entry)
    return found is not None and found.acted


def _rule(hit: dict[str, Any]) -> str:
    name, why = said(str(hit.get("rule", "")), 60), said(str(hit.get("why", "")), 120)
    return f"{name} ({why})" if why else name
