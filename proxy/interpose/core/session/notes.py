"""What is odd about a message, as short words. The session follows all the same: only a policy refuses."""

from interpose.core.events import other
from interpose.core.protocol import VERSIONS, Era, Method, table
from interpose.core.session.asks import Ask
from interpose.core.session.opening import Capabilities
from interpose.core.session.sighting import Heard
from interpose.core.session.state import State
from interpose.core.wire.message import Kind

NOTES = {
    "after-cancel": "an answer to a request that its sender had cancelled",
    "batch-not-in-version": "a batch in a version that has none",
    "cancel-of-initialize": "initialize cannot be cancelled",
    "cancel-of-task": "a request that became a task is cancelled by tasks/cancel only",
    "duplicate-answer": "a second answer to the same request",
    "duplicate-id": "an id that another request of that end still waits under",
    "late": "an answer that came after the request had ended another way",
    "no-opening": "a stateful request before initialize",
    "not-in-version": "a method of another version than the one in force",
    "not-negotiated": "what it needs was not declared by the side that would have to",
    "null-id": "an error without the id of its request, known by its HTTP exchange",
    "orphan": "an answer to a request that was never seen",
    "replayed": "a message that a resumed stream brings again",
    "resent": "a request sent again after its exchange failed",
    "reused-state": "answers to questions, or a request state, that were given before",
    "reused-id": "an id used before in the same session",
    "server-request-in-stateless": "a server's request where servers only answer (2026-07-28)",
    "task-state": "a task state that cannot follow the one before it",
    "unknown-ask": "the completion of an elicitation that was never seen",
    "unknown-request": "the cancellation of a request that does not wait",
    "unknown-state": "answers or a request state that belong to no round seen",
    "unknown-subscription": "a message of a listen stream that is not open",
    "unknown-task": "a task id that was not handed out before",
    "unknown-token": "progress for a token that nobody gave",
    "wrong-direction": "a method that the other end sends",
}

_EVERY_METHOD = frozenset().union(*(table(version).methods for version in VERSIONS))
# Ping and the opening itself are legal before anything is agreed (2025-11-25 §basic/lifecycle).
_BEFORE_OPENING = frozenset({"initialize", "ping", "server/discover"})
_FIRST_MODES = "2025-11-25"


def against_table(
    state: State, heard: Heard, era: Era, method: Method | None, client: Capabilities | None = None
) -> tuple[str, ...]:
    """What a request's or notification's method has against it; `client` are the capabilities it carries itself."""
    if heard.message.kind is Kind.REQUEST and heard.end == "server" and era == "stateless":
        return ("server-request-in-stateless",)
    if state.version(era) is None:
        return _before_opening(state, heard, era)
    if method is None:
        return ("not-in-version",) if heard.message.method in _EVERY_METHOD else ()
    if method.direction not in (heard.end, "either"):
        return ("wrong-direction",)
    return () if not method.gate or _is_open(state, heard, era, method.gate, client) else ("not-negotiated",)


def against_ask(ask: Ask, declared: Capabilities | None, version: str | None) -> tuple[str, ...]:
    """Whether the client said it can be asked this."""
    if declared is None:
        return ()
    path: tuple[str, ...] = (ask.kind,)
    if ask.mode is not None and (version or _FIRST_MODES) >= _FIRST_MODES:
        path = (ask.kind, ask.mode)
    return () if declared.declares(path) else ("not-negotiated",)


def against_task(state: State, heard: Heard) -> tuple[str, ...]:
    """Whether the receiver of a request with `params.task` said that it runs tasks for that method (2025-11-25)."""
    declared = state.declared(other(heard.end), "stateful")
    path = ("tasks", "requests", *(heard.message.method or "").split("/"))
    return () if declared is None or declared.declares(path) else ("not-negotiated",)


def _before_opening(state: State, heard: Heard, era: Era) -> tuple[str, ...]:
    early = (
        era == "stateful"
        and state.openings[era].state == "none"
        and heard.message.kind is Kind.REQUEST
        and heard.message.method not in _BEFORE_OPENING
    )
    return ("no-opening",) if early else ()


def _is_open(state: State, heard: Heard, era: Era, gate: tuple[str, ...], client: Capabilities | None) -> bool:
    side = other(heard.end) if gate[0] == "receiver" else gate[0]
    declared = client if client is not None and side == "client" else state.declared(side, era)
    return declared is None or declared.declares(gate[1:])
