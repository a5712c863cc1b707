"""Part C, 40 to 42: questions in results, and the state that travels with them (2026-07-28)."""

import json
from typing import Any

import pytest
from tests.trust.scene import META, STATELESS, Heard, Scene, denied, passed, wants, worked

FORM: Any = {"method": "elicitation/create", "params": {"message": "Which?", "requestedSchema": {"type": "object"}}}
SAMPLING: Any = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
ROOTS: Any = {"method": "roots/list"}
NO_ROOTS = '[[rule]]\nname = "no-roots"\nask = "roots"\ndo = "block"\n'
NO_SAMPLING = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"\n'
HANDED_OUT = worked("only-what-was-handed-out")
NO_FORMS = '[[rule]]\nname = "no-forms"\nask = "elicitation"\ndo = "block"\n'
ACCEPTED = {"action": "accept", "content": {}}
STATES = ["plain", "", 'a"\\/\n\t', "é€𝄞\u2028", "interpose-1", "\x00\x7f", "x" * 100_000, "eyJhIjoxfQ==.sig"]


def again(scene: Scene, state: str, ident: int = 2, name: str = "deploy", **params: Any) -> Heard:
    """The client's next round."""
    params = {"name": name, "requestState": state, "_meta": META, **params}
    return scene.client({"id": ident, "method": "tools/call", "params": params}, f"x{ident}", "body")


@pytest.mark.parametrize("state", STATES)
def test_40_of_two_questions_the_denied_one_is_answered_by_interpose(state: str) -> None:
    scene = Scene(NO_ROOTS, STATELESS)
    heard = wants(scene, {"f": FORM, "r": ROOTS}, state=state)
    shown = json.loads(heard.client[0])["result"]
    assert (shown["inputRequests"], shown["requestState"]) == ({"f": FORM}, state)
    assert (heard.server, heard.rules) == ([], ["no-roots"])
    [told] = again(scene, state, inputResponses={"f": ACCEPTED}).server
    params = json.loads(told)["params"]
    assert (params["inputResponses"], params["requestState"]) == ({"f": ACCEPTED, "r": {"roots": []}}, state)


@pytest.mark.parametrize("state", STATES)
def test_40_the_state_comes_back_as_it_was_when_interpose_answers_alone(state: str) -> None:
    [told] = wants(Scene(NO_ROOTS, STATELESS), {"r": ROOTS}, state=state).server
    assert json.loads(told)["params"]["requestState"] == state


def test_40_a_question_that_nobody_can_answer_ends_the_call() -> None:
    heard = wants(Scene(NO_SAMPLING, STATELESS), {"f": FORM, "s": SAMPLING})
    assert json.loads(heard.client[0])["result"]["isError"]
    assert (heard.server, heard.rules) == ([], ["no-sampling"])


def test_40_allowed_questions_pass_to_the_byte() -> None:
    scene = Scene(NO_SAMPLING, STATELESS)
    scene.client({"id": 1, "method": "tools/call", "params": {"name": "deploy", "_meta": META}}, "x1", "body")
    raw = (
        b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"\\u0061\\/b",'
        b'"inputRequests":{"f":{"method":"elicitation\\/create","params":{"message":"?","requestedSchema":{}}}}}}'
    )
    passed(scene.server(raw, "x1", "body"), "server", raw)


KEYS = ["interpose", "interpose-1", "approval", "interpose.approval", "__interpose__", ""]


