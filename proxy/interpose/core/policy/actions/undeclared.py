"""What comes although the capability for it was stripped: an ask, a call, a notification. See strip.py."""

from interpose.core.policy.actions.capability import TASKS, Capability, covers, paths
from interpose.core.policy.actions.denial import INVALID_PARAMS, METHOD_NOT_FOUND, Denial
from interpose.core.policy.rule import Strip
from interpose.core.protocol import FIRST_STATELESS, Method, table
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, parse

_TABLES = {"stateful": table("2025-11-25"), "stateless": table(FIRST_STATELESS, [TASKS[-1]])}
# What the tables leave open, since sending it is optional.
_UNGATED: dict[str, Capability] = {
    "notifications/tasks/status": ("tasks",),
    "notifications/elicitation/complete": ("elicitation", "url"),
}


def asked_all_the_same(rule: Strip, ask: Ask) -> Denial | None:
    """The refusal of an ask that needs what was stripped (2025-11-25 §client/elicitation, §client/sampling)."""
    stripped = paths(rule.capability)
    if covers(stripped, (ask.kind,)):
        return Denial(METHOD_NOT_FOUND, "Method not found")
    if ask.kind == "elicitation" and covers(stripped, ("elicitation", ask.mode or "form")):
        return Denial(INVALID_PARAMS, f"Elicitation mode not supported: {ask.mode or 'form'}")
    if ask.kind == "sampling":
        lacking = next((part for part in _parts(ask) if covers(stripped, ("sampling", part))), None)
        if lacking is not None:
            return Denial(INVALID_PARAMS, f"Sampling with {lacking} is not supported")
    return None


def denial(rule: Strip, sighting: Sighting) -> Denial | None:
    """The refusal of a request, not an ask, for what was stripped from the side that would answer it."""
    method = _method(sighting)
    if sighting.kind is not Kind.REQUEST or method is None or method.ask is not None:
        return None
    return Denial(METHOD_NOT_FOUND, "Method not found") if _is_stripped(rule, method.gate) else None


def is_swallowed(rule: Strip, sighting: Sighting) -> bool:
    """Whether a notification tells of what its receiver must take to be missing."""
    if sighting.kind is not Kind.NOTIFICATION:
        return False
    ungated = _UNGATED.get(sighting.method or "")
    if ungated is not None:
        return covers(paths(rule.capability), ungated)
    method = _method(sighting)
    return method is not None and _is_stripped(rule, method.gate)


def _method(sighting: Sighting) -> Method | None:
    return _TABLES[sighting.era].get(sighting.method or "")


def _is_stripped(rule: Strip, gate: tuple[str, ...]) -> bool:
    """A gate's first word is the side that declares it."""
    return len(gate) > 1 and covers(paths(rule.capability), gate[1:])


def _parts(ask: Ask) -> list[str]:
    """The parts of sampling that an ask uses; all of them when it cannot be read."""
    params = parse(ask.params or b"{}")
    if not isinstance(params, dict):
        return ["tools", "context"]
    uses_tools = params.get("tools") is not None or params.get("toolChoice") is not None
    uses_context = params.get("includeContext") not in (None, "none")
    return [part for part, used in (("tools", uses_tools), ("context", uses_context)) if used]
