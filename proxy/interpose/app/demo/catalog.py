"""What the server offers, as data, and the answers that need nothing else: lists, pages, completions.

Written for 2025-11-25; what 2026-07-28 adds to a list, or leaves out, is the stateless side's affair.
"""

from __future__ import annotations

from collections.abc import Sequence

from interpose.app.demo.wire import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Json
from interpose.app.demo.world import ENVIRONMENTS, SERVICES, World

INFO: Json = {
    "name": "deploy-assistant",
    "title": "Deployment assistant (demo)",
    "version": "1.0.0",
    "description": "Pretends to deploy things",
}
INSTRUCTIONS = "Plan first, deploy second. Nothing here touches a real system."
PAGE = 4

LISTS = frozenset({"tools/list", "prompts/list", "resources/list", "resources/templates/list"})


def _tool(name: str, description: str, properties: Json | None = None, **more: object) -> Json:
    names = list(properties or {})
    schema: Json = {"type": "object", "properties": properties or {}, "additionalProperties": False}
    if names and not more.pop("optional", False):
        schema["required"] = names
    return {"name": name, "title": name.replace("_", " ").capitalize(), "description": description} | {
        "inputSchema": schema,
        **more,
    }


TOOLS: list[Json] = [
    _tool(
        "plan_deploy",
        "Let the model plan a rollout, then let the user choose the environment",
        {"service": {"type": "string", "description": "What to deploy"}},
        outputSchema={
            "type": "object",
            "properties": {
                "deployed": {"type": "boolean"},
                "plan": {"type": "string"},
                "environment": {"type": "string"},
                "replicas": {"type": "integer"},
            },
            "required": ["deployed", "plan"],
        },
        annotations={"readOnlyHint": False, "destructiveHint": False, "openWorldHint": True},
    ),
    _tool("sign_in", "Connect the cloud account on its own web page", annotations={"idempotentHint": True}),
    _tool("scan_workspace", "Look through the user's folders", annotations={"readOnlyHint": True}),
    _tool("generate_report", "Write a report in the background", execution={"taskSupport": "optional"}),
    _tool(
        "drop_database",
        "Drop a database, once the user has confirmed it",
        {"name": {"type": "string"}},
        annotations={"destructiveHint": True},
    ),
    _tool(
        "slow_backup",
        "Copy a hundred volumes, one by one",
        {"ask_first": {"type": "boolean", "default": False}},
        optional=True,
    ),
    _tool("wobbly", "Fail, politely"),
]

PROMPTS: list[Json] = [
    {
        "name": "release_note",
        "title": "Release note",
        "description": "A note for the users of a service",
        "arguments": [
            {"name": "service", "description": "Which service", "required": True},
            {"name": "environment", "description": "Where it runs"},
        ],
    }
]

TEMPLATES: list[Json] = [
    {
        "uriTemplate": "deploy://environments/{name}",
        "name": "environment",
        "description": "One environment",
        "mimeType": "text/plain",
    }
]

_COMPLETIONS: dict[tuple[str, str], list[str]] = {
    ("release_note", "service"): SERVICES,
    ("release_note", "environment"): sorted(ENVIRONMENTS),
    ("deploy://environments/{name}", "name"): sorted(ENVIRONMENTS),
}


def listed(method: str, params: Json, world: World) -> Json:
    """The answer to one of `LISTS`."""
    if method == "tools/list":
        return _page("tools", TOOLS, params)
    if method == "prompts/list":
        return _page("prompts", PROMPTS, params)
    if method == "resources/list":
        return _page("resources", world.resources(), params)
    return _page("resourceTemplates", TEMPLATES, params)


def completed(params: Json) -> Json:
    """The answer to `completion/complete`."""
    ref, argument = params["ref"], params["argument"]
    options = _COMPLETIONS.get((ref.get("name") or ref.get("uri"), argument["name"]))
    if options is None:
        raise Fault(INVALID_PARAMS, "nothing to complete here")
    values = [option for option in options if option.startswith(argument["value"])]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}


def task_support(tool_name: str) -> str:
    """What a tool's `execution.taskSupport` says; absent means forbidden."""
    for tool in TOOLS:
        if tool["name"] == tool_name:
            support: str = tool.get("execution", {}).get("taskSupport", "forbidden")
            return support
    raise unknown_tool(tool_name)


def unknown_tool(name: str) -> Fault:
    return Fault(INVALID_PARAMS, f"Unknown tool: {name}")


def unknown_method(method: str) -> Fault:
    return Fault(METHOD_NOT_FOUND, f"Method not found: {method}")


def _page(key: str, items: Sequence[Json], params: Json) -> Json:
    start = _offset(params["cursor"], len(items)) if "cursor" in params else 0
    page: Json = {key: list(items[start : start + PAGE])}
    if start + PAGE < len(items):
        page["nextCursor"] = f"after-{start + PAGE}"
    return page


def _offset(cursor: str, size: int) -> int:
    number = cursor.removeprefix("after-")
    if not number.isdecimal() or not 0 < int(number) < size:
        raise Fault(INVALID_PARAMS, "Invalid cursor")
    return int(number)
