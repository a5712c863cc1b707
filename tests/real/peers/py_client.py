"""A client of the Python SDK that plays the steps of `script.json` against whatever server it meets.

It prints one JSON object, `{"steps": {name: summary}}`, in which nothing depends on time or chance, so that
two runs can be compared. A step that raises is recorded as `{"error": ...}`; a step the server has no tool
for, or the era no method, is left out. A step `call:NAME`, also `call:NAME:2`, calls a tool of py_asks.py, answers
what that asks, and then calls a plain tool.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import mcp.client.session
import mcp_types as types
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.session import ClientRequestContext, IncomingMessage
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

SCRIPT = json.loads((Path(__file__).parent / "script.json").read_text())
ANSWERS = SCRIPT["answers"]
STEP_SECONDS = 20
CALL_SECONDS = 5
RUN_SECONDS = 55

Summary = Any
Step = Callable[["Scene"], Awaitable[Summary]]
STEPS: dict[str, Step] = {}


class Unfit(Exception):
    """The step cannot be played against this server in this era."""


def step(function: Step) -> Step:
    STEPS[function.__name__] = function
    return function


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def summarise(result: types.CallToolResult) -> Summary:
    texts = [block.text if isinstance(block, types.TextContent) else block.type for block in result.content]
    texts = [text if len(text) < 2000 else f"{len(text)} characters, {digest(text)}" for text in texts]
    summary: dict[str, Any] = {"texts": texts}
    if result.structured_content is not None:
        summary["structured"] = digest(result.structured_content)
    if result.is_error:
        summary["is_error"] = True
    return summary


class Scene:
    """The connected client, what the server offers, and what it has said so far."""

    def __init__(self) -> None:
        self.client: Client
        self.tools: set[str] = set()
        self.action: str = "accept"
        self.asked: list[str] = []
        self.shown: list[list[Any]] = []
        self.about = ""
        self.logs: asyncio.Queue[tuple[str | None, str, Any]] = asyncio.Queue()
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    @property
    def stateful(self) -> bool:
        return self.client.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS

    def offers(self, capability: str) -> bool:
        """Whether the server named it; a pinned stateless client has not asked, and may try."""
        unasked = self.client.server_info is None
        return unasked or getattr(self.client.server_capabilities, capability) is not None

    def pick(self, name: str) -> tuple[str, dict[str, Any]]:
        for tool, arguments in SCRIPT["tools"][name]:
            if tool in self.tools:
                return tool, arguments
        raise Unfit(name)

    async def play(self, name: str, **options: Any) -> Summary:
        return summarise(await self.client.call_tool(*self.pick(name), **options))

    async def sample(
        self, context: ClientRequestContext, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult:
        self.asked.append("sampling")
        if self.about:
            self.shown.append(["sampling", plain(params)])
            text = types.TextContent(type="text", text=f"PLANTED-answered-{self.about}")
            return types.CreateMessageResult(role="assistant", content=text, model="canned-1")
        return types.CreateMessageResult.model_validate(ANSWERS["model"])

    async def elicit(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        self.asked.append(params.mode)
        if self.about:
            self.shown.append([params.mode, plain(params)])
            person: dict[str, Any] = {"name": f"PLANTED-named-{self.about}", "note": f"PLANTED-answered-{self.about}"}
            return types.ElicitResult(action="accept", content=person if params.mode == "form" else None)
        if self.action != "accept" or not isinstance(params, types.ElicitRequestFormParams):
            return types.ElicitResult(action=self.action)  # type: ignore[arg-type]
        wanted = params.requested_schema.get("required", [])
        return types.ElicitResult(action="accept", content={key: ANSWERS["form"][key] for key in wanted})

    async def list_roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        self.asked.append("roots")
        if self.about:
            self.shown.append(["roots", {}])
            root = {"uri": f"file:///srv/PLANTED-named-{self.about}", "name": f"PLANTED-answered-{self.about}"}
            return types.ListRootsResult.model_validate({"roots": [root]})
        return types.ListRootsResult.model_validate({"roots": ANSWERS["roots"]})

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.logs.put_nowait((params.logger, params.level, params.data))

    async def hear(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            self.heard.put_nowait(f"updated {message.params.uri}")
        elif isinstance(message, types.ToolListChangedNotification):
            self.heard.put_nowait("tools changed")

    async def asking(self, name: str, kind: str, action: str = "accept") -> Summary:
        self.action = action
        seen = self.asked.count(kind)
        summary = await self.play(name)
        self.action = "accept"
        return {**summary, "asked": self.asked.count(kind) > seen}


@step
async def hello(scene: Scene) -> Summary:
    info, capabilities = scene.client.server_info, plain(scene.client.server_capabilities)
    return [scene.client.protocol_version, info.name if info else None, digest(capabilities)]


@step
async def list_tools(scene: Scene) -> Summary:
    tools = (await scene.client.list_tools()).tools
    return [[tool.name for tool in tools], digest([plain(tool) for tool in tools])]


@step
async def list_resources(scene: Scene) -> Summary:
    return digest([plain(item) for item in (await scene.client.list_resources()).resources])


@step
async def list_templates(scene: Scene) -> Summary:
    listed = await scene.client.list_resource_templates()
    return [template.uri_template for template in listed.resource_templates]


@step
async def list_prompts(scene: Scene) -> Summary:
    return digest([plain(prompt) for prompt in (await scene.client.list_prompts()).prompts])


@step
async def read_resource(scene: Scene) -> Summary:
    listed = {str(item.uri) for item in (await scene.client.list_resources()).resources}
    for uri in SCRIPT["resources"]:
        if uri in listed:
            return digest([plain(item) for item in (await scene.client.read_resource(uri)).contents])
    raise Unfit("read_resource")


@step
async def read_template(scene: Scene) -> Summary:
    listed = (await scene.client.list_resource_templates()).resource_templates
    for template in listed:
        if uri := SCRIPT["templates"].get(template.uri_template):
            return [plain(item) for item in (await scene.client.read_resource(uri)).contents]
    raise Unfit("read_template")


@step
async def get_prompt(scene: Scene) -> Summary:
    listed = {prompt.name for prompt in (await scene.client.list_prompts()).prompts}
    for name, arguments in SCRIPT["prompts"]:
        if name in listed:
            got = await scene.client.get_prompt(name, arguments)
            return [plain(message.content) for message in got.messages]
    raise Unfit("get_prompt")


@step
async def complete(scene: Scene) -> Summary:
    listed = {prompt.name for prompt in (await scene.client.list_prompts()).prompts}
    for name, argument, value in SCRIPT["completions"]:
        if name in listed and scene.offers("completions"):
            ref = types.PromptReference(name=name)
            return (await scene.client.complete(ref, {"name": argument, "value": value})).completion.values
    raise Unfit("complete")


@step
async def concurrent(scene: Scene) -> Summary:
    tool, arguments = scene.pick("concurrent")
    numbered = [{key: f"{value} {number}" for key, value in arguments.items()} for number in range(5)]
    results = await asyncio.gather(*(scene.client.call_tool(tool, each) for each in numbered))
    return [summarise(result)["texts"] for result in results]


@step
async def unknown_tool(scene: Scene) -> Summary:
    try:
        return summarise(await scene.client.call_tool("no_such_tool", {}))
    except MCPError as error:
        return {"refused": [error.code, error.message]}


@step
async def sampling(scene: Scene) -> Summary:
    return await scene.asking("sampling", "sampling")


@step
async def form_accept(scene: Scene) -> Summary:
    return await scene.asking("form_accept", "form")


@step
async def form_decline(scene: Scene) -> Summary:
    return await scene.asking("form_decline", "form", "decline")


@step
async def url_accept(scene: Scene) -> Summary:
    return await scene.asking("url_accept", "url")


@step
async def roots(scene: Scene) -> Summary:
    return await scene.play("roots")  # a server may have asked for them earlier, on its own


@step
async def progress(scene: Scene) -> Summary:
    seen: list[Any] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append([progress, total, message])

    summary = await scene.play("progress", progress_callback=on_progress)
    return {**summary, "progress": seen}


@step
async def logging(scene: Scene) -> Summary:
    scene.pick("logging")
    if scene.stateful:
        await scene.client.set_logging_level("info")
    while not scene.logs.empty():
        scene.logs.get_nowait()
    await scene.play("logging")
    return [await scene.logs.get() for _ in range(3)]


@step
async def cancel(scene: Scene) -> Summary:
    tool, arguments = scene.pick("cancel")
    started = asyncio.Event()

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        started.set()

    call = asyncio.create_task(scene.client.call_tool(tool, arguments, progress_callback=on_progress))
    await started.wait()
    call.cancel()
    outcome = await asyncio.gather(call, return_exceptions=True)
    summary: dict[str, Any] = {"ended": type(outcome[0]).__name__}
    if "was_cancelled" in scene.tools:
        summary["server"] = (await scene.play("cancelled"))["texts"]
    return summary


@step
async def subscribe(scene: Scene) -> Summary:
    if not scene.stateful:
        raise Unfit("subscribe")
    tool, arguments = scene.pick("subscribe")
    listed = {str(item.uri) for item in (await scene.client.list_resources()).resources}
    uri = next(uri for uri in SCRIPT["resources"] if uri in listed)
    await scene.client.subscribe_resource(uri)
    await scene.client.call_tool(tool, arguments)
    heard: set[str] = set()
    while f"updated {uri}" not in heard:
        heard.add(await scene.heard.get())
    await scene.client.unsubscribe_resource(uri)
    return f"updated {uri}"


@step
async def listen(scene: Scene) -> Summary:
    if scene.stateful:
        raise Unfit("listen")
    tool, arguments = scene.pick("listen")
    uri = SCRIPT["resources"][0]
    events: list[str] = []
    async with scene.client.listen(tools_list_changed=True, resource_subscriptions=[uri]) as stream:
        honoured = plain(stream.honored)
        await scene.client.call_tool(tool, arguments)
        async for event in stream:
            events.append(repr(event))
            if len(events) == 2:
                break
    return {"honoured": honoured, "events": sorted(events)}


async def start_task(scene: Scene, name: str) -> str:
    from fastmcp_tasks.client_models import ClientCreateTaskResult

    tool, arguments = scene.pick(name)
    made = await scene.client.session.call_tool(tool, arguments, allow_claimed=True)
    if not isinstance(made, ClientCreateTaskResult):
        raise TypeError(f"expected a task, got {type(made).__name__}")
    return made.task_id


def outcome(final: Any) -> Summary:
    return {"status": final.status, "result": final.result, "failure": final.error}


@step
async def x_task_done(scene: Scene) -> Summary:
    """The extension drives the task by itself; the caller sees a plain result, in either era."""
    return await scene.play("x_task_done")


@step
async def x_task_input(scene: Scene) -> Summary:
    if scene.stateful:
        raise Unfit("x_task_input")
    return await scene.asking("x_task_input", "form")


@step
async def x_task_error(scene: Scene) -> Summary:
    """A tool error is a completed task."""
    if scene.stateful:
        raise Unfit("x_task_error")
    return outcome(await poll(scene, await start_task(scene, "x_task_error")))


@step
async def x_task_failed(scene: Scene) -> Summary:
    if scene.stateful:
        raise Unfit("x_task_failed")
    return outcome(await poll(scene, await start_task(scene, "x_task_failed")))


@step
async def x_task_cancelled(scene: Scene) -> Summary:
    from fastmcp_tasks.client_models import CancelTaskRequest, CancelTaskRequestParams

    if scene.stateful:
        raise Unfit("x_task_cancelled")
    task = await start_task(scene, "x_task_cancelled")
    request = CancelTaskRequest(params=CancelTaskRequestParams(task_id=task))
    await scene.client.session.send_request(request, types.Result)
    return outcome(await poll(scene, task))


async def poll(scene: Scene, task: str) -> Any:
    from fastmcp_tasks.client_models import ClientGetTaskResult, GetTaskRequest, GetTaskRequestParams

    while True:
        request = GetTaskRequest(params=GetTaskRequestParams(task_id=task))
        current = await scene.client.session.send_request(request, ClientGetTaskResult)
        if current.status in ("completed", "failed", "cancelled"):
            return current
        await asyncio.sleep((current.poll_interval_ms or 100) / 1000)


@step
async def ping(scene: Scene) -> Summary:
    if not scene.stateful:
        raise Unfit("ping")
    return plain(await scene.client.send_ping())


async def call(scene: Scene, name: str) -> Summary:
    """How a call ends, what was asked meanwhile, and whether the session lives on."""
    tool = name.split(":")[1]
    scene.about, scene.shown = tool, []
    try:
        async with asyncio.timeout(CALL_SECONDS):
            ended = summarise(await scene.client.call_tool(tool, {"about": tool}))
    except MCPError as error:
        ended = {"refused": [error.code, error.message, error.data]}
    except TimeoutError:
        ended = {"hung": True}
    scene.about = ""
    return {**ended, "shown": scene.shown, "after": (await scene.play("call_echo"))["texts"]}


for plain_call in ("call_echo", "call_add", "structured", "big", "tool_error"):
    STEPS[plain_call] = lambda scene, name=plain_call: scene.play(name)  # type: ignore[misc]


def explain(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return re.sub(r"0x[0-9a-f]+", "0x", f"{type(error).__name__}: {error}")


@asynccontextmanager
async def connected(options: argparse.Namespace, scene: Scene) -> AsyncIterator[None]:
    mode = options.era
    if options.era in HANDSHAKE_PROTOCOL_VERSIONS:
        mode = "legacy"
        # The SDK always offers its newest version of the era; this constant is the only handle on that.
        mcp.client.session.LATEST_HANDSHAKE_VERSION = options.era  # type: ignore[attr-defined]
    target: str | StdioServerParameters | AbstractAsyncContextManager[Any] = options.url
    if options.stdio:
        target = StdioServerParameters(command=options.stdio[0], args=options.stdio[1:])
    elif options.sse:
        target = sse_client(options.sse)
    extensions = []
    if mode != "legacy" and not options.no_tasks:
        from fastmcp_tasks.client import TasksClientExtension

        extensions.append(TasksClientExtension(scene.elicit))
    async with Client(
        target,
        mode=mode,
        read_timeout_seconds=STEP_SECONDS,
        sampling_callback=scene.sample,
        elicitation_callback=scene.elicit,
        list_roots_callback=scene.list_roots,
        logging_callback=scene.log,
        log_level="info",
        message_handler=scene.hear,
        client_info=types.Implementation(name="py-client", version="1.0"),
        extensions=extensions or None,
    ) as scene.client:
        scene.tools = {tool.name for tool in (await scene.client.list_tools()).tools}
        yield


async def run(options: argparse.Namespace) -> dict[str, Summary]:
    scene = Scene()
    done: dict[str, Summary] = {}
    chosen = options.steps.split(",") if options.steps else list(STEPS)
    try:
        async with asyncio.timeout(RUN_SECONDS), connected(options, scene):
            for name in chosen:
                try:
                    async with asyncio.timeout(STEP_SECONDS):
                        done[name] = await (call(scene, name) if name.startswith("call:") else STEPS[name](scene))
                except Unfit:
                    pass
                except Exception as error:
                    done[name] = {"error": explain(error)}
    except Exception as error:
        done["connection"] = {"error": explain(error)}
    return done


def main() -> None:
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # the older eras are what this client is for
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--era", default="auto")
    parser.add_argument("--steps", default="")
    parser.add_argument("--no-tasks", action="store_true", help="do not declare the tasks extension")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--url")
    way.add_argument("--sse")
    way.add_argument("--stdio", action="store_true", help="the rest is the command of the server")
    # All after --stdio is the command, taken as it is, so argparse must not see it.
    at = sys.argv.index("--stdio") + 1 if "--stdio" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:at])
    options.stdio = sys.argv[at:]
    if options.era not in ("auto", *HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS):
        parser.error(f"unknown era `{options.era}`")
    json.dump({"steps": asyncio.run(run(options))}, sys.stdout, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
