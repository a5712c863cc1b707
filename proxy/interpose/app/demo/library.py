"""What there is to read: prompts and resources, in either era.

Reading may ask the user first; how it asks is in `Call`. What exists is in `catalog` and `world`.
"""

from __future__ import annotations

from interpose.app.demo.ask import form, page
from interpose.app.demo.call import Call
from interpose.app.demo.wire import INVALID_PARAMS, Fault, Json
from interpose.app.demo.world import AUDIT, STATUS

_TONE: Json = {"tone": {"type": "string", "enum": ["plain", "cheerful"], "default": "plain"}}


async def get_prompt(call: Call, name: str) -> Json:
    """The answer to `prompts/get`."""
    if name != "release_note":
        raise Fault(INVALID_PARAMS, f"Unknown prompt: {name}")
    service = call.arguments["service"]
    answer = (await call.ask(tone=form("Which tone should the note have?", _TONE, [])))["tone"]
    tone = answer.get("content", {}).get("tone", "plain")
    request = {"type": "text", "text": f"Write a {tone} release note for {service}."}
    status = {"type": "resource", "resource": call.world.read(STATUS)}
    return {
        "description": f"A {tone} release note",
        "messages": [{"role": "user", "content": request}, {"role": "user", "content": status}],
    }


async def read_resource(call: Call, uri: str, missing_code: int) -> Json:
    """The answer to `resources/read`; `missing_code` is the era's error code for no such resource."""
    contents = call.world.read(uri)
    if contents is None:
        raise Fault(missing_code, "Resource not found", {"uri": uri})
    if uri == AUDIT and not call.world.consented:
        await call.consent(page("Consent to open the audit log", "https://accounts.example.com/consent?to=audit"))
        call.world.consented = True
    return {"contents": [contents]}
