"""Rules on what the user's side answers: edits and refusals, in a response, a repeated call and an update of a task."""

import json
from typing import Any

import pytest
from tests.core.policy.actions.trying import BLOCKED, changed, rule
from tests.core.session.conversation import (
    FORM,
    RELATED,
    ROOTS,
    SAMPLE,
    TASKS,
    asking,
    modern,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.policy.actions.answered import ended_task, refuse_answers
from interpose.core.policy.changing import Changer
from interpose.core.policy.refusing import Refusal
from interpose.core.policy.verdict import Hit
from interpose.core.session.sighting import Sighting

Json = dict[str, Any]
MAIL = "ann@example.org"
FILLED: Json = {"action": "accept", "content": {"who": MAIL, "age": 50}}
SAID: Json = {"role": "assistant", "content": {"type": "text", "text": MAIL}, "model": "m"}
OURS: Json = {"roots": [{"uri": "file:///home/ann"}]}
EXTENSION: Any = {"extensions": {TASKS: {}}}
HITS = (Hit("r", "block"),)
CARRIERS = ["request", "input_request", "task"]


def answers(carrier: str, ask: Json, answer: Json, **meta: Any) -> Sighting:
    """The message that brings an answer, in one of the carriers, beside an argument and another answer."""
    if carrier == "request":
        talk = stateful()
        talk.server(request(9, ask["method"], **ask.get("params", {}), **meta))
        return talk.client(result(9, **answer))
    talk = stateless()
    talk.client(modern(1, "tools/call", EXTENSION, name="t", arguments={"to": MAIL}))
    given = {"k": answer, "other": {"action": "decline"}}
    if carrier == "input_request":
        talk.server(asking(1, "s", k=ask, other=FORM))
        return talk.client(
            modern(2, "tools/call", EXTENSION, name="t", arguments={"to": MAIL}, requestState="s", inputResponses=given)
        )
    talk.server(result(1, resultType="task", taskId="x", status="working", ttlMs=None))
    talk.client(modern(2, "tasks/get", EXTENSION, taskId="x"))
    shown = {"resultType": "complete", "taskId": "x", "ttlMs": None, "status": "input_required"}
    talk.server(result(2, **shown, inputRequests={"k": ask, "other": FORM}))
    return talk.client(modern(3, "tasks/update", EXTENSION, taskId="x", inputResponses=given))


def rest(seen: Sighting, delivered: bytes) -> tuple[Any, Any]:
    """What came and what goes on, without the answer."""
    both = [seen.message.body(), json.loads(delivered)]
    for body in both:
        if "inputResponses" in body.get("params", {}):
            body["params"]["inputResponses"].pop("k")
        body.pop("result", None)
    return both[0], both[1]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    ("one", "after"),
    [
        (rule("set", ask="elicitation", kind="result", path="$.content.who", value="x"), {"who": "x", "age": 50}),
        (rule("remove", ask="elicitation", kind="result", path="$.content.who"), {"age": 50}),
        (rule("cap", ask="elicitation", kind="result", path="$.content.age", at_most=9), {"who": MAIL, "age": 9}),
        (rule("set", ask="elicitation", kind="result", path="$.other.place", value=1), None),
        (rule("cap", ask="elicitation", kind="result", path="$.content.who", at_most=9), BLOCKED),
    ],
    ids=["set", "remove", "cap", "nothing is created", "no number"],
)
def test_an_answer_is_edited_where_it_stands(carrier: str, one: Any, after: Any) -> None:
    seen = answers(carrier, FORM, FILLED)
    expected = {"action": "accept", "content": after} if isinstance(after, dict) else after
    assert changed(one, seen, seen.asks[0]) == expected


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(("ask", "answer"), [(FORM, FILLED), (SAMPLE, SAID)])
def test_only_the_answer_is_masked(carrier: str, ask: Json, answer: Json) -> None:
    one = rule("redact", ask=["elicitation", "sampling"], kind="result", patterns={"x": 'ann[^"]*'})
    seen = answers(carrier, ask, answer)
    done = Changer({}, b"").change(seen, [(one, seen.asks[0])], {})
    for raw in (done.delivered, done.recorded):
        assert raw is not None
        before, after = rest(seen, raw)
        assert before == after
        assert b"ann" not in raw.replace(json.dumps({"to": MAIL}, separators=(",", ":")).encode(), b"")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_directories_of_the_user_are_replaced(carrier: str) -> None:
    one = rule("set", ask="roots", kind="result", path="$.roots", value=[])
    seen = answers(carrier, ROOTS, OURS)
    assert changed(one, seen, seen.asks[0]) == {"roots": []}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_answer_with_nothing_to_mask_goes_as_it_came(carrier: str) -> None:
    one = rule("redact", ask="elicitation", kind="result", find="email")
    seen = answers(carrier, FORM, {"action": "accept", "content": {"who": "Ann"}})
    done: dict[int, Any] = {}
    found = Changer({}, b"").change(seen, [(one, seen.asks[0])], done)
    assert (found.delivered, found.recorded, done[0].words) == (None, None, None)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    ("ask", "answer", "refusal", "value"),
    [
        (FORM, FILLED, {"result": {"action": "decline"}}, {"action": "decline"}),
        (ROOTS, OURS, {"error": -32601}, {"roots": []}),
    ],
    ids=["elicitation", "roots"],
)
def test_a_legal_refusal_stands_in_the_place_of_an_answer(
    carrier: str, ask: Json, answer: Json, refusal: Json, value: Json
) -> None:
    seen = answers(carrier, ask, answer)
    verdict = refuse_answers(seen, {seen.asks[0].key: Refusal(seen.asks[0], "r", "No.")}, HITS)
    assert (verdict.decision, verdict.own, verdict.answer) == ("edit", (), None)
    assert verdict.delivered is not None
    before, after = rest(seen, verdict.delivered)
    assert before == after or carrier == "request"
    said = json.loads(verdict.delivered)
    if carrier == "request":
        assert said["id"] == 9
        assert refusal == ({"error": said["error"]["code"]} if "error" in said else {"result": said["result"]})
    else:
        assert said["params"]["inputResponses"]["k"] == value
    assert ended_task(seen, Refusal(seen.asks[0], "r", "No.")) is None


