"""What does not pass while any rule is enforced, though no rule names it; a rule that allows the message overrules it.

A server's request that no version knows could be anything, one in the stateless era is forbidden, and an answer that
nobody waits for is either a mistake or an attempt to be heard.
"""

import msgspec

from interpose.core.policy.denying import denied
from interpose.core.policy.outcome import NOT_FOUND
from interpose.core.policy.verdict import Hit, Verdict
from interpose.core.protocol import VERSIONS, table
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

HOUSE = "interpose"
_KNOWN = frozenset().union(*(table(version).sent_by("server", "request") for version in VERSIONS))
_UNAWAITED = frozenset({"orphan", "duplicate-answer"})


def in_house(sighting: Sighting, verdict: Verdict) -> Verdict:
    """The verdict, but what must not pass does not."""
    if verdict.decision not in ("pass", "edit", "hold"):
        return verdict
    message = sighting.message
    if message.is_response:
        if message.id in (None, "null") or _UNAWAITED.isdisjoint(sighting.notes) or _is_allowed(verdict):
            return verdict
        hits = (*verdict.hits, Hit(HOUSE, "drop", "nobody waits for this answer"))
        return Verdict("drop", hits, recorded=verdict.recorded)
    if sighting.end != "server" or sighting.kind is not Kind.REQUEST:
        return verdict
    why = _objection(sighting)
    if why is None or _is_allowed(verdict):
        return verdict
    hits = (*verdict.hits, Hit(HOUSE, "block", why))
    refused = denied(sighting, NOT_FOUND, f"Method not found: {sighting.method}", HOUSE, hits)
    return msgspec.structs.replace(refused, recorded=verdict.recorded)


def _objection(sighting: Sighting) -> str | None:
    if sighting.era == "stateless":
        return "a server makes no requests in this version"
    return None if sighting.method in _KNOWN else "no version knows this method of a server"


def _is_allowed(verdict: Verdict) -> bool:
    return any(hit.do == "allow" and hit.acted for hit in verdict.hits)
