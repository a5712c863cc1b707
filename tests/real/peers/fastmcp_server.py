"""A FastMCP server whose tools run as tasks of the extension `io.modelcontextprotocol/tasks`.

Run with `--stdio`, `--http PORT` (endpoint `/mcp`) or `--sse PORT` (`/sse`); port 0 picks one. It prints
`listening PORT` on stderr once it accepts connections. A client that does not declare the extension, or
speaks the stateful era, gets plain results from `crunch`. `--tools task_ASK-ANYTHING,...` adds tools that ask, as those
of py_asks.py do, from within a task.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import mcp_types as types
import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.utilities.tasks import TaskConfig
from fastmcp_tasks import TasksExtension
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

server: FastMCP[Any] = FastMCP("fastmcp-server", version="1.0")
server.add_extension(TasksExtension(url="memory://", minimum_check_interval=timedelta(milliseconds=20)))
TASK = TaskConfig(mode="optional", poll_interval=timedelta(milliseconds=50))
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@server.tool
async def echo(message: str) -> str:
    """Give the message back, always at once."""
    return f"Echo: {message}"


@server.tool
async def slow(ctx: Context, steps: int = 3) -> str:
    """Report progress and log a line for every step."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
        await ctx.info(f"step {step}", logger_name="slow")
        await asyncio.sleep(0.02)
    return f"{steps} steps"


@server.tool(task=TASK)
async def crunch(rows: int) -> dict[str, int]:
    """A task that completes."""
    return {"rows": rows, "sum": sum(range(rows))}


@server.tool(task=TASK)
async def crunch_asking(ctx: Context) -> str | types.InputRequiredResult:
    """A task that waits for the user's input before it completes."""
    given = (ctx.input_responses or {}).get("who")
    if isinstance(given, types.ElicitResult):
        return f"{given.action} by {(given.content or {}).get('name')}"
    params = types.ElicitRequestFormParams(message="Who is asking?", requested_schema=NAME)
    request = types.ElicitRequest(params=params)
    return types.InputRequiredResult(input_requests={"who": request})


@server.tool(task=TASK)
async def crunch_badly(rows: int) -> int:
    """A task that ends badly: with a tool error, which counts as completed, or else as failed."""
    if rows == 0:
        raise ToolError("nothing to crunch")
    raise MCPError(-31007, f"cannot crunch {rows} rows")


@server.tool(task=TASK)
async def crunch_forever() -> str:
    """A task that ends by being cancelled."""
    await asyncio.sleep(60)
    return "done"


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "note": {"type": "string"}},
    "required": ["name", "note"],
}


def spoken(text: str) -> types.SamplingMessage:
    return types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))


TASK_ASKS: dict[str, Callable[[str], types.InputRequest]] = {
    "task_form": lambda about: types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=f"PLANTED-asked-{about} who?", requested_schema=PERSON)
    ),
    "task_url": lambda about: types.ElicitRequest(
        params=types.ElicitRequestURLParams(message=f"PLANTED-asked-{about} sign in", url="https://example.test/start")
    ),
    "task_sampling": lambda about: types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[spoken(f"PLANTED-asked-{about} why?")], max_tokens=50)
    ),
    "task_roots": lambda about: types.ListRootsRequest(),
}


async def ask_in_task(about: str, ctx: Context) -> str | types.InputRequiredResult:
    """A task that asks once, and tells what it was told."""
    match (ctx.input_responses or {}).get("asked"):
        case types.ElicitResult(action="accept", content={"name": name, "note": note}):
            return f"{name}: {note}"
        case types.ElicitResult(action=action):
            return action
        case types.CreateMessageResult(model=model, content=types.TextContent(text=text)):
            return f"{model} says {text}"
        case types.ListRootsResult(roots=roots):
            return ", ".join(f"{root.name} at {root.uri}" for root in roots) or "nowhere"
    request = TASK_ASKS[about.partition("-")[0]](about)
    return types.InputRequiredResult(input_requests={"asked": request})


@server.resource("note://pad", mime_type="text/plain")
def pad() -> str:
    """A note."""
    return "milk, eggs"


@server.prompt
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}"


@server.completion
def complete(ref: Any, argument: types.CompletionArgument, context: Any) -> list[str]:
    return [name for name in ("Ada", "Alan", "Grace") if name.startswith(argument.value)]


class Announcing(uvicorn.Server):
    """Says on stderr when and where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for bound in sockets or []:
            print(f"listening {bound.getsockname()[1]}", file=sys.stderr, flush=True)


def serve(app: Any, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as bound:
        # asyncio does that for sockets it makes itself; without it every answer waits 40 ms for an ACK.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="on")
        asyncio.run(Announcing(config).serve(sockets=[bound]))


def main() -> None:
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--stdio", action="store_true")
    way.add_argument("--http", type=int, metavar="PORT")
    way.add_argument("--sse", type=int, metavar="PORT")
    parser.add_argument("--tools", default="")
    options = parser.parse_args()
    for name in options.tools.split(",") if options.tools else []:
        server.tool(name=name, task=TASK)(ask_in_task)
    if options.stdio:
        server.run("stdio", show_banner=False)
    elif options.http is not None:
        serve(server.http_app(), options.http)
    else:
        serve(server.http_app(transport="sse"), options.sse)


if __name__ == "__main__":
    main()
