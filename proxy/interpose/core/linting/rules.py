"""What the specification forbids, and where it says so: one line a rule. Only what it forbids, not what it advises.

A section is a page below modelcontextprotocol.io/specification/VERSION/, by era since pages moved.
"""

from typing import NamedTuple

from interpose.core.protocol import Era


class Rule(NamedTuple):
    """What is wrong, in words, and the page by era."""

    text: str
    stateful: str
    stateless: str

    def section(self, era: Era) -> str:
        return self.stateful if era == "stateful" else self.stateless


_BASIC = ("basic", "basic")
_SCHEMA = ("schema", "schema")
_OPENING = ("basic/lifecycle", "basic/versioning")
_CANCELLATION = ("basic/utilities/cancellation", "basic/patterns/cancellation")
_PROGRESS = ("basic/utilities/progress", "basic/patterns/progress")
_SUBSCRIPTIONS = ("server/resources", "basic/patterns/subscriptions")
_TASKS = ("basic/utilities/tasks", "extension io.modelcontextprotocol/tasks")
_ELICITATION = ("client/elicitation", "client/elicitation")
_HTTP = ("basic/transports", "basic/transports/streamable-http")

# What the session notes (core/session/notes.py). Left out is what may be nobody's fault, or is only advised against:
# answers that cross a cancellation, what a resumed stream repeats, requests sent again, ids from another session.
NOTED = {
    "batch-not-in-version": Rule("a batch, in a version that has none", *_BASIC),
    "cancel-of-initialize": Rule("initialize must not be cancelled", *_CANCELLATION),
    "cancel-of-task": Rule("a request that became a task is cancelled by tasks/cancel", *_CANCELLATION),
    "duplicate-answer": Rule("a second answer to the same request", *_BASIC),
    "duplicate-id": Rule("an id under which another of its requests still waits", *_BASIC),
    "no-opening": Rule("a request before initialize", *_OPENING),
    "not-in-version": Rule("the version in force has no such method", *_OPENING),
    "not-negotiated": Rule("the capability that it needs was not declared", *_OPENING),
    "orphan": Rule("an answer to no request that was made", *_BASIC),
    "reused-id": Rule("an id that was used before in the session", *_BASIC),
    "server-request-in-stateless": Rule("servers only answer: what they ask travels in results", *_BASIC),
    "task-state": Rule("a task state that cannot follow the one before", *_TASKS),
    "unknown-ask": Rule("it completes an elicitation that was never asked", *_ELICITATION),
    "unknown-request": Rule("it cancels a request that was never made", *_CANCELLATION),
    "unknown-subscription": Rule("it belongs to no subscription that is open", *_SUBSCRIPTIONS),
    "unknown-token": Rule("progress for a token that nobody gave", *_PROGRESS),
    "wrong-direction": Rule("a method that only the other end sends", *_SCHEMA),
}

# What is wrong with the frame itself (core/wire/message.py).
FLAGGED = {
    "not-json": Rule("it is not JSON", *_BASIC),
    "not-json-rpc": Rule("it is no JSON-RPC message", *_BASIC),
    "not-utf8": Rule("it is not UTF-8", *_HTTP),
    "irregular": Rule("JSON that only a lenient reader takes", *_BASIC),
    "no-version": Rule('`jsonrpc` is not "2.0"', *_BASIC),
    "odd-id": Rule("an id that is neither text nor a whole number", *_BASIC),
    "two-roles": Rule("request and answer at once", *_BASIC),
    "method-not-text": Rule("the method is no text", *_BASIC),
}

MODEL = Rule("not as the schema has it", *_SCHEMA)
ERROR_SHAPE = Rule("an error needs a whole number as `code` and a text as `message`", *_BASIC)
ERROR_CODE = Rule("an error code that this version has not", *_BASIC)
NO_ID = Rule("an id must not be null", *_BASIC)
PROGRESS_BACK = Rule("progress must increase", *_PROGRESS)
PROGRESS_OVER = Rule("progress after the end of what it is about", *_PROGRESS)
NO_RELATED_TASK = Rule("the answer to tasks/result names no task in its `_meta`", *_TASKS)
CANCEL_OVER_HTTP = Rule("it is for stdio: over HTTP a request is cancelled by closing its stream", *_HTTP)
HEADERS = Rule("headers and body do not agree", *_HTTP)
NO_VERSION_HEADER = Rule("a request without MCP-Protocol-Version", *_HTTP)
NO_SESSION_HEADER = Rule("a request without the Mcp-Session-Id that the server gave", *_HTTP)
NO_ACCEPT = Rule("a request whose Accept leaves out what the server may answer with", *_HTTP)
NOT_ACCEPTED = Rule("no request in it, and answered with another status than 202", *_HTTP)
ODD_TYPE = Rule("an answer that is neither application/json nor text/event-stream", *_HTTP)
