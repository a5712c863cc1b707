"""A server of the Python SDK that speaks both eras, with a tool for everything a proxy has to carry.

Run with `--stdio`, `--http PORT` (endpoint `/mcp`) or `--sse PORT` (`/sse`); port 0 picks one. It prints
`listening PORT` on stderr once it accepts connections. `--tools NAME,...` adds the tools of py_asks.py.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import warnings
from functools import partial
from typing import Annotated, Any

import mcp_types as types
import py_asks
import uvicorn
from mcp.server.lowlevel.server import NotificationOptions
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, ListRoots, Resolve, Sample
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel

PAD = "note://pad"
LINK = "https://example.test/start"

server = MCPServer("py-server", version="1.0", instructions="Real peer for interpose.", log_level="WARNING")
subscribed: set[str] = set()
cancelled = asyncio.Event()
Ctx = Context[Any, Any]


class Person(BaseModel):
    """What `ask_form` asks for."""

    name: str
    age: int


@server.tool()
async def echo(message: str) -> str:
    """Give the message back."""
    return f"Echo: {message}"


@server.tool()
async def add(a: int, b: int) -> int:
    """Add two integers; the result is structured."""
    return a + b


@server.tool()
async def fail(why: str) -> str:
    """End as a tool error, which is a result and not a protocol fault."""
    raise ToolError(why)


@server.tool()
async def big(size: int) -> str:
    """Give `size` bytes of text, some of them beyond ASCII."""
    return ("0123456é" * (size // 8 + 1)).encode()[:size].decode(errors="ignore")


# The resolvers below ask the client: as requests mid-call in the stateful era, as rounds of
# InputRequiredResult in the stateless one. The SDK chooses by the version of the request.
def model_question(prompt: str) -> Sample:
    text = types.TextContent(type="text", text=prompt)
    return Sample([types.SamplingMessage(role="user", content=text)], max_tokens=50)


def form_question() -> Elicit[Person]:
    return Elicit("Who is asking?", Person)


def roots_question() -> ListRoots:
    return ListRoots()


@server.tool()
async def ask_model(prompt: str, answer: Annotated[types.CreateMessageResult, Resolve(model_question)]) -> str:
    """Ask the client's model."""
    text = answer.content.text if isinstance(answer.content, types.TextContent) else answer.content.type
    return f"{answer.model} says {text}"


@server.tool()
async def ask_form(answer: Annotated[ElicitationResult[Person], Resolve(form_question)]) -> str:
    """Ask the user to fill in a form."""
    if answer.action != "accept":
        return answer.action
    return f"{answer.data.name} is {answer.data.age}"


@server.tool()
async def where(answer: Annotated[types.ListRootsResult, Resolve(roots_question)]) -> str:
    """Ask for the client's roots."""
    return ", ".join(str(root.uri) for root in answer.roots) or "nowhere"


@server.tool()
async def ask_url(ctx: Ctx) -> str | types.InputRequiredResult:
    """Ask the user to open a link; the SDK has no resolver for that, so both ways are spelled out."""
    question = "Please sign in"
    if ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
        outcome = await ctx.elicit_url(question, LINK, "link-1")
        await ctx.session.send_elicit_complete("link-1", related_request_id=ctx.request_id)
        return outcome.action
    given = (ctx.input_responses or {}).get("link")
    if isinstance(given, types.ElicitResult):
        return given.action
    params = types.ElicitRequestURLParams(message=question, url=LINK)
    request = types.ElicitRequest(params=params)
    return types.InputRequiredResult(input_requests={"link": request}, request_state="asked")


@server.tool()
async def slow(ctx: Ctx, steps: int = 3) -> str:
    """Report progress and log a line for every step."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
        await ctx.log("info", f"step {step}", logger_name="slow")
        await asyncio.sleep(0.02)
    return f"{steps} steps"


@server.tool()
async def sleepy(ctx: Ctx, seconds: float = 30) -> str:
    """Say with one progress notification that it started, then take long, unless cancelled."""
    try:
        await ctx.report_progress(0, 1, "asleep")
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        cancelled.set()
        raise
    return "awake"


@server.tool()
async def was_cancelled() -> bool:
    """Whether a `sleepy` call was cancelled; waits a while for it."""
    try:
        await asyncio.wait_for(cancelled.wait(), 5)
    except TimeoutError:
        return False
    return True


@server.tool()
async def touch(ctx: Ctx) -> str:
    """Announce a changed resource and a changed list of tools, in the way of the caller's era."""
    if ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
        if PAD in subscribed:
            await ctx.session.send_resource_updated(PAD)
        await ctx.session.send_tool_list_changed()
    else:
        await ctx.notify_resource_updated(PAD)
        await ctx.notify_tools_changed()
    return "touched"


@server.resource(PAD, mime_type="text/plain")
def pad() -> str:
    """A note."""
    return "milk, eggs"


@server.resource("note://{name}/{line}", mime_type="text/plain")
def note(name: str, line: str) -> str:
    """A line of a note."""
    return f"line {line} of {name}"


@server.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}"


@server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
async def complete(
    ref: types.PromptReference | types.ResourceTemplateReference,
    argument: types.CompletionArgument,
    context: types.CompletionContext | None,
) -> types.Completion:
    names = ["Ada", "Alan", "Grace"]
    return types.Completion(values=[name for name in names if name.startswith(argument.value)])


async def subscribe(ctx: Any, params: types.SubscribeRequestParams) -> types.EmptyResult:
    subscribed.add(params.uri)
    return types.EmptyResult()


async def unsubscribe(ctx: Any, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    subscribed.discard(params.uri)
    return types.EmptyResult()


async def set_level(ctx: Any, params: types.SetLevelRequestParams) -> types.EmptyResult:
    return types.EmptyResult()


# MCPServer offers the stateful era neither subscriptions nor logging/setLevel; its low level does.
low = server._lowlevel_server
low.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
low.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)
low.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)
low.create_initialization_options = partial(  # type: ignore[method-assign]
    low.create_initialization_options, NotificationOptions(tools_changed=True)
)


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
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        asyncio.run(Announcing(config).serve(sockets=[bound]))


def main() -> None:
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # the older eras are what this server is for
    parser = argparse.ArgumentParser(description=__doc__)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--stdio", action="store_true")
    way.add_argument("--http", type=int, metavar="PORT")
    way.add_argument("--sse", type=int, metavar="PORT")
    parser.add_argument("--tools", default="")
    options = parser.parse_args()
    py_asks.offer(server, options.tools.split(",") if options.tools else [])
    if options.stdio:
        server.run("stdio")
    elif options.http is not None:
        serve(server.streamable_http_app(), options.http)
    else:
        serve(server.sse_app(), options.sse)


if __name__ == "__main__":
    main()
