"""What earlier verdicts demand of later messages: a task shown as ended stays so, a half answer is made whole."""

from collections.abc import Mapping
from typing import Any

import msgspec

from interpose.core.policy.outcome import encode
from interpose.core.policy.refusing import Refusal
from interpose.core.policy.verdict import Hit, Verdict
from interpose.core.session.ring import Ring
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse, parse_exact


class Promises:
    """Of one session, bounded."""

    def __init__(self) -> None:
        self._owed: Ring[int, dict[str, Any]] = Ring()
        self._forged: Ring[str, dict[str, Any]] = Ring()
        self._cut: Ring[tuple[str, str], None] = Ring()  # what tasks asked and nobody is to see, by key

    def __bool__(self) -> bool:
        return bool(self._owed or self._forged or self._cut)

    def make(self, sighting: Sighting, refusals: Mapping[str, Refusal], verdict: Verdict) -> None:
        """Remember what a verdict that refused asks has promised."""
        if verdict.decision != "edit" or verdict.delivered is None:
            return
        if sighting.task is not None:
            self._remember_end(sighting.task, verdict.delivered)
            for key in refusals:
                self._cut.put((sighting.task, key), None)
        if sighting.call and all(each.ask.carrier == "input_request" for each in refusals.values()):
            values = {key: refusal.value() for key, refusal in refusals.items()}
            if None not in values.values():
                self._owed.put(sighting.call.seq, values)

    def end(self, task: str, shown: Mapping[str, Any]) -> None:
        """Show a task like this from now on."""
        self._forged.put(task, dict(shown))

    def has_ended(self, task: str | None) -> bool:
        """Whether a task was shown as ended by a rule."""
        return task in self._forged

    def keep(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """The verdict with all that earlier ones demand of a message that no rule refuses."""
        if verdict.decision not in ("pass", "edit"):
            return verdict
        return self._ended(sighting, self.without_refused(sighting, self._repay(sighting, verdict)))

    def _remember_end(self, task: str, delivered: bytes) -> None:
        body = parse(delivered)
        shown = body.get("result") or body.get("params") or {}
        if shown.get("status") == "failed":
            self._forged.put(task, {name: shown.get(name) for name in ("status", "statusMessage", "error")})

    def without_refused(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A task shows a question until it has the answer: what was refused is not shown then either."""
        if not self._cut or sighting.task is None or sighting.end != "server":
            return verdict
        body = parse(verdict.delivered or sighting.message.raw) or {}
        member = next((name for name in ("result", "params") if isinstance(body.get(name), dict)), None)
        asked = body[member].get("inputRequests") if member is not None else None
        if not isinstance(asked, dict) or all((sighting.task, key) not in self._cut for key in asked):
            return verdict
        body = parse_exact(verdict.delivered or sighting.message.raw) or {}
        shown = body[member]
        left = {key: ask for key, ask in shown.pop("inputRequests").items() if (sighting.task, key) not in self._cut}
        shown |= {"inputRequests": left} if left else {"status": "working"}
        hits = (*verdict.hits, Hit("interpose", "keep", "the question was refused before"))
        return msgspec.structs.replace(verdict, decision="edit", hits=hits, delivered=encode(body))

    def _ended(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A task that was shown as failed stays so: a terminal state never changes (tasks extension)."""
        forged = self._forged.get(sighting.task) if sighting.task is not None and sighting.end == "server" else None
        if forged is None:
            return verdict
        body = parse_exact(verdict.delivered or sighting.message.raw) or {}
        member = next((name for name in ("result", "params") if isinstance(body.get(name), dict)), None)
        if member is None or "status" not in body[member]:
            return verdict
        kept = {name: value for name, value in body[member].items() if name not in ("result", "inputRequests")}
        hits = (*verdict.hits, Hit("interpose", "keep", "the task was ended by a rule before"))
        delivered = encode(body | {member: kept | forged})
        return msgspec.structs.replace(verdict, decision="edit", hits=hits, delivered=delivered)

    def _repay(self, sighting: Sighting, verdict: Verdict) -> Verdict:
        """A client that repeats a call answers only what it was asked: add the answers to what was cut out (MRTR)."""
        call = sighting.call
        if call is None or call.previous is None or sighting.kind is not Kind.REQUEST:
            return verdict
        owed = self._owed.pop(call.previous, None)
        if owed is None:
            return verdict
        body = parse_exact(verdict.delivered or sighting.message.raw)
        params = body["params"]
        params["inputResponses"] = {**params.get("inputResponses", {}), **owed}
        return msgspec.structs.replace(verdict, decision="edit", delivered=encode(body))
