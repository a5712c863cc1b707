"""What may be masked where: the protocol's own words stay, whatever they say; data of applications does not.

| place | detectors | paths and keys |
|---|---|---|
| `OPEN` text, data, keys of data | mask | mask |
| `LINK` uri and name of a link or resource in content | mask secrets only | mask |
| `REFERENCE` a uri by which something is asked for or listed | leave | mask, but for a leading `file:///` |
| `ROOT` the uri of a root, which servers take only as `file:` | mask after `file:///` | the same |
| `BINARY` base64 of images, audio, blobs | mask what decodes to text | mask |
| `FIXED` ids, methods, cursors, names of tools, schema words, known keys | leave | leave |
"""

from enum import Enum, auto

from interpose.core.policy.redact.tokens import Path
from interpose.core.policy.redact.words import words


class Place(Enum):
    OPEN = auto()
    LINK = auto()
    REFERENCE = auto()
    ROOT = auto()
    BINARY = auto()
    FIXED = auto()


class _Zone(Enum):
    ENVELOPE = auto()
    PROTOCOL = auto()
    META = auto()
    DATA = auto()
    SCHEMA = auto()
    SCHEMAS = auto()  # names of properties, and their schemas
    INPUTS = auto()  # names of input requests or responses, and these
    FIXED = auto()
    REFERENCE = auto()
    ROOT = auto()
    LINK = auto()
    BINARY = auto()


_PLACES = {
    _Zone.FIXED: Place.FIXED,
    _Zone.REFERENCE: Place.REFERENCE,
    _Zone.ROOT: Place.ROOT,
    _Zone.LINK: Place.LINK,
    _Zone.BINARY: Place.BINARY,
}
_FIXED = words(
    "jsonrpc id method requestState cursor nextCursor progressToken taskId taskIds elicitationId subscriptionId "
    "requestId protocolVersion supportedVersions resultType mimeType role type toolUseId level action mode status "
    "stopReason taskSupport cacheScope createdAt lastUpdatedAt lastModified includeContext audience sizes theme"
)
_URIS = frozenset(("uri", "uriTemplate", "resourceSubscriptions"))
_DATA = words("arguments structuredContent input experimental metadata extensions")
_SCHEMAS = frozenset(("inputSchema", "outputSchema", "requestedSchema"))
_NAMELESS = words("resources resourceTemplates roots clientInfo serverInfo icons hints")
_OWN_META = frozenset(
    f"io.modelcontextprotocol/{name}"
    for name in sorted(
        words(
            "subscriptionId protocolVersion logLevel clientCapabilities clientInfo serverInfo related-task "
            "model-immediate-response"
        )
    )
)
_BLOCK = words(
    "type text data mimeType annotations _meta resource uri name title description size id input icons toolUseId "
    "content structuredContent isError role"
)
_KEYS = (
    _FIXED
    | _URIS
    | _DATA
    | _SCHEMAS
    | _NAMELESS
    | _BLOCK
    | words(
        "params result error code message _meta tools prompts capabilities instructions contents blob completion "
        "values total hasMore ref argument context task tasks ttl ttlMs pollInterval pollIntervalMs statusMessage "
        "progress logger reason maxTokens systemPrompt temperature stopSequences modelPreferences costPriority "
        "speedPriority intelligencePriority toolChoice model url version websiteUrl annotations readOnlyHint "
        "destructiveHint idempotentHint openWorldHint execution inputRequests inputResponses listChanged subscribe "
        "sampling elicitation form logging completions requests list cancel create call notifications prompt "
        "elicitations priority value required supported requested"
    )
)
_SUBSCHEMAS = words(
    "items prefixItems additionalProperties additionalItems unevaluatedProperties unevaluatedItems contains "
    "propertyNames not if then else anyOf oneOf allOf contentSchema"
)
_NAMED_SCHEMAS = words("properties patternProperties $defs definitions dependentSchemas dependencies")
_SCHEMA_WORDS = words(
    "$ref $id $schema $anchor $dynamicRef $dynamicAnchor $vocabulary type format pattern required enum const "
    "dependentRequired contentEncoding contentMediaType"
)


