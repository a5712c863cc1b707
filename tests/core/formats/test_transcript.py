"""What a person reads of a session, in every era: whole transcripts, to the letter."""

from typing import Any

from tests.core.formats.tape import META, Tape, modern

from interpose.core.formats.choice import Choice

CALL = "tools/call"
FORM = {"mode": "form", "message": "Which one?", "requestedSchema": {"type": "object", "properties": {"city": {}}}}
QUESTION = {"messages": [{"role": "user", "content": {"type": "text", "text": "why?"}}], "maxTokens": 5}
BECAUSE = {"role": "assistant", "model": "m1", "content": {"type": "text", "text": "because"}}
CARD = {
    "resultType": "input_required",
    "requestState": "r1",
    "inputRequests": {
        "k": {"method": "elicitation/create", "params": FORM},
        "m": {"method": "sampling/createMessage", "params": QUESTION},
    },
}
OSLO = {"action": "accept", "content": {"city": "Oslo"}}
TASK = "task-0123456789abcdef"


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], **more}


def calling(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


def stateful() -> Tape:
    tape = Tape().opens()
    tape.tells("stderr", "listening \x1b[2J on stdio")
    tape.client(id=1, method="tools/list").server(id=1, result={"tools": [{"name": "plan"}, {"name": "go"}]})
    tape.client(id=2, method=CALL, params=calling("plan", arguments={"days": 3}, _meta={"progressToken": 7}))
    tape.server(id=1, method="sampling/createMessage", params=QUESTION).client(id=1, result=BECAUSE)
    for done in (1, 2, 3):
        tape.server(method="notifications/progress", params={"progressToken": 7, "progress": done, "total": 3})
    tape.server(id=2, method="elicitation/create", params=FORM).client(id=2, result=OSLO)
    tape.server(method="notifications/message", params={"level": "warning", "logger": "plan", "data": "tight\nbudget"})
    tape.server(id=2, result=said("three days in Oslo"))
    tape.client(id=3, method=CALL, params=calling("go")).server(id=3, result=said("no luck", isError=True))
    tape.client(id=4, method=CALL, params=calling("gone"))
    tape.server(id=4, error={"code": -32602, "message": "Unknown tool"})
    tape.client(id=5, method=CALL, params=calling("plan", arguments={"days": 99}))
    tape.client(method="notifications/cancelled", params={"requestId": 5, "reason": "too long"})
    tape.say("server", b"hello there").closes().tells("exit", "3")
    return tape.ends()


def stateless() -> Tape:
    tape = Tape().client(id=1, method=CALL, params=calling("plan", _meta=modern())).server(id=1, result=CARD)
    again = calling("plan", inputResponses={"k": OSLO, "m": BECAUSE}, requestState="r1", _meta=modern())
    tape.client(id=2, method=CALL, params=again).server(id=2, result=said("Oslo it is", resultType="complete"))
    wanted = {"notifications": {"toolsListChanged": True}}
    tape.client(id="l", method="subscriptions/listen", params={**wanted, "_meta": modern()})
    about = {"_meta": {f"{META}subscriptionId": "l"}}
    tape.server(method="notifications/subscriptions/acknowledged", params={**wanted, **about})
    tape.client(id=3, method=CALL, params=calling("go", _meta=modern()))
    tape.server(method="notifications/tools/list_changed", params=about)
    return tape.server(id=3, result=CARD)


def tasks() -> Tape:
    tape = Tape().opens().client(id=1, method=CALL, params=calling("report", task={"ttl": 60000}))
    known = {"taskId": TASK, "status": "working", "ttl": 60000}
    tape.server(id=1, result={"task": {**known, "pollInterval": 500}})
    for number in (2, 3, 4):
        tape.client(id=number, method="tasks/get", params={"taskId": TASK})
        tape.server(id=number, result={**known, "statusMessage": "counting"})
    tape.client(id=5, method="tasks/get", params={"taskId": TASK}).server(id=5, result={**known, "status": "completed"})
    tape.client(id=6, method="tasks/result", params={"taskId": TASK}).server(id=6, result=said("the report"))
    tape.client(id=7, method="ping").server(id=7, result={}).client(id=8, method="ping").server(id=8, result={})
    return tape.ends()


def http() -> Tape:
    tape = Tape().asks("x1", "GET").answers("x1", 405).closes("x1", "server")
    tape.asks("x2").client("x2", id=1, method=CALL, params=calling("plan", _meta=modern()))
    tape.answers("x2", 404).say("server", b"<html>gone</html>", "x2").closes("x2", "server")
    tape.asks("x3").client("x3", id=1, method=CALL, params=calling("slow", _meta=modern()))
    tape.answers("x3", 200, "text/event-stream").closes("x3", "client", "disconnect")
    tape.asks("x4").client("x4", id=1, method=CALL, params=calling("broken", _meta=modern()))
    tape.answers("x4", 200, "text/event-stream").closes("x4", "server", "reset by peer")
    tape.asks("x5", "GET").answers("x5", 200, "text/event-stream").streams("x5", b"event: endpoint\ndata: /m\n\n")
    tape.closes("x5", "client", "disconnect").asks("x6", "DELETE").answers("x6", 200).closes("x6", "server")
    return tape.ends()


def nested() -> Tape:
    tape = Tape().opens().client(id=1, method=CALL, params=calling("plan"))
    tape.server(id=9, method="sampling/createMessage", params=QUESTION)
    tape.client(id=9, error={"code": -1, "message": "User rejected sampling request"})
    return tape.server(id=1, result=said("then without")).ends()


def doubtful() -> Tape:
    tape = Tape().opens().client(id=1, method=CALL, params=calling("a")).client(id=2, method=CALL, params=calling("b"))
    tape.server(id=9, method="sampling/createMessage", params=QUESTION).client(id=9, result=BECAUSE)
    return tape.server(id=1, result=said("A")).server(id=2, result=said("B")).server(id=2, result=said("B")).ends()


def test_a_stateful_session_reads_from_top_to_bottom() -> None:
    assert stateful().text(width=100) == [
        "interpose · deploy 1.2 · stdio python probe.py · MCP 2025-11-25 · client inspector 3 · today",
        "12:00:00.100    #1 → initialize                ok              100 ms  inspector… ⇒ MCP 2025-11-25…",
        "12:00:00.300       → initialized",
        "12:00:00.400         stderr listening \\x1b[2J on stdio",
        "12:00:00.500    #2 → tools/list                ok              100 ms  2 tools: plan, go",
        "12:00:00.700    #3 → tools/call plan           ok              900 ms  days=3 ⇒ three days in Oslo",
        '12:00:00.800   s#1 ←   sampling/createMessage  ok              100 ms  "why?" (max 5… ⇒ m1: because',
        "12:00:01.000       ←   progress ×3, last 3/3",
        '12:00:01.300   s#2 ←   elicitation/create form accepted        100 ms  "Which one?" a… ⇒ city="Oslo"',
        "12:00:01.500       ←   log warning plan: tight budget",
        "12:00:01.700    #4 → tools/call go             tool error      100 ms  no luck",
        "12:00:01.900    #5 → tools/call gone           error -32602    100 ms  Unknown tool",
        "12:00:02.100    #6 → tools/call plan           cancelled       100 ms  days=99",
        '12:00:02.200       → cancelled #6 "too long"',
        '12:00:02.300       ← noise not JSON: "hello there"',
        "12:00:02.400         client closed its side",
        "12:00:02.500         server exited with status 3",
        "─ 22 messages: 6 requests by the client, 2 by the server, 2 asks ───────────────────────────────────",
        "  1 error, 1 tool error, 1 cancelled, 1 no JSON-RPC · client closed after 0:02",
    ]


def test_a_stateless_session_links_its_rounds_and_tells_first_what_waits() -> None:
    assert stateless().text(width=100) == [
        "interpose · probe · stdio python probe.py · MCP 2026-07-28 · today",
        "─ waiting at the last line ─────────────────────────────────────────────────────────────────────────",
        "USER            elicitation/create form     0:00  blocks #4 tools/call go  parked, may never come b…",
        "MODEL           sampling/createMessage      0:00  blocks #4 tools/call go  parked, may never come b…",
        "────────────────────────────────────────────────────────────────────────────────────────────────────",
        "12:00:00.100    #1 → tools/call plan           input required  100 ms  elicitation form, sampling",
        '12:00:00.200       ←   elicitation/create form accepted        100 ms  "Which one?" a… ⇒ city="Oslo"',
        '12:00:00.200       ←   sampling/createMessage  ok              100 ms  "why?" (max 5… ⇒ m1: because',
        "12:00:00.300    #2 → tools/call plan           ok              100 ms  round 2 after #1 ⇒ Oslo it is",
        "12:00:00.500    #3 → subscriptions/listen      listening               for toolsListChanged",
        "12:00:00.600       ←   listening for toolsListChanged",
        "12:00:00.700    #4 → tools/call go             input required  200 ms  elicitation form, sampling",
        "12:00:00.800       ←   tools/list_changed (in #3)",
        '12:00:00.900       ←   elicitation/create form no answer yet           "Which one?" asks city',
        '12:00:00.900       ←   sampling/createMessage  no answer yet           "why?" (max 5 tokens)',
        "─ 9 messages: 4 requests by the client, 4 asks · 2 waiting on USER, MODEL ──────────────────────────",
    ]


def test_polls_of_a_task_that_tell_the_same_are_one_line() -> None:
    assert tasks().text(width=100) == [
        "interpose · deploy 1.2 · stdio python probe.py · MCP 2025-11-25 · client inspector 3 · today",
        "12:00:00.100    #1 → initialize               ok              100 ms  inspector… ⇒ MCP 2025-11-25 d…",
        "12:00:00.300       → initialized",
        "12:00:00.400    #2 → tools/call report        task working    100 ms  as a task ⇒ task task-012…, t…",
        '12:00:00.600    #3 →   tasks/get task-012…    working         100 ms  polled 3× ⇒ "counting"',
        "12:00:01.200    #6 →   tasks/get task-012…    completed       100 ms",
        "12:00:01.400    #7 →   tasks/result task-012… ok              100 ms  the report",
        "12:00:01.600    #8 → ping ×2                  ok              100 ms",
        "─ 19 messages: 9 requests by the client, 1 task · client closed after 0:02 ─────────────────────────",
    ]


def test_http_is_told_where_it_matters() -> None:
    assert http().text(width=100) == [
        "interpose · probe · stdio python probe.py · MCP 2026-07-28 · today",
        "12:00:00.200         http x1 405 to GET /mcp: no standing stream is offered",
        "12:00:00.500    #1 → tools/call plan   http error      300 ms",
        "12:00:00.600           http x2 404 to POST /mcp",
        '12:00:00.700       ← noise not JSON: "<html>gone</html>"',
        "12:00:01.000    #2 → tools/call slow   cancelled       200 ms",
        "12:00:01.200           http x3 POST /mcp: the client left",
        "12:00:01.400    #3 → tools/call broken lost            200 ms",
        "12:00:01.600           http x4 POST /mcp: the server broke it off: reset by peer",
        "12:00:01.800         http x5 200 to GET /mcp: a standing stream is open",
        "12:00:02.000         http x5 GET /mcp: the client left",
        "12:00:02.200         http x6 200 to DELETE /mcp: the session ends",
        "─ 4 messages: 3 requests by the client · 1 http error, 1 lost, 1 cancelled, 1 no JSON-RPC ──────────",
        "  client closed after 0:02",
    ]


def test_errors_come_alone_when_asked_for() -> None:
    assert stateful().text(Choice(errors=True), width=100)[1:-2] == [
        "12:00:01.700    #4 → tools/call go             tool error      100 ms  no luck",
        "12:00:01.900    #5 → tools/call gone           error -32602    100 ms  Unknown tool",
        '12:00:02.300       ← noise not JSON: "hello there"',
        "12:00:02.500         server exited with status 3",
    ]


def test_a_failure_inside_a_call_brings_the_call_along() -> None:
    assert nested().text(Choice(errors=True), width=100)[1:-1] == [
        "12:00:00.400    #2 → tools/call plan          ok              300 ms  then without",
        '12:00:00.500   s#1 ←   sampling/createMessage error -1        100 ms  "why?" (m… ⇒ User rejected sa…',
        "─ 7 messages: 2 requests by the client, 1 by the server, 1 ask · 1 error ───────────────────────────",
    ]


def test_a_method_is_chosen_by_a_pattern() -> None:
    assert stateful().text(Choice(method="*/create*"), width=100)[1:-2] == [
        "12:00:00.800   s#1 ←   sampling/createMessage  ok              100 ms  (in #3) m1: because",
        '12:00:01.300   s#2 ←   elicitation/create form accepted        100 ms  (in #3) city="Oslo"',
    ]


def test_one_end_is_chosen() -> None:
    assert stateful().text(Choice(end="client"), width=100)[1:4] == [
        "12:00:00.100    #1 → initialize                ok              100 ms  inspector… ⇒ MCP 2025-11-25…",
        "12:00:00.300       → initialized",
        "12:00:00.500    #2 → tools/list                ok              100 ms  2 tools: plan, go",
    ]


def test_a_full_transcript_has_every_message_and_its_json() -> None:
    assert Tape().opens().text(width=100, full=True) == [
        "interpose · deploy 1.2 · stdio python probe.py · MCP 2025-11-25 · client inspector 3 · today",
        "12:00:00.100    #1 → initialize …                       inspector 3 can sampling, elicitation",
        "                     entry 1, 202 bytes",
        "                     {",
        '                       "jsonrpc": "2.0",',
        '                       "id": 0,',
        '                       "method": "initialize",',
        '                       "params": {',
        '                         "protocolVersion": "2025-11-25",',
        '                         "capabilities": {',
        '                           "sampling": {},',
        '                           "elicitation": {}',
        "                         },",
        '                         "clientInfo": {',
        '                           "name": "inspector",',
        '                           "version": "3"',
        "                         }",
        "                       }",
        "                     }",
        "12:00:00.200    #1 ← initialize ok              100 ms  MCP 2025-11-25 deploy 1.2 offers tools, log…",
        "                     entry 2, 218 bytes",
        "                     {",
        '                       "jsonrpc": "2.0",',
        '                       "id": 0,',
        '                       "result": {',
        '                         "protocolVersion": "2025-11-25",',
        '                         "capabilities": {',
        '                           "tools": {},',
        '                           "logging": {},',
        '                           "tasks": {',
        '                             "requests": {',
        '                               "tools": {',
        '                                 "call": {}',
        "                               }",
        "                             }",
        "                           }",
        "                         },",
        '                         "serverInfo": {',
        '                           "name": "deploy",',
        '                           "version": "1.2"',
        "                         }",
        "                       }",
        "                     }",
        "12:00:00.300       → initialized",
        "                     entry 3, 57 bytes",
        "                     {",
        '                       "jsonrpc": "2.0",',
        '                       "method": "notifications/initialized"',
        "                     }",
        "─ 3 messages: 1 request by the client ──────────────────────────────────────────────────────────────",
    ]


def test_simultaneous_calls_leave_a_doubt_that_is_shown() -> None:
    assert doubtful().text(width=100) == [
        "interpose · deploy 1.2 · stdio python probe.py · MCP 2025-11-25 · client inspector 3 · today",
        "12:00:00.100    #1 → initialize               ok              100 ms  inspector… ⇒ MCP 2025-11-25 d…",
        "12:00:00.300       → initialized",
        "12:00:00.400    #2 → tools/call a             ok              400 ms  A",
        "12:00:00.500    #3 → tools/call b             ok              400 ms  B",
        "12:00:00.600   s#1 ←   sampling/createMessage ok              100 ms  (in #2 or #3 ?) m1: because",
        "12:00:01.000    #3 ← tools/call b             ok              500 ms  ! duplicate answer  B",
        "─ 10 messages: 3 requests by the client, 1 by the server, 1 ask · client closed after 0:01 ─────────",
    ]


def test_a_narrow_terminal_gets_the_answers_first() -> None:
    assert stateful().text(width=80)[5:10] == [
        "12:00:00    #3 → tools/call plan           ok          900 ms  three days in Os…",
        "12:00:00   s#1 ←   sampling/createMessage  ok          100 ms  m1: because",
        "12:00:01       ←   progress ×3, last 3/3",
        '12:00:01   s#2 ←   elicitation/create form accepted    100 ms  city="Oslo"',
        "12:00:01       ←   log warning plan: tight budget",
    ]
