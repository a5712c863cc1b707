"""The members that the protocol itself names, level by level, of all its versions at once.

Not a schema: unknown members pass, and so does everything inside arguments, content and schemas. It names only what
policies judge and peers act on.
"""

from types import NoneType

from interpose.core.wire.gate_level import Level, Member, fold

# What names the thing asked for; without it a method means nothing.
NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
    "notifications/resources/updated": "uri",
    "tasks/get": "taskId",
    "tasks/result": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
    "notifications/tasks": "taskId",
    "notifications/tasks/status": "taskId",
    "notifications/elicitation/complete": "elicitationId",
}
# Requests of all versions: without an id some peers run them and some do not.
REQUESTS = frozenset(name for name in NAMED if not name.startswith("notifications/")) | {
    *("initialize", "ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "tasks/list"),
    *("completion/complete", "logging/setLevel", "sampling/createMessage", "elicitation/create", "roots/list"),
    *("server/discover", "subscriptions/listen"),
}


def _of(said: str, *types: type) -> Member:
    return Member(frozenset(types), said)


_ANY = Member()
_TEXT = _of("a string", str, NoneType)
_NAME = _of("a string", str)._replace(rule="plain")
_TOKEN = _of("a string or an integer", str, int, NoneType)._replace(rule="token")
_OBJECT = _of("an object", dict, NoneType)
_LIST = _of("an array", list, NoneType)
_NUMBER = _of("a number", int, float, NoneType)
_FLAG = _of("true or false", bool, NoneType)
_MANY = _of("an object or an array", dict, list, NoneType)


def _members(**kinds: str) -> dict[str, Member]:
    """Members by kind: each value lists names."""
    known = {"any": _ANY, "text": _TEXT, "name": _NAME, "token": _TOKEN, "object": _OBJECT, "list": _LIST}
    known |= {"number": _NUMBER, "flag": _FLAG, "many": _MANY}
    return {name: known[kind] for kind, names in kinds.items() for name in names.split()}


def _holding(member: Member, *, level: Level | None = None, each: Level | None = None) -> Member:
    return member._replace(level=level, each=each)


_OWN = "io.modelcontextprotocol/"
_CHANGES = Level("a capability", _members(any="listChanged subscribe form url context tools"))
_TASK_ASKS = Level("a capability", _members(any="createMessage create call"))
_TASK_REQUESTS = Level(
    "a capability", {name: Member(level=_TASK_ASKS) for name in ("sampling", "elicitation", "tools")}
)
_TASKS = Level("a capability", _members(any="list cancel") | {"requests": Member(level=_TASK_REQUESTS)})
_CAPABILITIES = Level(
    "the capabilities",
    {name: Member(level=_CHANGES) for name in ("sampling", "elicitation", "roots", "prompts", "resources", "tools")}
    | {"tasks": Member(level=_TASKS)}
    | _members(any="experimental extensions logging completions"),
)
_META = Level(
    "`_meta`",
    _members(token="progressToken")
    | {f"{_OWN}clientCapabilities": _holding(_OBJECT, level=_CAPABILITIES)}
    | {f"{_OWN}related-task": _holding(_OBJECT, level=Level("the related task", _members(name="taskId")))}
    | {f"{_OWN}{name}": _OBJECT for name in ("clientInfo", "serverInfo")}
    | {f"{_OWN}{name}": _TEXT for name in ("protocolVersion", "logLevel")}
    | {f"{_OWN}{name}": _ANY for name in ("subscriptionId", "model-immediate-response", "tasks")},
)
_WITH_META = {"_meta": _holding(_OBJECT, level=_META)}
_TASK = _members(
    text="status statusMessage createdAt lastUpdatedAt", number="ttl ttlMs pollInterval pollIntervalMs"
) | {"taskId": _NAME}
_ITEM = Level(
    "a listed item",
    _WITH_META
    | _TASK
    | _members(name="name uri", text="title description mimeType uriTemplate", list="arguments icons", number="size")
    | _members(object="inputSchema outputSchema annotations execution"),
)
_LISTS = {name: _holding(_LIST, each=_ITEM) for name in ("tools", "prompts", "resources", "resourceTemplates", "roots")}
_TURN = Level("a message", _WITH_META | _members(text="role", any="content"))
_REFERENCE = Level("`ref`", _members(name="type name uri", text="title"))

ERROR = Level("`error`", {"code": _of("an integer", int), "message": _of("a string", str), "data": _ANY})
PARAMS = Level(
    "`params`",
    _WITH_META
    | _TASK
    | _members(name="name uri url", token="progressToken requestId", object="arguments clientInfo requestedSchema")
    | _members(text="requestState cursor protocolVersion elicitationId mode level logger message reason systemPrompt")
    | _members(text="includeContext", number="maxTokens temperature progress total", list="stopSequences")
    | _members(object="metadata modelPreferences context toolChoice notifications", any="data")
    | {
        "capabilities": _holding(_OBJECT, level=_CAPABILITIES),
        "ref": _holding(_OBJECT, level=_REFERENCE),
        "argument": _holding(_OBJECT, level=Level("`argument`", _members(text="name value"))),
        "task": _holding(_OBJECT, level=Level("`task`", _TASK)),
        "messages": _holding(_LIST, each=_TURN),
        "tools": _holding(_LIST, each=_ITEM),
    },
)
RESULT = Level(
    "`result`",
    _WITH_META
    | _TASK
    | _LISTS
    | _members(text="requestState nextCursor protocolVersion resultType cacheScope instructions description")
    | _members(text="role model stopReason action", flag="isError", list="contents supportedVersions")
    | _members(many="content", object="serverInfo completion", any="structuredContent")
    | {
        "capabilities": _holding(_OBJECT, level=_CAPABILITIES),
        "messages": _holding(_LIST, each=_TURN),
        "task": _holding(_OBJECT, level=Level("`task`", _TASK)),
        "tasks": _holding(_LIST, each=_ITEM),
    },
)
_ASK = Level(
    "an input request", {"method": _NAME, "params": _holding(_OBJECT, level=PARAMS)} | _members(any="id jsonrpc")
)
PARAMS.enter({"inputResponses": _holding(_OBJECT, each=RESULT), "inputRequests": _holding(_OBJECT, each=_ASK)})
RESULT.enter(
    {
        "inputRequests": _holding(_OBJECT, each=_ASK),
        "result": Member(level=RESULT),  # of a finished task
        "error": Member(level=ERROR),  # of a failed task
    }
)
ENVELOPE = Level(
    "the envelope",
    {
        "jsonrpc": _ANY,
        "id": _ANY,
        "method": _of("a string", str),
        "params": _of("an object", dict)._replace(level=PARAMS),
        "result": _of("an object", dict)._replace(level=RESULT),
        "error": _of("an object", dict)._replace(level=ERROR),
    },
)

# Keys that are everyday, no two of which fold together. A message with no others needs no closer look.
ORDINARY = frozenset(
    name
    for level in (ENVELOPE, ERROR, PARAMS, RESULT, _META, _CAPABILITIES, _CHANGES, _ITEM, _TURN, _REFERENCE, _ASK)
    for name in level.members
) | {
    *("type", "text", "properties", "required", "items", "enum", "format", "version", "additionalProperties"),
    *("path", "query", "options", "default", "mode", "structuredContent", "annotations", "priority", "readOnlyHint"),
}
ORDINARY_FOLDED = frozenset(map(fold, ORDINARY))
