"""The scripted user of the demo, with a model and two folders: always gives the same answers.

Sees what a server asks, not how it was asked; the same user sits before both eras.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from interpose.app.demo.ask import blocks
from interpose.app.demo.wire import METHOD_NOT_FOUND, Fault, Json

PLAN = "Staging first with three replicas, production once it was quiet for an hour."
SUMMARY = "shop went to staging without a hitch."

_FORMS: dict[str, Json] = {
    "environment": {
        "action": "accept",
        "content": {
            "environment": "staging",
            "replicas": 3,
            "regions": ["eu-north", "eu-west"],
            "notify": "ops@example.com",
            "canary": True,
        },
    },
    "pages": {"action": "accept", "content": {"pages": 2.5}},
    "confirm": {"action": "decline"},
    "tone": {"action": "cancel"},
}


class User:
    """Answers questions, and tells the audience about each."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.folders = ["shop"]
        self.startled = asyncio.Event()
        self._tell = tell

    async def answer(self, method: str, params: Json) -> Json:
        """The user's answer; the question about the backup window never gets one."""
        if method == "sampling/createMessage":
            return self._think(params)
        if method == "roots/list":
            self._tell("roots", f"shows {' and '.join(self.folders)}")
            return {"roots": [{"uri": f"file:///home/ada/{name}", "name": name} for name in self.folders]}
        if method != "elicitation/create":
            raise Fault(METHOD_NOT_FOUND, f"Method not found: {method}")
        if params.get("mode") == "url":
            return self.visit(params)
        return await self._fill(params)

    def visit(self, page: Json) -> Json:
        """Agrees to open a page; what happens there, no program on this side sees."""
        self._tell("page", f"{page['message']}: opens {page['url']}")
        return {"action": "accept"}

    async def _fill(self, params: Json) -> Json:
        fields = params["requestedSchema"]["properties"]
        if "window" in fields:
            self._tell("form", f"{params['message']} (no reaction)")
            self.startled.set()
            await asyncio.Event().wait()
        for name, answer in _FORMS.items():
            if name in fields:
                chosen = answer.get("content", {}).get(name, "")
                self._tell("form", f"{params['message']} ({answer['action']} {chosen}".rstrip() + ")")
                return answer
        return {"action": "decline"}

    def _think(self, params: Json) -> Json:
        last = params["messages"][-1]
        if "tools" not in params:
            self._tell("model", f'{blocks(last, "text")[0]["text"]} answers "{SUMMARY}"')
            return _reply({"type": "text", "text": SUMMARY}, "endTurn")
        if blocks(last, "tool_result"):
            self._tell("model", f'answers "{PLAN}"')
            return _reply({"type": "text", "text": PLAN}, "endTurn")
        self._tell("model", f"{blocks(last, 'text')[0]['text']} (looks up the capacity first)")
        use = {"id": "use-1", "name": "lookup_capacity", "input": {"environment": "staging"}}
        return _reply([{"type": "text", "text": "Let me see."}, {"type": "tool_use", **use}], "toolUse")


def _reply(content: object, stop: str) -> Json:
    return {"role": "assistant", "content": content, "model": "demo-model-1", "stopReason": stop}
