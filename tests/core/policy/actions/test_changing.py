"""Rules on trial: in audit mode a message is marked just where the rule would change it, and nothing changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy.actions.test_properties import METHODS, RULES, SECTIONS, seen
from tests.core.policy.actions.trying import rule
from tests.core.session.conversation import request, result, stateful, stateless

from interpose.core.events import End
from interpose.core.policy.actions import EditFault
from interpose.core.policy.actions.limit import exceeded
from interpose.core.policy.changing import Change, Changer

MAIL = rule("redact", find="email")
BROKEN = "could not be carried out"


def on_trial(one: Any) -> Any:
    return one.model_copy(update={"mode": "audit"})


@pytest.mark.parametrize("one", [*RULES, MAIL], ids=lambda one: f"{one.do}-{getattr(one, 'path', '')}")
@given(
    method=st.sampled_from(METHODS),
    kind=st.sampled_from(["params", "result", "error"]),
    section=SECTIONS,
    era=st.sampled_from([stateful, stateless]),
    end=st.sampled_from(["client", "server"]),
)
def test_audit_and_enforce_hit_the_same_messages(
    one: Any, method: str, kind: str, section: Any, era: Any, end: End
) -> None:
    sighting = seen(method, kind, section, era(), end)
    tried: dict[int, Change] = {}
    trial = Changer({}, b"").change(sighting, [(on_trial(one), None)], tried)
    assert (trial.delivered, trial.recorded) == (None, None)
    done: dict[int, Change] = {}
    try:
        Changer({}, b"").change(sighting, [(one, None)], done)
    except EditFault:
        assert (tried[0].words or "").startswith(BROKEN)
        return
    assert tried == done


def test_a_rule_on_trial_sees_what_rules_before_it_left_and_leaves_no_trace_for_those_after_it() -> None:
    sighting = stateful().client(request(1, "tools/call", n=50))
    rules = [
        (rule("cap", path="$.n", at_most=20), None),
        (on_trial(rule("cap", path="$.n", at_most=20)), None),
        (on_trial(rule("set", path="$.n", value=1)), None),
        (rule("cap", path="$.n", at_most=10), None),
    ]
    done: dict[int, Change] = {}
    changed = Changer({}, b"").change(sighting, rules, done)
    assert json.loads(changed.delivered or b"")["params"]["n"] == 10
    assert [done[n].words for n in range(4)] == [
        "capped $.n from 50 to 20",
        None,
        "set $.n",
        "capped $.n from 20 to 10",
    ]


def test_a_pin_on_trial_learns_and_changes_nothing() -> None:
    talk, changer, one = stateful(), Changer({}, b""), on_trial(rule("pin"))
    words = []
    for n, title in enumerate(["a", "b"]):
        talk.client(request(n, "tools/list"))
        done: dict[int, Change] = {}
        listed = talk.server(result(n, tools=[{"name": "t", "title": title}]))
        assert changer.change(listed, [(one, None)], done).delivered is None
        words.append(done[0].words)
    assert words == [None, "changed: 't' (title)"]


@pytest.mark.parametrize("one", [rule("pin", on_change="note"), rule("pin")])
def test_what_is_only_found_does_not_spell_the_message_anew(one: Any) -> None:
    talk, changer = stateful(), Changer({}, b"")
    tools = [[{"name": "t"}], [{"name": "t"}, {"name": "u"}]]
    for n, each in enumerate(tools):
        talk.client(request(n, "tools/list"))
        listed = talk.server(json.dumps(result(n, tools=each), indent=1).encode())
        done: dict[int, Change] = {}
        assert changer.change(listed, [(one, None)], done).delivered is None
        assert done[0].words == (None if n == 0 else "new: 'u' (since the first list)")


def test_placeholders_are_not_used_up_by_a_rule_on_trial() -> None:
    state: dict[str, Any] = {}
    changer = Changer(state, b"")
    first = stateful().client(request(1, "tools/call", x="ann@example.org"))
    changer.change(first, [(on_trial(MAIL), None)], {})
    second = stateful().client(request(2, "tools/call", x="bob@example.org"))
    assert b"[personal:email-1]" in (changer.change(second, [(MAIL, None)], {}).delivered or b"")


def test_an_ask_is_judged_by_what_it_would_ask_for_then() -> None:
    sighting = stateful().server(request(9, "sampling/createMessage", messages=[], maxTokens=4000))
    [ask] = sighting.asks
    limit = rule("limit", ask="sampling", tokens=500, per="session")
    lowered = Changer({}, b"").valued(
        sighting, [(limit, ask), (rule("cap", ask="sampling", path="$.maxTokens", at_most=300), ask), (MAIL, None)]
    )
    assert exceeded(limit, sighting, ask, {}) == "more than 500 tokens per session"
    assert exceeded(limit, sighting, ask, {}, lowered) is None


def test_wire_and_recording_share_one_masking_while_they_are_alike() -> None:
    sighting = stateful().client(request(1, "tools/call", to="ann@example.org", ticket="T-4711"))
    both = (rule("redact", find="email"), None)
    changed = Changer({}, b"").change(sighting, [both], {})
    assert changed.delivered is changed.recorded
    assert changed.delivered is not None
    kept_only = (rule("redact", patterns={"ticket": "T-[0-9]+"}, where=["recording"]), None)
    done: dict[int, Change] = {}
    changed = Changer({}, b"").change(sighting, [kept_only, both], done)
    assert [each.words for each in done.values()] == ["masked 1 ticket", "masked 1 email"]
    assert b"T-4711" in (changed.delivered or b"")
    assert b"T-4711" not in (changed.recorded or b"")
    for said in (changed.delivered, changed.recorded):
        assert said is not None
        assert b"ann@example.org" not in said
