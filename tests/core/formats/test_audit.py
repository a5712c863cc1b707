"""The consent trail: golden sessions of both eras, and what a policy did to asks."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.core.formats.tape import HEADER, NOON, Tape, modern
from tests.core.test_rehearse import BLOCK, DECLINE, FOLDER, STATEFUL, STATELESS, live, policy, recorded

from interpose.core.formats.audit import Trail
from interpose.core.formats.audit_page import CsvPage, JsonPage, Page, TextPage, summary
from interpose.core.formats.audit_record import COLUMNS, Record
from interpose.core.formats.paint import plain
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header


def trail(header: Header, entries: list[Entry]) -> tuple[Record, ...]:
    followed = Trail(header, "r.jsonl")
    for entry in entries:
        followed.take(entry)
    return followed.end()


def of_file(path: Path, *kinds: str) -> list[Record]:
    return [record for record in trail(*recorded(path)) if not kinds or record.kind in kinds]


def of_tape(tape: Tape) -> list[Record]:
    return list(trail(HEADER, [decode_entry(line) for line in tape.lines[1:]]))


def said(found: list[Record]) -> list[tuple[str, str, str]]:
    return [(f"{record.kind} {record.mode}".strip(), record.decision, record.by) for record in found]


ASKS = [
    ("sampling", "allowed", "host"),
    ("elicitation form", "allowed", "user"),
    ("elicitation form", "refused", "user"),
    ("elicitation url", "allowed", "user"),
    ("roots", "allowed", "host"),
]


@pytest.mark.parametrize(("path", "carrier"), [(STATEFUL, "request"), (STATELESS, "input_request")])
def test_the_trail_is_the_same_in_both_eras(path: Path, carrier: str) -> None:
    found = of_file(path, "sampling", "elicitation", "roots")
    assert [each for each in said(found) if each in ASKS] == ASKS
    assert {record.carrier for record in found} <= {carrier, "error"}
    model = found[0]
    assert (model.messages, model.max_tokens, model.model) == (1, 50, "canned-1")
    assert (model.call, model.server, model.recording) == ("tools/call ask_model", "py", "r.jsonl")
    form = next(record for record in found if record.fields)
    assert (form.message, form.fields, form.host) == ("Who is asking?", ("name", "age"), "")
    url = next(record for record in found if record.mode == "url")
    assert (url.message, url.host, len(url.correlation)) == ("Please sign in", "example.test", 12)
    roots = found[[record.kind for record in found].index("roots")]
    assert (roots.root_count, roots.roots) == (1, ("file:///srv/project",))


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.jsonl")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_body_and_no_filled_in_value_is_in_a_trail(path: Path) -> None:
    header, entries = recorded(path)
    found = trail(header, entries)
    shown = "".join(plain(row) for page in pages() for row in page.trail("r", header, None, found))
    assert "Ada" not in shown
    assert "because" not in shown
    assert all(record.decision != "open" for record in found)


def pages() -> tuple[Page, ...]:
    return TextPage(300, True), JsonPage(True), CsvPage(True)


def test_a_policy_that_refuses_is_named() -> None:
    for path in (STATEFUL, STATELESS):
        header, entries = live(*recorded(path), policy(BLOCK, DECLINE))
        found = [record for record in trail(header, entries) if record.kind in ("sampling", "elicitation")]
        assert [(record.decision, record.by, record.rule) for record in found][:3] == [
            ("refused", "policy", "no-sampling"),
            ("refused", "policy", "no"),
            ("refused", "policy", "no"),
        ]
        assert said(found)[3] == ("elicitation url", "allowed", "user")


def test_a_policy_that_edits_is_told_with_who_allowed_it() -> None:
    for path in (STATEFUL, STATELESS):
        cap = 'name = "less"\nask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 10'
        model = next(record for record in trail(*live(*recorded(path), policy(cap))) if record.kind == "sampling")
        assert (model.decision, model.by, model.rule) == ("changed", "host", "less")


def test_an_edited_answer_is_told_as_well() -> None:
    less = 'name = "mute"\nmethod = "sampling/createMessage"\nkind = "result"\ndo = "remove"\npath = "$.stopReason"'
    note = 'name = "n"\nmethod = "sampling/createMessage"\nkind = "result"\ndo = "note"'
    found = trail(*live(*recorded(STATEFUL), policy(less, note)))
    [model] = [record for record in found if record.kind == "sampling"]
    assert (model.decision, model.by, model.rule) == ("changed", "host", "mute")


def test_an_answer_in_the_user_s_place_and_an_answer_that_is_stopped_are_the_policy_s() -> None:
    accept = (
        'name = "yes"\nask = "elicitation"\nmode_is = "form"\ndo = "answer"\noutcome = "accept"\ncontent = { n = 1 }'
    )
    stop = 'name = "stop"\nmethod = "sampling/createMessage"\nkind = "result"\ndo = "block"'
    found = trail(*live(*recorded(STATEFUL), policy(accept, stop)))
    told = [(record.kind, record.decision, record.by, record.rule) for record in found if record.kind != "task"]
    assert ("elicitation", "answered", "policy", "yes") in told
    assert ("sampling", "refused", "policy", "stop") in told
    asked = trail(*live(*recorded(STATELESS), policy(accept)))
    assert [record.decision for record in asked if record.mode == "form"] == ["answered", "answered"]


def nested(ident: int, method: str, **params: Any) -> Tape:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "plan"})
    return tape.server(id=ident, method=method, params=params)


def test_who_refused_is_told_as_far_as_the_protocol_says() -> None:
    tape = nested(5, "sampling/createMessage", messages=[])
    tape.client(id=5, error={"code": -1, "message": "User rejected sampling request"})
    tape.server(id=6, method="sampling/createMessage", params={"messages": [], "tools": [{}], "systemPrompt": "x"})
    tape.client(id=6, error={"code": -32603, "message": "no"})
    tape.server(id=7, method="elicitation/create", params={"message": "m", "requestedSchema": {}})
    tape.client(id=7, result={"action": "cancel"})
    tape.server(id=8, method="elicitation/create", params={"message": "m", "requestedSchema": {}})
    tape.server(method="notifications/cancelled", params={"requestId": 8})
    found = of_tape(tape)
    assert [each[1:] for each in said(found)] == [
        ("refused", "user"),
        ("refused", "host"),
        ("dismissed", "user"),
        ("withdrawn", "server"),
    ]
    assert (found[1].tools, found[1].system_bytes, found[0].tools) == (1, 3, None)
    assert [record.number for record in found] == ["s#1", "s#2", "s#3", "s#4"]
    assert {record.inside for record in found} == {("#2",)}


def test_what_nobody_answered_is_open_while_the_session_runs_and_unanswered_after() -> None:
    assert said(of_tape(nested(5, "roots/list"))) == [("roots", "open", "nobody")]
    assert said(of_tape(nested(5, "roots/list").ends())) == [("roots", "unanswered", "nobody")]


def test_an_ask_of_several_calls_names_them_all() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a"})
    tape.client(id=2, method="tools/call", params={"name": "b"}).server(id=5, method="roots/list")
    [record] = of_tape(tape)
    assert (record.inside, record.sure) == (("#2", "#3"), False)
    [row] = list(TextPage(160, True).trail("r", HEADER, NOON, [record]))[1:-1]
    assert "in #2 or #3 ?" in plain(row)


def test_a_sign_in_that_an_error_demands_is_followed_to_its_end() -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a"})
    entry = {"mode": "url", "elicitationId": "e1", "url": "https://user@login.test/x", "message": "Sign in"}
    tape.server(id=1, error={"code": -32042, "message": "m", "data": {"elicitations": [entry]}})
    [record] = of_tape(tape)
    assert (record.carrier, record.decision, record.host) == ("error", "open", "unclear")
    tape.server(method="notifications/elicitation/complete", params={"elicitationId": "e1"})
    assert said(of_tape(tape)) == [("elicitation url", "allowed", "user")]


def test_a_sign_in_that_was_accepted_stays_so_when_it_is_done() -> None:
    tape = nested(5, "elicitation/create", mode="url", elicitationId="e1", url="https://login.test/x", message="m")
    tape.client(id=5, result={"action": "accept"})
    before = of_tape(tape)[0].seconds
    tape.server(method="notifications/elicitation/complete", params={"elicitationId": "e1"})
    [record] = of_tape(tape)
    assert (record.decision, record.by, record.host) == ("allowed", "user", "login.test")
    assert before == pytest.approx(0.1)
    assert record.seconds == pytest.approx(0.2)


def test_what_a_client_left_out_of_its_answers_is_unanswered() -> None:
    ask = {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {}}}
    call = {"name": "a", "_meta": modern(**{"x": 1})}
    tape = Tape().client(id=1, method="tools/call", params=call)
    tape.server(id=1, result={"resultType": "input_required", "inputRequests": {"k": ask}, "requestState": "s"})
    tape.client(id=2, method="tools/call", params={**call, "requestState": "s"})
    assert said(of_tape(tape)) == [("elicitation form", "unanswered", "nobody")]


def events(path: str) -> list[str]:
    return [f"{record.owner} {record.event} by {record.by}" for record in of_file(FOLDER / path, "task")]


def test_tasks_of_the_extension_are_followed_through_their_states() -> None:
    found = events("2026-07-28/fastmcp-stdio-py.jsonl")
    assert found[:4] == [
        "server created by server",
        "server working by server",
        "server completed by server",
        "server retrieved by client",
    ]
    assert "server input_required by server" in found
    assert found[-2:] == ["server cancel-requested by client", "server cancelled by server"]
    created = of_file(FOLDER / "2026-07-28/fastmcp-stdio-py.jsonl", "task")[0]
    assert (created.call, created.ttl, created.inside) == ("tools/call crunch", 900.0, ("#22",))


def test_core_tasks_run_by_either_end_are_followed() -> None:
    found = events("2025-11-25/everything-http-ts1.jsonl")
    assert "client created by client" in found
    assert "client retrieved by server" in found
    assert "server retrieved by client" in found
    sampled = of_file(FOLDER / "2025-11-25/everything-http-ts1.jsonl", "sampling")[1]
    assert (sampled.decision, sampled.model, bool(sampled.task)) == ("allowed", "canned-1", True)


def core_task() -> Tape:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a", "task": {}})
    return tape.server(id=1, result={"task": {"taskId": "t1", "status": "working", "ttl": None}})


def test_a_task_ends_with_its_result_its_failure_or_its_disappearance() -> None:
    get: dict[str, Any] = {"method": "tasks/get", "params": {"taskId": "t1"}}
    fetch: dict[str, Any] = {"method": "tasks/result", "params": {"taskId": "t1"}}
    gone = core_task().client(id=2, **get).server(id=2, error={"code": -32602, "message": "expired"})
    gone.client(id=3, **get).server(id=3, error={"code": -32602, "message": "expired"})
    assert [record.event for record in of_tape(gone)] == ["created", "working", "gone"]
    busy = core_task().client(id=2, **get).server(id=2, error={"code": -32603, "message": "later"})
    assert [record.event for record in of_tape(busy)] == ["created", "working"]
    failed = core_task().client(id=2, **fetch).server(id=2, error={"code": -1, "message": "broke"})
    assert [record.event for record in of_tape(failed)] == ["created", "working", "failed", "retrieved"]
    bad = core_task().client(id=2, **fetch).server(id=2, result={"content": [], "isError": True})
    assert [record.event for record in of_tape(bad)] == ["created", "working", "failed", "retrieved"]
    listed = core_task().client(id=2, method="tasks/list")
    listed.server(id=2, result={"tasks": [{"taskId": "t1", "status": "completed"}, {"taskId": "t2"}]})
    assert [record.event for record in of_tape(listed)] == ["created", "working", "completed"]


def test_odd_traffic_is_followed_without_a_fault() -> None:
    tape = nested(5, "sampling/createMessage", messages=7, maxTokens="many", systemPrompt=3)
    tape.client(id=5, result={"model": 7, "content": None})
    tape.server(id=6, method="elicitation/create", params={}).client(id=6, result={"action": "accept", "content": 3})
    tape.server(id=7, method="roots/list").client(id=7, result={"roots": [3, {"uri": 4}]})
    tape.server(id=9, method="roots/list").client(id=9, result={})
    tape.client(id=8, method="tasks/get", params={"taskId": "x"}).server(id=8, result={"status": 7})
    tape.client(id=9, method="tasks/result", params={}).server(id=9, result={})
    found = of_tape(tape)
    assert [each[1] for each in said(found)] == ["allowed"] * 4
    assert (found[0].messages, found[0].max_tokens, found[0].model) == (0, None, "")
    assert found[2].roots == ("?", "?")


def asked() -> list[Record]:
    tape = nested(5, "elicitation/create", message='=1+1, "now"\nplease', requestedSchema={})
    tape.client(id=5, result={"action": "accept", "content": {"name": "Ada", "age": 7}})
    tape.server(id=6, method="roots/list").client(id=6, result={"roots": [{"uri": "file:///srv/a"}]})
    tape.server(id=7, method="sampling/createMessage", params={"messages": [], "includeContext": "none", "tools": []})
    return of_tape(tape.ends())


def rows(page: Page) -> list[str]:
    return [plain(row) for row in (*page.begin(), *page.trail("r.jsonl", HEADER, None, asked()))]


def test_people_get_a_table_and_counts() -> None:
    form, roots, model, last = rows(TextPage(160, True))[1:]
    assert form.split()[:9] == ["+0.500", "s#1", "elicitation", "form", "in", "#2", "tools/call", "plan", "allowed"]
    assert '"=1+1, "now" please" ⇒ filled in name and age (' in form
    assert roots.endswith("1 root: file:///srv/a")
    assert model.endswith("0 messages, 55 bytes, context none, 0 tools")
    assert last == "  1 sampling: 1 unanswered; 1 elicitation: 1 allowed; 1 roots: 1 allowed"
    assert summary([]) == "nothing was asked of the user's side"
    assert rows(TextPage(160, False))[2].endswith("1 root")


def test_columns_are_the_same_in_every_row_of_a_spreadsheet() -> None:
    head, form, roots, _ = rows(CsvPage(True))
    assert head.split(",")[:8] == ["recording", "session", "server", "time", "at", "seq", "kind", "event"]
    assert tuple(head.split(",")) == COLUMNS
    assert ""","'=1+1, ""now"" please",""" in form
    assert "name; age" in form
    assert len(roots.split(",")) == len(COLUMNS)
    assert "file:///srv/a" not in rows(CsvPage(False))[2]


def test_programs_get_what_applies() -> None:
    form, roots, _ = map(json.loads, rows(JsonPage(False)))
    assert form["fields"] == ["name", "age"]
    assert "Ada" not in json.dumps(form)
    assert (roots["root_count"], roots["sure"], "roots" in roots) == (1, True, False)
    assert set(form) <= set(COLUMNS)


def test_a_changed_answer_says_by_what() -> None:
    record = Record("sampling", "asked", 1, 0.0, decision="changed", by="host", rule="less", notes=("replayed",))
    row = plain(list(TextPage(160, True).trail("r", HEADER, None, [record]))[1])
    assert "allowed by host, changed by less" in row
    assert "! replayed" in row
