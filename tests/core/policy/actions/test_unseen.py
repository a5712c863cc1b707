"""Sign-ins that a rule kept from the client: their completion is kept from it, too."""

import json
from typing import Any

import pytest
from tests.core.session.conversation import error, notification, request, result, stateful

from interpose.core.policy.actions.unseen import shown, unseen
from interpose.core.session.sighting import Sighting

LINK: dict[str, Any] = {"mode": "url", "message": "Sign in", "url": "https://a.example/", "elicitationId": "e-1"}
COMPLETE = "notifications/elicitation/complete"


def asked() -> Sighting:
    talk = stateful()
    talk.client(request(1, "tools/call", name="t"))
    return talk.server(request(9, "elicitation/create", **LINK))


def completed(ident: Any = "e-1") -> Sighting:
    return stateful().server(notification(COMPLETE, elicitationId=ident))


def test_what_the_client_was_not_asked_is_not_reported_to_it_as_complete() -> None:
    state: dict[str, Any] = {}
    seen = asked()
    shown(seen, None, [(seen.asks[0], "ours-only")], state)
    assert unseen(completed(), state) == "the client was never asked: `ours-only` answered in its place"
    assert unseen(completed("e-2"), state) is None


def test_what_it_was_asked_is() -> None:
    state: dict[str, Any] = {}
    seen = asked()
    shown(seen, seen.message.raw, [], state)
    assert unseen(completed(), state) is None


def test_what_it_is_asked_after_all_is() -> None:
    state: dict[str, Any] = {}
    seen = asked()
    shown(seen, None, [(seen.asks[0], "r")], state)
    shown(seen, seen.message.raw, [], state)
    assert unseen(completed(), state) is None


def test_of_several_links_those_that_were_cut_out() -> None:
    talk, state = stateful(), {}
    talk.client(request(1, "tools/call", name="t"))
    seen = talk.server(error(1, -32042, {"elicitations": [LINK, LINK | {"elicitationId": "e-2"}]}))
    left = error(1, -32042, {"elicitations": [LINK | {"elicitationId": "e-2"}]})
    shown(seen, json.dumps(left).encode(), [(seen.asks[0], "r")], state)
    assert unseen(completed("e-1"), state) is not None
    assert unseen(completed("e-2"), state) is None
    shown(seen, json.dumps(result(1, isError=True)).encode(), [(seen.asks[0], "r")], state)
    assert unseen(completed("e-2"), state) is not None


@pytest.mark.parametrize(
    "said",
    [notification("notifications/progress", progressToken="e-1"), request(1, COMPLETE, elicitationId="e-1")],
)
def test_nothing_else_is_kept_back(said: Any) -> None:
    state: dict[str, Any] = {}
    seen = asked()
    shown(seen, None, [(seen.asks[0], "r")], state)
    assert unseen(stateful().server(said), state) is None
    assert unseen(stateful().client(notification(COMPLETE, elicitationId="e-1")), state) is None
    assert unseen(completed(7), state) is None


def test_memory_is_bounded() -> None:
    state: dict[str, Any] = {}
    talk = stateful()
    for n in range(5000):
        seen = talk.server(request(n, "elicitation/create", **LINK | {"elicitationId": f"e-{n}"}))
        shown(seen, None, [(seen.asks[0], "r")], state)
    assert [len(kept) for kept in state.values()] == [4096]
