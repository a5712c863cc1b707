"""What the demo plays, step by step: one story for both eras, with a few scenes that only one of them has.

A step returns the line that tells it, or raises; nothing here waits for a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from interpose.app.demo.session import Session
from interpose.app.demo.stateless import MISSING_CAPABILITY
from interpose.app.demo.stateless_session import StatelessSession
from interpose.app.demo.wire import INVALID_PARAMS, Fault, Json, Refused
from interpose.app.demo.world import AUDIT, DIAGRAM, STATUS

STEP_SECONDS = 10


class Unexpected(Exception):
    """A step went otherwise than the story says."""


class Step(NamedTuple):
    name: str
    run: Callable[[Session], Awaitable[str]]
    needs_model: bool = False


def expect(outcome: bool, otherwise: object) -> None:
    if not outcome:
        raise Unexpected(f"unexpected: {otherwise}")


def first_text(result: Json) -> str:
    """The first line of a tool's result, which must not be an error."""
    expect(not result.get("isError", False), result)
    text: str = result["content"][0]["text"]
    return text


async def connect(session: Session) -> str:
    offer = await session.open()
    info = offer["serverInfo"]
    expect("resources" in offer["capabilities"], offer)
    return f"{info['name']} {info['version']} speaks {session.version}"


async def ping(session: Session) -> str:
    await session.request("ping", {})
    return "the server is alive"


async def browse(session: Session) -> str:
    tools = await session.pages("tools/list", "tools")
    prompts = await session.pages("prompts/list", "prompts")
    resources = await session.pages("resources/list", "resources")
    templates = await session.pages("resources/templates/list", "resourceTemplates")
    contents = (await session.read(DIAGRAM))["contents"]
    expect(len(tools) == 7, tools)
    expect("blob" in contents[0], contents)
    return f"{len(tools)} tools, {len(prompts)} prompt, {len(resources)} resources, {len(templates)} template"


async def complete(session: Session) -> str:
    ref = {"type": "ref/prompt", "name": "release_note"}
    argument = {"name": "service", "value": "s"}
    result = await session.request("completion/complete", {"ref": ref, "argument": argument})
    values = result["completion"]["values"]
    expect(values == ["search", "shop"], values)
    template = {"type": "ref/resource", "uri": "deploy://environments/{name}"}
    argument = {"name": "name", "value": "prod"}
    result = await session.request("completion/complete", {"ref": template, "argument": argument})
    expect(result["completion"]["values"] == ["production"], result)
    return f"s may become {' or '.join(values)}"


async def watch(session: Session) -> str:
    await session.set_level("info")
    await session.watch(STATUS)
    return f"told of changes to {STATUS}, and of log messages from info up"


async def two_at_once(session: Session) -> str:
    results = await asyncio.gather(session.call("sign_in"), session.call("scan_workspace", "scan"))
    await session.until("notifications/progress", progressToken="scan")
    await session.until("notifications/message", level="info")
    return " ".join(first_text(result) for result in results)


async def add_folder(session: Session) -> str:
    session.user.folders.append("search")
    session.peer.notify("notifications/roots/list_changed")
    return first_text(await session.call("scan_workspace"))


async def plan_deploy(session: Session) -> str:
    result = await session.call("plan_deploy", service="shop")
    text = first_text(result)
    expect(result["structuredContent"].get("environment") == "staging", result)
    await session.until("notifications/resources/updated", uri=STATUS)
    expect('"staging"' in (await session.read(STATUS))["contents"][0]["text"], "status")
    return text


async def release_note(session: Session) -> str:
    result = await session.request("prompts/get", {"name": "release_note", "arguments": {"service": "shop"}})
    expect(result["description"] == "A plain release note", result)
    return "the form was dismissed, so it is a plain note"


async def drop_database(session: Session) -> str:
    text = first_text(await session.call("drop_database", name="orders"))
    expect("kept" in text, text)
    return text


async def wobbly(session: Session) -> str:
    result = await session.call("wobbly")
    expect(result.get("isError", False), result)
    return f"a tool's own error: {result['content'][0]['text']}"


async def unknown_tool(session: Session) -> str:
    return await _refused(session.call("make_coffee"), INVALID_PARAMS)


