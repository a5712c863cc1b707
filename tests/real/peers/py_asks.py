"""Tools that ask the client, under as many names as a policy has rules: each asks once, and tells what it was told.

A name is `ASK-ANYTHING`; the first word says what the tool asks. Each question holds `PLANTED-asked-NAME`.
"""

from typing import Annotated, Any

import mcp_types as types
from mcp import UrlElicitationRequiredError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, ListRoots, Resolve, Sample
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel

LINK = "https://example.test/start"
MAX_TOKENS = 50

Ctx = Context[Any, Any]


class Person(BaseModel):
    """What forms ask for."""

    name: str
    note: str


def model_question(about: str) -> Sample:
    text = types.TextContent(type="text", text=f"PLANTED-asked-{about} why?")
    message = types.SamplingMessage(role="user", content=text)
    return Sample([message], max_tokens=MAX_TOKENS, system_prompt="Be thorough.")


def form_question(about: str) -> Elicit[Person]:
    return Elicit(f"PLANTED-asked-{about} who?", Person)


def roots_question() -> ListRoots:
    return ListRoots()


async def ask_model(about: str, answer: Annotated[types.CreateMessageResult, Resolve(model_question)]) -> str:
    text = answer.content.text if isinstance(answer.content, types.TextContent) else answer.content.type
    return f"{answer.model} says {text}"


async def ask_form(about: str, answer: Annotated[ElicitationResult[Person], Resolve(form_question)]) -> str:
    if answer.action != "accept":
        return answer.action
    return f"{answer.data.name}: {answer.data.note}"


async def ask_roots(about: str, answer: Annotated[types.ListRootsResult, Resolve(roots_question)]) -> str:
    return ", ".join(f"{root.name} at {root.uri}" for root in answer.roots) or "nowhere"


async def ask_url(about: str, ctx: Ctx) -> str | types.InputRequiredResult:
    question = f"PLANTED-asked-{about} sign in"
    if ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
        return (await ctx.elicit_url(question, LINK, about)).action
    given = (ctx.input_responses or {}).get("link")
    if isinstance(given, types.ElicitResult):
        return given.action
    request = types.ElicitRequest(params=types.ElicitRequestURLParams(message=question, url=LINK))
    return types.InputRequiredResult(input_requests={"link": request}, request_state=about)


async def ask_two(
    about: str,
    form: Annotated[ElicitationResult[Person], Resolve(form_question)],
    roots: Annotated[types.ListRootsResult, Resolve(roots_question)],
) -> str:
    """In the stateless era both questions stand in one result."""
    return f"{await ask_form(about, form)} in {await ask_roots(about, roots)}"


async def demand_sign_in(about: str) -> str:
    question = f"PLANTED-asked-{about} sign in"
    link = types.ElicitRequestURLParams(message=question, url=LINK, elicitation_id=about)
    raise UrlElicitationRequiredError([link], "Sign-in needed")


ASKS = {
    "sampling": ask_model,
    "form": ask_form,
    "roots": ask_roots,
    "url": ask_url,
    "two": ask_two,
    "signin": demand_sign_in,
}


def offer(server: MCPServer[Any], names: list[str]) -> None:
    """Register a tool under each name."""
    for name in names:
        server.add_tool(ASKS[name.partition("-")[0]], name=name, structured_output=False)
