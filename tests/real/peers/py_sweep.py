"""A client of the Python SDK that goes through all that a server lists, on top of the steps of py_client.py.

Flags and output are those of py_client.py. `many` makes fifty calls at once; `many_1` to `many_9` make the same ones in
other orders, `in_turn` one after the other. After `impatient`, steps end that take longer than two seconds. What its
model answers depends on what it was asked, so that answers cannot be mixed up unseen.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable
from typing import Any

import mcp_types as types
import py_client
from mcp import MCPError
from mcp.client.session import ClientRequestContext
from py_client import STEPS, Scene, Summary, digest, plain, step, summarise

GZIPPED = {"name": "x.gz", "data": "data:text/plain;base64,aGVsbG8=", "outputType": "resource"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "get-annotated-message": {"messageType": "debug", "includeImage": True},
    "get-structured-content": {"location": "Chicago"},
    "get-resource-reference": {"resourceType": "Blob", "resourceId": 2},
    "gzip-file-as-resource": GZIPPED,
    "trigger-long-running-operation": {"duration": 0.2, "steps": 2},
    "trigger-url-elicitation": {"url": "https://example.test/start", "elicitationId": "link-1"},
    "slow": {"steps": 2},
    "args-prompt": {"city": "Oslo", "state": "Norway"},
    "completable-prompt": {"department": "Sales", "name": "David"},
    "resource-prompt": {"resourceType": "Text", "resourceId": "1"},
}
LONG = {"sleepy", "crunch_forever", "simulate-research-query"}  # steps of their own cancel them or follow them
CALLS = 50


class Talker(Scene):
    """A scene whose model says what it was asked."""

    async def sample(
        self, context: ClientRequestContext, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult:
        answer = await super().sample(context, params)
        asked = digest([plain(message) for message in params.messages])
        return answer.model_copy(update={"content": types.TextContent(type="text", text=f"because {asked}")})


async def told(made: Awaitable[Any]) -> Summary:
    """What came of a request, and be it an error."""
    try:
        result = await made
    except MCPError as error:
        return {"refused": [error.code, error.message]}
    return digest(plain(result))


@step
async def every_tool(scene: Scene) -> Summary:
    tools = [tool for tool in (await scene.client.list_tools()).tools if tool.name not in LONG]
    return {tool.name: await told(scene.client.call_tool(tool.name, arguments_of(tool))) for tool in tools}


@step
async def every_resource(scene: Scene) -> Summary:
    listed = (await scene.client.list_resources()).resources
    return {str(each.uri): await told(scene.client.read_resource(str(each.uri))) for each in listed}


@step
async def every_template(scene: Scene) -> Summary:
    listed = (await scene.client.list_resource_templates()).resource_templates
    filled = [re.sub(r"\{[^}]*\}", "1", each.uri_template) for each in listed]
    return {uri: await told(scene.client.read_resource(uri)) for uri in filled}


@step
async def every_prompt(scene: Scene) -> Summary:
    listed = (await scene.client.list_prompts()).prompts
    return {each.name: await told(scene.client.get_prompt(each.name, values_of(each))) for each in listed}


@step
async def every_completion(scene: Scene) -> Summary:
    found: dict[str, Summary] = {}
    for prompt in (await scene.client.list_prompts()).prompts:
        for argument in prompt.arguments or []:
            ref = types.PromptReference(name=prompt.name)
            wanted = {"name": argument.name, "value": "A"}
            found[f"{prompt.name} {argument.name}"] = await told(scene.client.complete(ref, wanted))
    for template in (await scene.client.list_resource_templates()).resource_templates:
        for name in re.findall(r"\{(\w+)\}", template.uri_template):
            place = types.ResourceTemplateReference(uri=template.uri_template)
            wanted = {"name": name, "value": "1"}
            found[f"{template.uri_template} {name}"] = await told(scene.client.complete(place, wanted))
    return found


@step
async def impatient(scene: Scene) -> Summary:
    py_client.STEP_SECONDS = 2
    return py_client.STEP_SECONDS


async def many(scene: Scene, seed: int = 0) -> Summary:
    """Fifty calls at once, some of them asked about, some with progress; the seed shuffles their order."""
    order = list(range(CALLS))
    if seed:
        random.Random(seed).shuffle(order)
    results = await asyncio.gather(*(one_of_many(scene, number) for number in order))
    return dict(sorted(zip(map(str, order), results, strict=True)))


@step
async def in_turn(scene: Scene) -> Summary:
    return {str(number): await one_of_many(scene, number) for number in sorted(range(CALLS), key=str)}


async def one_of_many(scene: Scene, number: int) -> Summary:
    seen: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    match number % 5:
        case 0:
            return summarise(await scene.client.call_tool("ask_model", {"prompt": f"why {number}?"}))
        case 1:
            calling = scene.client.call_tool("slow", {"steps": 1 + number % 3}, progress_callback=on_progress)
            return [summarise(await calling), seen == sorted(seen)]
        case 2:
            return await told(scene.client.get_prompt("greet", {"name": f"Ada {number}"}))
        case 3:
            return await told(scene.client.read_resource(f"note://pad/{number}"))
    return summarise(await scene.client.call_tool("echo", {"message": f"message {number}"}))


def arguments_of(tool: types.Tool) -> dict[str, Any]:
    """What to call a tool with: as the table says, else something of the type that each required argument has."""
    schema = tool.input_schema
    examples: dict[str, Any] = {"string": "word", "integer": 3, "number": 2.5, "boolean": True}
    required = {name: examples[schema["properties"][name]["type"]] for name in schema.get("required", [])}
    return ARGUMENTS.get(tool.name, required)


def values_of(prompt: types.Prompt) -> dict[str, str]:
    required = {each.name: "Ada" for each in prompt.arguments or [] if each.required}
    return ARGUMENTS.get(prompt.name, required)


STEPS["many"] = many
for seed in range(1, 10):
    STEPS[f"many_{seed}"] = lambda scene, seed=seed: many(scene, seed)  # type: ignore[misc]


if __name__ == "__main__":
    py_client.Scene = Talker  # type: ignore[misc]
    py_client.main()
