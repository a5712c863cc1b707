"""A conversation and what rules know of it, and asks in each of their carriers."""

from typing import Any

from tests.core.session.conversation import (
    TASKS,
    Talk,
    asking,
    error,
    modern,
    notification,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.rule import RULE
from interpose.core.policy.select import Selector, compile_rule
from interpose.core.policy.shortlist import Shortlist
from interpose.core.policy.subject import Subject
from interpose.core.session.sighting import Sighting

URL = {"mode": "url", "message": "Sign in", "url": "https://accounts.example.com/start", "elicitationId": "e-1"}
URL_ASK = {"method": "elicitation/create", "params": URL}
EVERY: dict[str, Any] = {
    "sampling": {},
    "elicitation": {"form": {}, "url": {}},
    "roots": {},
    "extensions": {TASKS: {}},
}


def selector(**fields: Any) -> Selector:
    return compile_rule(RULE.validate_python({"name": "r", "do": "block"} | fields))


def matches(selector: Selector, facts: Facts, sighting: Sighting) -> bool | str:
    """Whether a message, or any of its asks, is matched, or `doubt`: the same with every short cut that there is."""
    if not selector.applies_to(sighting.method, sighting.kind, sighting.end, bool(sighting.asks)):
        return False
    found = _matches(selector, facts, sighting)
    assert found is _matches_shortlisted(selector, facts, sighting)
    return found


def _matches_shortlisted(selector: Selector, facts: Facts, sighting: Sighting) -> bool | str:
    key = (sighting.method, sighting.kind, sighting.end, bool(sighting.asks), sighting.name)
    if not selector.applies_to(*key):
        return False
    left = Shortlist([selector.given(*key)]).of(Subject(sighting))
    return _matches(left[0], facts, sighting) if left else False


def _matches(selector: Selector, facts: Facts, sighting: Sighting) -> bool | str:
    asks = sighting.asks if selector.about_asks else (None,)
    found: list[bool | str] = []
    for ask in asks:
        try:
            found.append(selector(Subject(sighting, ask), facts))
        except RuleFault:
            found.append("doubt")
    return next((each for each in found if each), False)


class Watched:
    """A conversation and what rules know of it."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.facts = talk, Facts("files")
        self.seen: Sighting

    def client(self, body: Any) -> "Watched":
        return self._see(self.talk.client(body))

    def server(self, body: Any) -> "Watched":
        return self._see(self.talk.server(body))

    def _see(self, sighting: Sighting) -> "Watched":
        self.facts.see(sighting)
        self.seen = sighting
        return self

    def matches(self, **fields: Any) -> bool | str:
        return matches(selector(**fields), self.facts, self.seen)


def in_request(ask: dict[str, Any]) -> Watched:
    watched = Watched(stateful()).client(request(1, "tools/call", name="deploy"))
    return watched.server(request(9, ask["method"], **ask.get("params", {})))


def in_result(ask: dict[str, Any]) -> Watched:
    watched = Watched(stateless()).client(modern(1, "tools/call", EVERY, name="deploy"))
    return watched.server(asking(1, "state", key=ask))


def in_task(ask: dict[str, Any]) -> Watched:
    watched = Watched(stateless()).client(modern(1, "tools/call", EVERY, name="deploy"))
    watched.server(result(1, resultType="task", taskId="t-1", status="working"))
    watched.client(modern(2, "tasks/get", EVERY, taskId="t-1"))
    return watched.server(
        result(2, resultType="complete", taskId="t-1", status="input_required", inputRequests={"key": ask})
    )


def in_task_notification(ask: dict[str, Any]) -> Watched:
    watched = Watched(stateless()).client(modern(1, "tools/call", EVERY, name="deploy"))
    watched.server(result(1, resultType="task", taskId="t-1", status="working"))
    return watched.server(
        notification("notifications/tasks", taskId="t-1", status="input_required", inputRequests={"key": ask})
    )


def in_error(ask: dict[str, Any]) -> Watched:
    watched = Watched(stateful()).client(request(1, "tools/call", name="deploy"))
    return watched.server(error(1, -32042, {"elicitations": [ask["params"]]}))