def place(path: Path, is_key: bool) -> Place:
    """What a leaf of a message is, or a key (which has the path of its value)."""
    zone = _container(path)
    if not path or not isinstance(path[-1], str):
        return _PLACES.get(zone, Place.OPEN)
    return _key_place(zone, path[-1]) if is_key else _PLACES.get(_step(zone, path, len(path) - 1, path[-1]), Place.OPEN)


def is_member(path: Path) -> bool:
    """Is the last name of a path a member's name, and not one that a schema or a list of input requests declares."""
    return _container(path) not in (_Zone.SCHEMA, _Zone.SCHEMAS, _Zone.INPUTS)


def _container(path: Path) -> _Zone:
    """The zone of the object that the last name of a path is in."""
    zone = _Zone.ENVELOPE
    for number, part in enumerate(path[:-1]):
        if isinstance(part, str):
            zone = _step(zone, path, number, part)
    return zone


def _key_place(zone: _Zone, name: str) -> Place:
    if zone in (_Zone.SCHEMA, _Zone.SCHEMAS, _Zone.INPUTS):
        return Place.FIXED
    if zone in (_Zone.ENVELOPE, _Zone.PROTOCOL) or zone in _PLACES:
        return Place.FIXED if name in _KEYS else Place.OPEN
    return Place.FIXED if zone is _Zone.META and (name in _OWN_META or name in _KEYS) else Place.OPEN


def _step(zone: _Zone, path: Path, number: int, name: str) -> _Zone:
    """The zone of a member's value."""
    match zone:
        case _Zone.ENVELOPE:
            return _envelope(name)
        case _Zone.PROTOCOL:
            return _protocol(path, number, name)
        case _Zone.META:
            return _meta(path, number, name)
        case _Zone.SCHEMA:
            return _schema(name)
        case _Zone.SCHEMAS:
            return _Zone.SCHEMA
        case _Zone.INPUTS:
            return _Zone.PROTOCOL
        case _Zone.DATA:
            return _Zone.DATA
        case _:
            return _Zone.DATA  # under what should have been a word there is an object: not the protocol's


def _envelope(name: str) -> _Zone:
    if name in ("params", "result", "error"):
        return _Zone.PROTOCOL
    return _Zone.FIXED if name in ("jsonrpc", "id", "method") else _Zone.DATA


def _protocol(path: Path, number: int, name: str) -> _Zone:
    following = path[number + 1] if number + 1 < len(path) else None
    if name == "_meta":
        return _Zone.META
    if name in _SCHEMAS:
        return _Zone.SCHEMA
    if name in ("inputRequests", "inputResponses"):
        return _Zone.INPUTS
    if name == "content" and isinstance(following, str) and following not in _BLOCK:
        return _Zone.DATA  # what a user filled in
    if name in _DATA:
        return _Zone.PROTOCOL if name == "arguments" and isinstance(following, int) else _Zone.DATA
    return _leaf(path, number, name, following)


def _leaf(path: Path, number: int, name: str, following: str | int | None) -> _Zone:
    parent = next((part for part in reversed(path[:number]) if isinstance(part, str)), "")
    if name == "data":
        if parent not in ("params", "error"):
            return _Zone.BINARY
        return _Zone.PROTOCOL if following in ("elicitations", "supported", "requested") else _Zone.DATA
    if name == "blob":
        return _Zone.BINARY
    if name == "uri" and parent == "roots":
        return _Zone.ROOT
    if name in _URIS:
        return _Zone.LINK if "content" in path[:number] else _Zone.REFERENCE
    if name == "name" and parent not in _NAMELESS:
        return _Zone.LINK if parent == "content" else _Zone.FIXED  # of a link, or of a tool
    return _Zone.FIXED if name in _FIXED else _Zone.PROTOCOL


def _meta(path: Path, number: int, name: str) -> _Zone:
    if name == "progressToken":
        return _Zone.FIXED
    if name not in _OWN_META:
        return _Zone.DATA
    return _Zone.FIXED if number + 1 == len(path) else _Zone.PROTOCOL


def _schema(name: str) -> _Zone:
    if name in _SUBSCHEMAS:
        return _Zone.SCHEMA
    if name in _NAMED_SCHEMAS:
        return _Zone.SCHEMAS
    return _Zone.FIXED if name in _SCHEMA_WORDS else _Zone.DATA
