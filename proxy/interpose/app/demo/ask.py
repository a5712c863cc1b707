"""What a tool asks the user's side for: the model, a form, a web page, the roots.

The same value in both eras. Not a request yet: how it travels, and whether it may, is the era's affair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from interpose.app.demo.wire import Json


@dataclass(frozen=True, slots=True)
class Ask:
    """One question; `background` lets the client answer it as a task, `optional` lets it refuse."""

    method: str
    params: Json
    background: bool = False
    optional: bool = False


def has(capabilities: Json, *path: str) -> bool:
    """Whether a (nested) capability was declared."""
    level: Any = capabilities
    for name in path:
        if not isinstance(level, dict) or name not in level:
            return False
        level = level[name]
    return True


def required(ask: Ask, capabilities: Json) -> Json | None:
    """The capability that `ask` needs and `capabilities` lack, if any."""
    if ask.method == "roots/list":
        path = ["roots"]
    elif ask.method == "sampling/createMessage":
        path = ["sampling", "tools"] if "tools" in ask.params else ["sampling"]
    else:
        path = ["elicitation", ask.params["mode"]]
        if path[1] == "form" and capabilities.get("elicitation") == {}:
            return None  # §client/elicitation: an empty object means form mode only
    return None if has(capabilities, *path) else _nested(path)


def _nested(path: list[str]) -> Json:
    tree: Json = {}
    for name in reversed(path):
        tree = {name: tree}
    return tree


def roots() -> Ask:
    return Ask("roots/list", {})


def form(message: str, properties: Json, required_names: list[str]) -> Ask:
    schema = {"type": "object", "properties": properties, "required": required_names}
    return Ask("elicitation/create", {"mode": "form", "message": message, "requestedSchema": schema})


def page(message: str, url: str) -> Ask:
    return Ask("elicitation/create", {"mode": "url", "message": message, "url": url})


def model(prompt: str, tools: list[Json] | None = None) -> Ask:
    params: Json = {
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}],
        "systemPrompt": "You are a careful release engineer. Answer in one sentence.",
        "modelPreferences": {"hints": [{"name": "small"}], "speedPriority": 0.8, "costPriority": 0.5},
        "temperature": 0.2,
        "maxTokens": 200,
    }
    if tools:
        params |= {"tools": tools, "toolChoice": {"mode": "auto"}}
    return Ask("sampling/createMessage", params, optional=True)


def follow_up(ask: Ask, reply: Json, results: dict[str, str]) -> Ask:
    """`ask` again, with the model's `reply` and what its tool uses gave (`results` by tool use id)."""
    tool_results = [
        {"type": "tool_result", "toolUseId": use, "content": [{"type": "text", "text": text}]}
        for use, text in results.items()
    ]
    turns = [
        {"role": "assistant", "content": reply["content"]},
        {"role": "user", "content": tool_results},
    ]
    messages = [*ask.params["messages"], *turns]
    return replace(ask, params={**ask.params, "messages": messages}, background=True)


def blocks(reply: Json, kind: str) -> list[Json]:
    """The content blocks of one type in a model's reply; a refused model gives none."""
    content = reply.get("content", [])
    return [block for block in (content if isinstance(content, list) else [content]) if block["type"] == kind]
