"""What the tools of the deployment assistant do, in either era.

No tool knows the era it is called in; what it may do is in `Call`. How tools are listed is in `catalog`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from interpose.app.demo.ask import Ask, blocks, follow_up, form, model, page, roots
from interpose.app.demo.call import Call
from interpose.app.demo.wire import Json
from interpose.app.demo.world import ENVIRONMENTS, PIXEL, REGIONS

STANDARD_PLAN = "Drain one host at a time, deploy, watch the error rate for ten minutes."
WORK_SECONDS = 0.01
BACKUP_STEP_SECONDS = 0.3

CAPACITY_TOOL: Json = {
    "name": "lookup_capacity",
    "description": "Free capacity of an environment, in percent",
    "inputSchema": {
        "type": "object",
        "properties": {"environment": {"type": "string", "enum": sorted(ENVIRONMENTS)}},
        "required": ["environment"],
    },
}

TARGET_FORM: Json = {
    "environment": {
        "type": "string",
        "title": "Environment",
        "oneOf": [{"const": name, "title": f"{name}: {text}"} for name, text in ENVIRONMENTS.items()],
        "default": "staging",
    },
    "replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
    "regions": {"type": "array", "items": {"type": "string", "enum": REGIONS}, "minItems": 1},
    "notify": {"type": "string", "format": "email", "description": "Whom to tell"},
    "canary": {"type": "boolean", "default": True},
}


def said(text: str, **more: object) -> Json:
    """A tool result with one line of text."""
    return {"content": [{"type": "text", "text": text}], **more}


async def plan_deploy(call: Call) -> Json:
    service = call.arguments["service"]
    plan = await _think(call, f"Plan the rollout of {service} in one sentence.")
    answers = await call.ask(target=form(f"{plan} Where should {service} go?", TARGET_FORM, ["environment"]))
    target = answers["target"]
    if target["action"] != "accept":
        text = f"{service} was not deployed: the user answered {target['action']}."
        return said(text, structuredContent={"deployed": False, "plan": plan})
    environment, replicas = target["content"]["environment"], target["content"].get("replicas", 2)
    call.world.deploy(service, environment, replicas)
    facts = {"deployed": True, "plan": plan, "environment": environment, "replicas": replicas}
    return said(f"{service} is on {environment} with {replicas} replicas.", structuredContent=facts)


async def _think(call: Call, prompt: str) -> str:
    """The model's plan, which may cost a tool use first; the standard plan where the model is refused."""
    question = model(prompt, [CAPACITY_TOOL] if call.can("sampling", "tools") else None)
    reply = (await call.ask(plan=question))["plan"]
    if uses := blocks(reply, "tool_use"):
        capacity = {use["id"]: "61 percent free" for use in uses}
        reply = (await call.ask(refined=follow_up(question, reply, capacity)))["refined"]
    return _text(reply) or STANDARD_PLAN


async def sign_in(call: Call) -> Json:
    account = page("Sign in to the cloud account", "https://accounts.example.com/sign-in?for=deploy-assistant")
    answer = (await call.ask(account=account))["account"]
    if answer["action"] != "accept":
        return said("Not signed in.", isError=True)
    call.world.account = "ada@example.com"
    return said(f"Signed in as {call.world.account}.")


async def scan_workspace(call: Call) -> Json:
    found = (await call.ask(workspace=roots()))["workspace"]["roots"]
    await call.pause()
    for number, root in enumerate(found, start=1):
        name = root.get("name", root["uri"])
        call.log("info", {"scanned": name, "files": 40 + number})
        call.progress(number, len(found), f"scanned {name}")
        await asyncio.sleep(0)
    links = [
        {
            "type": "resource_link",
            "uri": root["uri"],
            "name": root.get("name", "root"),
            "mimeType": "inode/directory",
        }
        for root in found
    ]
    return {"content": [{"type": "text", "text": f"Folders scanned: {len(found)}."}, *links]}


async def generate_report(call: Call) -> Json:
    call.progress(1, 2, "collecting")
    await asyncio.sleep(WORK_SECONDS)
    asks: dict[str, Ask] = {"layout": form("How long may the report be?", _LAYOUT_FORM, ["pages"])}
    if call.can("sampling"):
        asks["summary"] = model("Summarise the last deployment.")
    answers = await call.ask(**asks)
    await asyncio.sleep(WORK_SECONDS)
    pages = answers["layout"].get("content", {}).get("pages", 1)
    summary = _text(answers.get("summary", {})) or "No summary."
    uri = call.world.file_report(f"{summary} ({pages} pages)")
    call.progress(2, 2, "written")
    kept: Json = {"type": "resource", "resource": call.world.read(uri)}
    chart: Json = {
        "type": "image",
        "data": PIXEL,
        "mimeType": "image/png",
        "annotations": {"audience": ["user"]},
    }
    return {"content": [{"type": "text", "text": f"The report is at {uri}."}, kept, chart]}


_LAYOUT_FORM: Json = {"pages": {"type": "number", "minimum": 1, "maximum": 20, "default": 2}}


async def drop_database(call: Call) -> Json:
    name = call.arguments["name"]
    sure: Json = {"confirm": {"type": "string", "title": "Type the name to confirm", "minLength": 1}}
    answer = (await call.ask(confirm=form(f"Really drop the database {name}?", sure, ["confirm"])))["confirm"]
    if answer["action"] == "accept" and answer["content"]["confirm"] == name:
        return said(f"{name} is gone.")
    return said(f"{name} was kept: the user answered {answer['action']}.")


async def slow_backup(call: Call) -> Json:
    if call.arguments.get("ask_first"):
        window: Json = {"window": {"type": "string", "enum": ["now", "tonight"], "enumNames": ["Now", "Tonight"]}}
        await call.ask(window=form("When may the backup start?", window, ["window"]))
    for percent in range(1, 101):
        call.progress(percent, 100, f"{percent} of 100 volumes")
        await asyncio.sleep(BACKUP_STEP_SECONDS)
    return said("The backup is complete.")


async def wobbly(call: Call) -> Json:
    call.log("error", {"wheel": "front left", "state": "loose"})
    return said("The wheel came off; try again with three wheels.", isError=True)


def _text(reply: Json) -> str:
    return " ".join(block["text"] for block in blocks(reply, "text"))


TOOLS: dict[str, Callable[[Call], Awaitable[Json]]] = {
    "plan_deploy": plan_deploy,
    "sign_in": sign_in,
    "scan_workspace": scan_workspace,
    "generate_report": generate_report,
    "drop_database": drop_database,
    "slow_backup": slow_backup,
    "wobbly": wobbly,
}