def test_a_refused_answer_of_a_task_names_the_task() -> None:
    related = {RELATED: {"taskId": "x"}}
    seen = answers("request", FORM, FILLED, _meta=related)
    verdict = refuse_answers(seen, {"9": Refusal(seen.asks[0], "r", "No.")}, HITS)
    assert json.loads(verdict.delivered or b"")["result"] == {"action": "decline", "_meta": related}


def test_sampling_that_is_refused_in_a_response_was_rejected_by_the_user() -> None:
    seen = answers("request", SAMPLE, SAID)
    verdict = refuse_answers(seen, {"9": Refusal(seen.asks[0], "r", "No.")}, HITS)
    assert json.loads(verdict.delivered or b"")["error"]["code"] == -1


def test_no_value_refuses_sampling_and_so_the_call_ends_for_the_client() -> None:
    seen = answers("input_request", SAMPLE, SAID)
    verdict = refuse_answers(seen, {"k": Refusal(seen.asks[0], "r", "No.")}, HITS)
    assert (verdict.decision, verdict.delivered, verdict.own) == ("answer", None, ())
    said = json.loads(verdict.answer or b"")
    assert (said["id"], said["result"]["isError"], said["result"]["resultType"]) == (2, True, "complete")


def test_no_value_refuses_sampling_and_so_the_task_is_cancelled_and_looks_failed() -> None:
    seen = answers("task", SAMPLE, SAID)
    refusal = Refusal(seen.asks[0], "r", "No.")
    verdict = refuse_answers(seen, {"k": refusal}, HITS)
    assert verdict.decision == "answer"
    assert json.loads(verdict.answer or b"") == {"jsonrpc": "2.0", "id": 3, "result": {"resultType": "complete"}}
    [own] = verdict.own
    assert (own.body["method"], own.body["params"]["taskId"], own.id) == ("tasks/cancel", "x", None)
    assert "inputResponses" not in own.body["params"]
    ended = ended_task(seen, refusal)
    assert ended is not None
    assert (ended["status"], ended["error"]["code"]) == ("failed", -31001)
