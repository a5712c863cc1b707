"""An explanation for people: what came, what was decided, and how each rule took it."""

from collections.abc import Iterator
from typing import Any

from interpose.core.formats import records
from interpose.core.formats.excerpt import said
from interpose.core.formats.page import JSON
from interpose.core.formats.rehearsal_explain import Explanation, Treated
from interpose.core.formats.sheet import Row
from interpose.core.formats.words import cut, padded

Rows = Iterator[Row]

_SAID = {
    "pass": "it passes as it came",
    "edit": "something else goes on in its place",
    "answer": "it does not pass; who sent it gets an answer",
    "drop": "it does not pass",
    "withhold": "it does not pass yet; interpose answers in the client's place",
    "refuse": "the gate refuses it: two readers could read it differently",
}
_MARKS = {"yes": "fits", "no": "does not fit", "doubtful": "cannot tell, and so it counts where a rule denies"}
_NO_RULES = {
    "recording": "no verdict was recorded: no rule matched, or there was no policy; rules of a policy: --policy FILE",
    "rehearsal": "no rule matched, and the gate has nothing against it",
}


def rows(found: Explanation, width: int) -> Rows:
    """The rows to write."""
    yield (("head", cut(_title(found), width)),)
    decision = found.decision
    style = "good" if decision == "pass" else "warn" if decision == "edit" else "bad"
    yield ((style, f"  {decision}"), ("text", f": {_SAID.get(decision, decision)}"))
    name = max((len(said(each.rule, 60)) for each in found.rules), default=0)
    for treated in found.rules:
        yield from _rule(treated, name, width)
    if not any(treated.hit for treated in found.rules):
        yield (("dim", f"  {_NO_RULES[found.source]}"),)


def fields(found: Explanation) -> Row:
    """The same as one JSON object; the keys are a contract."""
    body: dict[str, Any] = {
        "type": "explanation",
        "seq": found.entry.seq,
        "from": found.entry.end,
        "source": found.source,
        "era": found.era,
        "method": found.method,
        "name": found.name,
        "decision": found.decision,
        "rules": [_fields(treated) for treated in found.rules],
    }
    return ((JSON, records.encoded(body)),)


def _title(found: Explanation) -> str:
    entry = found.entry
    what = " ".join(said(word, 80) for word in (found.method, found.name) if word) or "a message"
    words = [f"entry {entry.seq}: {what}", f"from the {entry.end}", found.era or ""]
    words.append("as recorded" if found.source == "recording" else "under this policy")
    return " · ".join(word for word in words if word)


def _rule(treated: Treated, room: int, width: int) -> Rows:
    hit = treated.hit
    if not treated.applied:
        style, word = "dim", "is about other messages"
    elif hit is None:
        style, word = "dim", "did not match"
    elif hit.acted:
        style, word = "warn", "matched and had its way"
    else:
        style = "open"
        word = "matched, in audit mode" if treated.mode == "audit" else "matched, but did not have its way"
    words = [f"{treated.do}: {word}"]
    words += [f"ask {said(treated.ask, 40)}"] if treated.ask is not None else []
    words += [said(hit.why)] if hit is not None and hit.why else []
    yield (("label", f"  {padded(said(treated.rule, 60), room)}  "), (style, cut(", ".join(words), width - room - 4)))
    for test in treated.tests:
        text = f"{' ' * room}      {test.field}: {_MARKS[test.fit]}" + (f" ({said(test.why)})" if test.why else "")
        yield (("dim" if test.fit == "yes" else "plain", cut(text, width)),)


def _fields(treated: Treated) -> dict[str, Any]:
    hit = treated.hit
    return {
        "rule": treated.rule,
        "do": treated.do,
        "mode": treated.mode,
        "policy": treated.policy or None,
        "applied": treated.applied,
        "matched": hit is not None,
        "acted": hit is not None and hit.acted,
        "ask": treated.ask,
        "why": hit.why if hit is not None else "",
        "tests": {test.field: test.fit for test in treated.tests},
    }