async def undeclared(session: Session) -> str:
    assert isinstance(session, StatelessSession)
    params = {"name": "plan_deploy", "arguments": {"service": "search"}}
    return await _refused(session.request_as({}, "tools/call", params), MISSING_CAPABILITY)


async def audit(session: Session) -> str:
    contents = (await session.read(AUDIT))["contents"]
    return f"opened after consent, {len(contents[0]['text'].splitlines())} lines"


async def slow_backup(session: Session) -> str:
    backup = asyncio.create_task(session.call("slow_backup", "backup"))
    heard = await session.until("notifications/progress", progressToken="backup")
    await _cancel(backup, "the user changed their mind")
    return f"cancelled after {heard['message']}"


async def no_reaction(session: Session) -> str:
    backup = asyncio.create_task(session.call("slow_backup", ask_first=True))
    await session.user.startled.wait()
    await _cancel(backup, "nobody answers")
    return "given up, as nobody answered the form"


async def generate_report(session: Session) -> str:
    text = first_text(await session.finish_task(await session.start_task("generate_report")))
    await session.until("notifications/resources/list_changed")
    kept = (await session.read("deploy://reports/1"))["contents"]
    expect("2.5 pages" in kept[0]["text"], kept)
    return text


async def stop_report(session: Session) -> str:
    task = await session.cancel_task(await session.start_task("generate_report"))
    expect(task["status"] == "cancelled", task)
    return "a second report was cancelled"


async def list_tasks(session: Session) -> str:
    tasks = (await session.request("tasks/list", {}))["tasks"]
    expect([task["status"] for task in tasks] == ["completed", "cancelled"], tasks)
    return ", ".join(task["status"] for task in tasks)


async def unwatch(session: Session) -> str:
    await session.unwatch(STATUS)
    return f"no longer told of {STATUS}"


async def _refused(request: Awaitable[Json], code: int) -> str:
    try:
        result = await request
    except Refused as refusal:
        expect(refusal.code == code, f"code {refusal.code}")
        return f"refused with {refusal.code}: {refusal.message}"
    raise Unexpected(f"not refused: {result}")


async def _cancel(call: asyncio.Task[Json], reason: str) -> None:
    call.cancel(reason)
    await asyncio.wait([call])
    expect(call.cancelled(), "it was answered")


_OPENING = [
    Step("connect", connect),
    Step("browse", browse),
    Step("complete", complete),
    Step("watch", watch),
]
_MIDDLE = [
    Step("plan_deploy", plan_deploy, needs_model=True),
    Step("release_note", release_note),
    Step("drop_database", drop_database),
    Step("wobbly", wobbly),
    Step("unknown tool", unknown_tool),
    Step("audit log", audit),
    Step("slow_backup", slow_backup),
    Step("no reaction", no_reaction),
    Step("generate_report", generate_report, needs_model=True),
    Step("stop report", stop_report),
]
_TWO, _UNWATCH = Step("two at once", two_at_once), Step("unwatch", unwatch)

STATEFUL = [
    *_OPENING,
    Step("ping", ping),
    _TWO,
    Step("add folder", add_folder),
    *_MIDDLE,
    Step("list tasks", list_tasks),
    _UNWATCH,
]
STATELESS = [*_OPENING, _TWO, *_MIDDLE, Step("undeclared", undeclared), _UNWATCH]


async def play(session: Session, steps: list[Step], tell: Callable[[str, str], None], model_denied: bool) -> list[str]:
    """Plays the steps and names those that went wrong; stops where the other end is silent or gone."""
    wrong: list[str] = []
    for step in steps:
        try:
            async with asyncio.timeout(STEP_SECONDS):
                tell(step.name, await step.run(session))
        except (TimeoutError, ConnectionError) as end:
            tell(step.name, f"WRONG: {end or 'no answer'}; the story ends here")
            return [*wrong, step.name]
        except (Unexpected, Fault, KeyError) as problem:
            if step.needs_model and model_denied:
                tell(step.name, f"denied: {problem}")
                continue
            tell(step.name, f"WRONG: {problem}")
            wrong.append(step.name)
    return wrong
