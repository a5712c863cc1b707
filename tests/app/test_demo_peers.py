"""The demo's server and client as real processes: with each other, and with the official client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import mcp_types
import pytest
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport
from fastmcp_tasks import client_models, models
from mcp.client.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import methods
from pydantic import TypeAdapter

Json = dict[str, Any]
Traffic = list[tuple[str, Json]]

SERVER = [sys.executable, "-m", "interpose.app.demo.server"]
CLIENT = [sys.executable, "-m", "interpose.app.demo.client"]
VERSIONS = {"stateful": "2025-11-25", "stateless": "2026-07-28"}
PREFIX = "io.modelcontextprotocol/"
TASKS = PREFIX + "tasks"

TEE = """
import json, subprocess, sys, threading
log, lock = open(sys.argv[1], "w"), threading.Lock()
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def pump(side, source, target):
    for line in source:
        with lock:
            log.write(json.dumps([side, json.loads(line)]) + "\\n")
        target.write(line)
        target.flush()
def up():
    pump("client", sys.stdin.buffer, child.stdin)
    child.stdin.close()
threading.Thread(target=up).start()
pump("server", child.stdout, sys.stdout.buffer)
sys.exit(child.wait())
"""

CENSOR = """
import json, subprocess, sys, threading
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
def send(target, message):
    target.write(json.dumps(message).encode() + b"\\n")
    target.flush()
def up():
    for line in sys.stdin.buffer:
        child.stdin.write(line)
    child.stdin.close()
threading.Thread(target=up).start()
for line in child.stdout:
    message = json.loads(line)
    if message.get("method") == "sampling/createMessage":
        denial = {"code": -1, "message": "User rejected sampling request"}
        send(child.stdin, {"jsonrpc": "2.0", "id": message["id"], "error": denial})
        continue
    asked = message.get("result", {}).get("inputRequests", {}).values()
    if any(ask["method"] == "sampling/createMessage" for ask in asked):
        blocked = {"code": -40001, "message": "blocked by policy"}
        message = {"jsonrpc": "2.0", "id": message["id"], "error": blocked}
    send(sys.stdout.buffer, message)
