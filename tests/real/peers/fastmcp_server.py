"""A FastMCP server whose tools run as tasks of the extension `io.modelcontextprotocol/tasks`.

Run with `--stdio`, `--http PORT` (endpoint `/mcp`) or `--sse PORT` (`/sse`); port 0 picks one. It prints
`listening PORT` on stderr once it accepts connections. A client that does not declare the extension, or
speaks the stateful era, gets plain results from `crunch`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
import warnings
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
    options = parser.parse_args()
    if options.stdio:
        server.run("stdio", show_banner=False)
    elif options.http is not None:
        serve(server.http_app(), options.http)
    else:
        serve(server.http_app(transport="sse"), options.sse)


if __name__ == "__main__":
    main()