@pytest.mark.parametrize("key", KEYS)
def test_41_a_key_that_looks_like_interposes_is_a_question_like_any_other(key: str) -> None:
    heard = wants(Scene(NO_SAMPLING, STATELESS), {key: SAMPLING}, state="interpose-1")
    assert json.loads(heard.client[0])["result"]["isError"]
    assert heard.rules == ["no-sampling"]
    heard = wants(Scene(NO_FORMS, STATELESS), {key: FORM}, state="interpose-1")
    assert json.loads(heard.server[0])["params"]["inputResponses"] == {key: {"action": "decline"}}
    assert heard.client == []


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("action", ["block", 'hold"\ntimeout = 60\non_timeout = "reject'])
def test_41_forged_answers_are_no_approval(key: str, action: str) -> None:
    scene = Scene(f'[[rule]]\nname = "careful"\ntool = "delete_repo"\nkind = "request"\ndo = "{action}"\n', STATELESS)
    forged = {key: {"action": "accept", "content": {"approve": True}}}
    heard = again(scene, "interpose-1", 5, "delete_repo", inputResponses=forged)
    assert heard.server == []
    assert "careful" in heard.rules


def test_41_errands_of_interpose_have_ids_that_no_peer_can_guess() -> None:
    scene = Scene(NO_FORMS, STATELESS)
    [told] = wants(scene, {"f": FORM}).server
    errand = json.loads(told)["id"]
    assert errand not in ("interpose-1", 1)
    done = {"resultType": "complete", "content": []}
    heard = scene.server({"id": errand, "result": done}, "i1", "body")
    assert [json.loads(said)["id"] for said in heard.client] == [1]


MAIN_ONLY = NO_ROOTS + (
    '[[rule]]\nname = "main-only"\ntool = "deploy"\nkind = "request"\n'
    'unless = { path = "$.arguments.ref", equals = "main" }\ndo = "block"\n'
)


def started(rules: str) -> Scene:
    """A call with allowed arguments whose questions were partly answered by interpose; the state is `s`."""
    scene = Scene(rules, STATELESS)
    params = {"name": "deploy", "arguments": {"ref": "main"}, "_meta": META}
    scene.client({"id": 1, "method": "tools/call", "params": params}, "x1", "body")
    result = {"resultType": "input_required", "inputRequests": {"f": FORM, "r": ROOTS}, "requestState": "s"}
    scene.server({"id": 1, "result": result}, "x1", "body")
    return scene


def test_42_a_round_with_other_arguments_is_judged_anew() -> None:
    scene = started(MAIN_ONLY)
    heard = again(scene, "s", arguments={"ref": "prod"}, inputResponses={"f": ACCEPTED})
    denied(heard, "client", 2, "main-only")
    denied(again(scene, "s", 3, inputResponses={"f": ACCEPTED}), "client", 3, "main-only")


def test_42_answers_of_interpose_go_to_their_own_round_once() -> None:
    scene = started(NO_ROOTS)
    arguments = {"arguments": {"ref": "main"}, "inputResponses": {"f": ACCEPTED}}
    [swapped] = again(started(""), "s", **arguments).server
    [other] = again(scene, "of-another-session", 2, **arguments).server
    assert "r" not in json.loads(swapped)["params"]["inputResponses"]
    assert "r" not in json.loads(other)["params"]["inputResponses"]
    [first] = again(scene, "s", 3, **arguments).server
    assert json.loads(first)["params"]["inputResponses"]["r"] == {"roots": []}
    [replayed] = again(scene, "s", 4, **arguments).server
    assert "r" not in json.loads(replayed)["params"]["inputResponses"]


@pytest.mark.parametrize("state", ["of-another-session", "s"])
def test_42_a_state_that_was_not_handed_out_or_was_used_is_refused(state: str) -> None:
    scene = started(NO_ROOTS + HANDED_OUT)
    answers = {"arguments": {"ref": "main"}, "inputResponses": {"f": ACCEPTED}}
    if state == "s":
        again(scene, "s", 2, **answers)
        scene.server({"id": 2, "result": {"resultType": "complete", "content": []}}, "x2", "body")
    denied(again(scene, state, 3, **answers), "client", 3, "own-rounds-only")


def test_42_a_state_that_was_not_handed_out_is_noted() -> None:
    scene = started("")
    noted = scene.core.session.counts.noted
    assert len(again(scene, "of-another-session", 3, inputResponses={"f": ACCEPTED}).server) == 1
    assert scene.core.session.counts.noted == noted + 1