sys.exit(child.wait())
"""


def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def script(folder: Path, source: str) -> str:
    path = folder / "between.py"
    path.write_text(source)
    return str(path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Traffic]]:
    """The story told by one run of both eras, and its traffic by era."""
    folder = tmp_path_factory.mktemp("demo")
    tee = [sys.executable, script(folder, TEE), str(folder / "{era}.jsonl")]
    done = run([*CLIENT, "--era", "both", "--", *tee, *SERVER])
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    logs = {era: (folder / f"{era}.jsonl").read_text().splitlines() for era in VERSIONS}
    return done.stderr, {era: [tuple(json.loads(line)) for line in log] for era, log in logs.items()}


@pytest.fixture(params=list(VERSIONS))
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def traffic(told: tuple[str, dict[str, Traffic]], era: str) -> Traffic:
    return told[1][era]


@pytest.fixture
def stateful(told: tuple[str, dict[str, Traffic]]) -> Traffic:
    return told[1]["stateful"]


@pytest.fixture
def stateless(told: tuple[str, dict[str, Traffic]]) -> Traffic:
    return told[1]["stateless"]


def requests(traffic: Traffic) -> dict[tuple[str, Any], Json]:
    return {(side, m["id"]): m for side, m in traffic if "method" in m and "id" in m}


def exchanges(traffic: Traffic) -> Iterator[tuple[str, Json, Json]]:
    """Each response with its request and the side that asked."""
    asked = requests(traffic)
    for side, message in traffic:
        if "method" not in message:
            asker = "client" if side == "server" else "server"
            yield asker, asked[asker, message["id"]], message


def sent(traffic: Traffic, side: str) -> set[str]:
    return {message["method"] for sender, message in traffic if sender == side and "method" in message}


# --- every message is valid for its era

TASK_REQUESTS: dict[str, dict[str, Any]] = {
    "2025-11-25": {
        "tasks/get": mcp_types.GetTaskRequest,
        "tasks/result": mcp_types.GetTaskPayloadRequest,
        "tasks/list": mcp_types.ListTasksRequest,
        "tasks/cancel": mcp_types.CancelTaskRequest,
        "notifications/tasks/status": mcp_types.TaskStatusNotification,
    },
    "2026-07-28": {
        "tasks/get": models.GetTaskRequest,
        "tasks/update": models.UpdateTaskRequest,
        "tasks/cancel": models.CancelTaskRequest,
    },
}
TASK_RESULTS: dict[str, dict[str, Any]] = {
    "2025-11-25": {
        "tasks/get": mcp_types.GetTaskResult,
        "tasks/list": mcp_types.ListTasksResult,
        "tasks/cancel": mcp_types.CancelTaskResult,
    },
    "2026-07-28": {
        "tasks/get": client_models.ClientGetTaskResult,
        "tasks/update": mcp_types.Result,
        "tasks/cancel": mcp_types.Result,
    },
}
ERROR_DATA: dict[int, Any] = {
    -32042: mcp_types.ElicitationRequiredErrorData,
    -32021: mcp_types.MissingRequiredClientCapabilityErrorData,
}


def test_every_request_and_notification_fits_the_official_models(era: str, traffic: Traffic) -> None:
    for side, message in traffic:
        if "method" in message:
            assert message["jsonrpc"] == "2.0"
            validate_sent(side, message, VERSIONS[era])


def validate_sent(side: str, message: Json, version: str) -> None:
    method, params = message["method"], message.get("params")
    if method in TASK_REQUESTS[version]:
        TASK_REQUESTS[version][method].model_validate({"method": method, "params": params})
    elif method == "notifications/tasks":
        detailed = {"resultType": "complete", **(params or {})}
        client_models.ClientGetTaskResult.model_validate(detailed, by_name=False)
    elif side == "client" and "id" in message:
        methods.parse_client_request(method, version, params)
    elif side == "client":
        methods.parse_client_notification(method, version, params)
    elif "id" in message:
        methods.parse_server_request(method, version, params)
    else:
        methods.parse_server_notification(method, version, params)


def test_every_answer_fits_the_official_models(era: str, traffic: Traffic) -> None:
    for asker, request, response in exchanges(traffic):
        if "result" in response:
            validate_result(asker, request, response["result"], VERSIONS[era])
        else:
            error = mcp_types.ErrorData.model_validate(response["error"])
            if error.code in ERROR_DATA:
                ERROR_DATA[error.code].model_validate(error.data, by_name=False)


def validate_result(asker: str, request: Json, result: Json, version: str) -> None:
    method = request["method"]
    if method == "tasks/result":
        method = "tools/call" if asker == "client" else "sampling/createMessage"
    if method in TASK_RESULTS[version]:
        TASK_RESULTS[version][method].model_validate(result, by_name=False)
    elif "task" in request.get("params", {}) and request["method"] != "tasks/result":
        mcp_types.CreateTaskResult.model_validate(result, by_name=False)
    elif result.get("resultType") == "task":
        client_models.ClientCreateTaskResult.model_validate(result, by_name=False)
    elif asker == "client":
        methods.parse_server_result(method, version, result)
    else:
        methods.parse_client_result(method, version, result)


def test_what_tasks_of_the_extension_carry_fits_the_official_models(stateless: Traffic) -> None:
    asks: TypeAdapter[Any] = TypeAdapter(mcp_types.InputRequests)
    answers: TypeAdapter[Any] = TypeAdapter(mcp_types.InputResponses)
    tasks = [m["params"] for _, m in stateless if m.get("method") == "notifications/tasks"]
    tasks += [r["result"] for _, q, r in exchanges(stateless) if q["method"] == "tasks/get"]
    updates = [m["params"] for _, m in stateless if m.get("method") == "tasks/update"]
    assert {task["status"] for task in tasks} == {"working", "input_required", "completed", "cancelled"}
    assert updates
    for task in tasks:
        if task["status"] == "input_required":
            asks.validate_python(task["inputRequests"], by_name=False)
        if task["status"] == "completed":
            methods.parse_server_result("tools/call", "2025-11-25", task["result"])
    for update in updates:
        answers.validate_python(update["inputResponses"], by_name=False)


def test_every_stateless_request_carries_its_envelope_and_every_result_its_type(stateless: Traffic) -> None:
    for message in requests(stateless).values():
        meta = message["params"]["_meta"]
        assert meta[PREFIX + "protocolVersion"] == "2026-07-28"
        assert PREFIX + "clientCapabilities" in meta
    types = {r["result"]["resultType"] for _, _, r in exchanges(stateless) if "result" in r}
    assert types == {"complete", "input_required", "task"}


# --- every feature is used

COMMON = {
    "completion/complete",
    "notifications/cancelled",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "tasks/cancel",
    "tasks/get",
    "tools/call",
    "tools/list",
}
SENT: dict[tuple[str, str], set[str]] = {
    ("stateful", "client"): COMMON
    | {
        "initialize",
        "logging/setLevel",
        "notifications/initialized",
        "notifications/roots/list_changed",
        "notifications/tasks/status",
        "ping",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
    },
    ("stateful", "server"): {
        "elicitation/create",
        "notifications/cancelled",
        "notifications/elicitation/complete",
        "notifications/message",
        "notifications/progress",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/tasks/status",
        "ping",
        "roots/list",
        "sampling/createMessage",
        "tasks/get",
        "tasks/result",
    },
    ("stateless", "client"): COMMON | {"server/discover", "subscriptions/listen", "tasks/update"},
    ("stateless", "server"): {
        "notifications/message",
        "notifications/progress",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/subscriptions/acknowledged",
        "notifications/tasks",
    },
}


@pytest.mark.parametrize("side", ["client", "server"])
def test_each_side_uses_every_method_it_has_in_its_era(era: str, traffic: Traffic, side: str) -> None:
    assert sent(traffic, side) == SENT[era, side]


def test_the_user_accepts_declines_and_dismisses_in_both_eras(era: str, traffic: Traffic) -> None:
    text = json.dumps([message for side, message in traffic if side == "client"])
    for action in ("accept", "decline", "cancel"):
        assert f'"action": "{action}"' in text


def test_only_cancelled_requests_stay_unanswered(era: str, traffic: Traffic) -> None:
    answered = {(asker, request["id"]) for asker, request, _ in exchanges(traffic)}
    cancelled = {
        (side, m["params"]["requestId"]) for side, m in traffic if m.get("method") == "notifications/cancelled"
    }
    assert set(requests(traffic)) - answered == cancelled
    assert cancelled


def test_calls_overlap_and_the_server_asks_while_they_are_open(stateful: Traffic) -> None:
    open_calls: set[Any] = set()
    most, asked_inside = 0, 0
    for side, message in stateful:
        if message.get("method") == "tools/call":
            open_calls.add(message["id"])
        elif message.get("method") == "notifications/cancelled" and side == "client":
            open_calls.discard(message["params"]["requestId"])
        elif side == "server" and "method" not in message:
            open_calls.discard(message["id"])
        elif message.get("method") in ("sampling/createMessage", "elicitation/create", "roots/list"):
            asked_inside += bool(open_calls)
        most = max(most, len(open_calls))
    assert most == 2
    assert asked_inside >= 6


def test_a_cancelled_call_takes_its_question_back(stateful: Traffic) -> None:
    cancels = [side for side, m in stateful if m.get("method") == "notifications/cancelled"]
    assert cancels == ["client", "client", "server"]


def test_messages_of_a_stateful_task_name_it(stateful: Traffic) -> None:
    related = PREFIX + "related-task"
    named = {m["method"] for _, m in stateful if related in m.get("params", {}).get("_meta", {})}
    assert named == {"elicitation/create", "sampling/createMessage", "notifications/progress"}
    answers = [r["result"] for asker, q, r in exchanges(stateful) if related in q.get("params", {}).get("_meta", {})]
    assert all(related in answer["_meta"] for answer in answers)
    assert len(answers) == 2


def test_the_stateless_server_never_asks_and_the_client_never_answers(stateless: Traffic) -> None:
    assert all("id" not in m or "method" not in m for side, m in stateless if side == "server")
    assert all("method" in m for side, m in stateless if side == "client")


def test_a_stateless_question_is_answered_under_a_new_id_with_the_same_state(stateless: Traffic) -> None:
    asked = requests(stateless)
    states = {r["result"].get("requestState") for _, _, r in exchanges(stateless) if "result" in r} - {None}
    retries = [m["params"] for m in asked.values() if "requestState" in m["params"]]
    assert {retry["requestState"] for retry in retries} < states  # one form was never answered
    assert any("inputResponses" not in retry for retry in retries)
    assert {m["params"]["name"] for m in asked.values() if m["method"] == "prompts/get"} == {"release_note"}


def test_streams_end_by_the_servers_result_or_the_clients_cancel(stateless: Traffic) -> None:
    streams = [m["id"] for m in requests(stateless).values() if m["method"] == "subscriptions/listen"]
    ended = [q["id"] for _, q, _ in exchanges(stateless) if q["method"] == "subscriptions/listen"]
    assert streams == ["listen-1", "listen-2"]
    assert ended == ["listen-2"]


def test_the_story_is_told_line_by_line(told: tuple[str, dict[str, Traffic]]) -> None:
    lines = told[0].splitlines()
    assert lines[0] == "MCP 2025-11-25 (stateful)"
    assert "MCP 2026-07-28 (stateless)" in lines
    assert "WRONG" not in told[0]
    assert sum("goodbye" in line and "exit code 0" in line for line in lines) == 2


# --- when it does not go as told


def test_a_step_that_goes_wrong_is_named() -> None:
    mute = "import sys; sys.stdin.readline()"
    done = run([*CLIENT, "--era", "stateful", "--", sys.executable, "-c", mute])
    assert done.returncode == 1
    assert "went wrong in stateful: connect" in done.stderr


def test_a_server_that_leaves_badly_is_named() -> None:
    rude = f"import subprocess, sys; subprocess.run({SERVER}); sys.exit(3)"
    done = run([*CLIENT, "--era", "stateless", "--", sys.executable, "-c", rude])
    assert done.returncode == 1
    assert "went wrong in stateless: goodbye" in done.stderr


def test_a_command_that_cannot_start_is_named(tmp_path: Path) -> None:
    done = run([*CLIENT, "--era", "stateful", "--", str(tmp_path / "nothing")])
    assert done.returncode == 1
    assert "went wrong in stateful: start" in done.stderr


def test_a_denied_model_is_no_failure_where_it_was_announced(tmp_path: Path, era: str) -> None:
    censor = [sys.executable, script(tmp_path, CENSOR), *SERVER]
    done = run([*CLIENT, "--era", era, "--model-denied", "--", *censor])
    assert done.returncode == 0, done.stderr
    assert "model  " not in done.stderr


# --- the server by itself


def replies(*messages: Json | str) -> list[Json]:
    lines = [m if isinstance(m, str) else json.dumps({"jsonrpc": "2.0", **m}) for m in messages]
    done = run(SERVER, input="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def enveloped(method: str, capabilities: Json, **params: Any) -> Json:
    meta = {PREFIX + "protocolVersion": "2026-07-28", PREFIX + "clientCapabilities": capabilities}
    return {"id": 1, "method": method, "params": {**params, "_meta": meta}}


def test_the_server_refuses_what_it_cannot_speak() -> None:
    other: Json = {"_meta": {PREFIX + "protocolVersion": "2027-01-01", PREFIX + "clientCapabilities": {}}}
    no_capabilities: Json = {"_meta": {PREFIX + "protocolVersion": "2026-07-28"}}
    answers = replies(
        {"id": 1, "method": "server/discover", "params": other},
        {"id": 2, "method": "server/discover", "params": no_capabilities},
        {"id": 3, "method": "tools/list"},
        {"id": 4, "method": "server/discover"},
    )
    assert [answer["error"]["code"] for answer in answers] == [-32022, -32602, -32602, -32602]
    assert answers[0]["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2027-01-01"}


@pytest.mark.parametrize(
    ("capabilities", "tool", "required"),
    [
        ({}, "sign_in", {"elicitation": {"url": {}}}),
        ({"elicitation": {}}, "sign_in", {"elicitation": {"url": {}}}),
        ({"elicitation": {"url": {}}}, "drop_database", {"elicitation": {"form": {}}}),
        ({}, "scan_workspace", {"roots": {}}),
        ({}, "plan_deploy", {"sampling": {}}),
    ],
)
def test_the_server_never_asks_what_the_client_did_not_declare(capabilities: Json, tool: str, required: Json) -> None:
    arguments = {"name": "orders", "service": "shop"}
    (answer,) = replies(enveloped("tools/call", capabilities, name=tool, arguments=arguments))
    assert answer["error"]["code"] == -32021
    assert answer["error"]["data"]["requiredCapabilities"] == required


def test_an_empty_elicitation_capability_means_forms() -> None:
    call = enveloped("tools/call", {"elicitation": {}}, name="drop_database", arguments={"name": "orders"})
    (answer,) = replies(call)
    assert answer["result"]["resultType"] == "input_required"


def test_tasks_of_the_extension_are_for_those_who_declared_it() -> None:
    asked = [enveloped(f"tasks/{verb}", {}, taskId="x", inputResponses={}) for verb in ("get", "update", "cancel")]
    listen = enveloped("subscriptions/listen", {}, notifications={"taskIds": ["x"]})
    assert {answer["error"]["code"] for answer in replies(*asked, listen)} == {-32021}
    unknown = enveloped("tasks/get", {"extensions": {TASKS: {}}}, taskId="x")
    assert replies(unknown)[0]["error"]["code"] == -32602


def test_a_foreign_request_state_is_refused_and_a_missing_answer_asked_for_again() -> None:
    forms: Json = {"elicitation": {"form": {}}}
    call = enveloped("tools/call", forms, name="drop_database", arguments={"name": "orders"})
    call["params"] |= {"requestState": "bm90IG1pbmU=", "inputResponses": {"confirm": {"action": "accept"}}}
    (answer,) = replies(call)
    assert answer["error"]["data"] == {"reason": "invalid_request_state"}
    del call["params"]["requestState"]
    (answer,) = replies(call)
    assert answer["result"]["resultType"] == "input_required"


def test_noise_between_the_messages_is_passed_over() -> None:
    ping = {"id": "p", "method": "ping"}
    assert replies("", "not json", "[1]", '"text"', '{"method": "ping", "id": {}}', ping) == [
        {"jsonrpc": "2.0", "id": "p", "result": {}}
    ]


def test_a_tool_that_knows_no_tasks_refuses_to_become_one() -> None:
    opening = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    answers = replies(
        {"id": 1, "method": "initialize", "params": opening},
        {"id": 2, "method": "tools/call", "params": {"name": "wobbly", "arguments": {}, "task": {}}},
        {"id": 3, "method": "tools/call", "params": {"name": "sign_in", "arguments": {}}},
        {"id": 4, "method": "tools/list", "params": {"cursor": "nowhere"}},
        {"id": 5, "method": "resources/read", "params": {"uri": "deploy://nothing"}},
        {"id": 6, "method": "tasks/get", "params": {"taskId": "nothing"}},
        {"id": 7, "method": "coffee/make"},
    )
    codes = [answer["error"]["code"] for answer in answers[1:]]
    assert codes == [-32601, -32600, -32602, -32002, -32602, -32601]


# --- the official clients with the demo's server


async def accept(context: ClientRequestContext, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
    if isinstance(params, mcp_types.ElicitRequestURLParams):
        return mcp_types.ElicitResult(action="accept")
    content: dict[str, Any] = {}
    for name, field in params.requested_schema["properties"].items():
        content[name] = field.get("default", "orders")
    content.pop("regions", None)
    return mcp_types.ElicitResult(action="accept", content=content)


async def think(
    context: ClientRequestContext, params: mcp_types.CreateMessageRequestParams
) -> mcp_types.CreateMessageResult:
    text = mcp_types.TextContent(type="text", text="Carefully.")
    return mcp_types.CreateMessageResult(role="assistant", content=text, model="test")


async def folders(context: ClientRequestContext) -> mcp_types.ListRootsResult:
    return mcp_types.ListRootsResult(roots=[])


def with_official_client(mode: str, scene: Callable[[Client], Awaitable[None]]) -> None:
    async def main() -> None:
        parameters = StdioServerParameters(command=SERVER[0], args=SERVER[1:])
        callbacks: Json = {
            "elicitation_callback": accept,
            "sampling_callback": think,
            "list_roots_callback": folders,
        }
        with anyio.fail_after(30):
            async with Client(parameters, mode=mode, **callbacks) as client:
                await scene(client)

    anyio.run(main)


@pytest.fixture(params=["legacy", "auto", "2026-07-28"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_official_client_lists_everything(mode: str) -> None:
    async def scene(client: Client) -> None:
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        assert len(first.tools + second.tools) == 7
        assert len((await client.list_prompts()).prompts) == 1
        assert len((await client.list_resources()).resources) == 3
        assert len((await client.list_resource_templates()).resource_templates) == 1

    with_official_client(mode, scene)


def test_the_official_client_calls_tools_that_ask(mode: str) -> None:
    async def scene(client: Client) -> None:
        plan = await client.call_tool("plan_deploy", {"service": "shop"})
        assert plan.structured_content == {
            "deployed": True,
            "plan": "Carefully.",
            "environment": "staging",
            "replicas": 2,
        }
        for name in ("sign_in", "scan_workspace", "generate_report"):
            assert not (await client.call_tool(name)).is_error
        dropped = await client.call_tool("drop_database", {"name": "orders"})
        assert dropped.content[0] == mcp_types.TextContent(type="text", text="orders is gone.")
        assert (await client.call_tool("wobbly")).is_error
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("make_coffee")

    with_official_client(mode, scene)


def test_the_official_client_reads(mode: str) -> None:
    async def scene(client: Client) -> None:
        note = await client.get_prompt("release_note", {"service": "shop"})
        assert note.description == "A plain release note"
        place = await client.read_resource("deploy://environments/staging")
        assert place.contents[0].mime_type == "text/plain"
        with pytest.raises(MCPError, match="not found"):
            await client.read_resource("deploy://nothing")

    with_official_client(mode, scene)


def test_the_official_client_listens() -> None:
    async def scene(client: Client) -> None:
        async with client.listen(resource_subscriptions=["deploy://status"]) as stream:
            await client.call_tool("plan_deploy", {"service": "shop"})
            assert (await anext(aiter(stream))).uri == "deploy://status"  # type: ignore[union-attr]

    with_official_client("auto", scene)


def test_the_tasks_client_of_fastmcp_follows_a_task(tmp_path: Path) -> None:
    log = tmp_path / "tasks.jsonl"

    async def fill(message: str, kind: type[Any] | None, params: Any, context: Any) -> Json:
        return {"pages": 4}

    async def main() -> None:
        transport = StdioTransport(sys.executable, [script(tmp_path, TEE), str(log), *SERVER])
        with anyio.fail_after(30):
            async with FastClient(transport, elicitation_handler=fill) as client:
                result = await client.call_tool("generate_report")
                assert "deploy://reports/1" in result.content[0].text
                kept = await client.read_resource("deploy://reports/1")
                assert "4 pages" in kept[0].text

    anyio.run(main)
    assert '"method": "tasks/update"' in log.read_text()
