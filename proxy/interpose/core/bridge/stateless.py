"""What a bridge must know of a 2026-07-28 message before it lets it through: does it belong to that era, what does it
claim. Reads single values out of the bytes: a body may be 64 MB and is not parsed for this.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from interpose.core.bridge.reply import code_of
from interpose.core.protocol import EXTENSIONS, VERSIONS, era, table
from interpose.core.protocol.http import status_for
from interpose.core.wire.ids import Finder
from interpose.core.wire.message import Kind, Message, parse

_META = ("params", "_meta")
_VERSION = (*_META, "io.modelcontextprotocol/protocolVersion")
_LOG_LEVEL = (*_META, "io.modelcontextprotocol/logLevel")
_NAMES = frozenset(
    method.name_param
    for version in VERSIONS
    for method in table(version, EXTENSIONS).methods.values()
    if method.name_param is not None
)
# What a client takes as proof of this era in answer to its opening (2026-07-28 §basic/versioning).
_OF_THIS_ERA = frozenset({-32020, -32021, -32022})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_version = Finder(_VERSION)
_log_level = Finder(_LOG_LEVEL)
_mirrored = Finder(_VERSION, *(("params", name) for name in _NAMES))
_Meta = msgspec.defstruct(
    "_Meta", [("version", Raw, msgspec.field(default=Raw(), name=_VERSION[2]))], omit_defaults=True, gc=False
)
_Params = msgspec.defstruct(
    "_Params",
    [("meta", Raw, msgspec.field(default=Raw(), name="_meta")), *((name, Raw, Raw()) for name in sorted(_NAMES))],
    omit_defaults=True,
    gc=False,
)
_meta = msgspec.json.Decoder(_Meta).decode
_params: Callable[[bytes], Any] = msgspec.json.Decoder(_Params).decode


def is_version(text: str) -> bool:
    """Is this spelled like a protocol version."""
    return _DATE.fullmatch(text) is not None


def claimed_version(message: Message) -> str | None:
    """The version that a request's `_meta` names (2026-07-28 §basic: every request does)."""
    text = _version.first(message.raw).get(_VERSION)
    value = None if text is None else parse(text)
    return value if isinstance(value, str) else None


def is_stateless(header: str | None, message: Message) -> bool:
    """Does a POST belong to the stateless era. `header` is its `MCP-Protocol-Version`.

    The body decides; a header alone only where the body is no handshake, so that nobody locks a shared server process
    into the other era.
    """
    if message.kind is Kind.BATCH:
        return header is not None and _names_stateless(header)
    claimed = claimed_version(message)
    if claimed is not None and _names_stateless(claimed):
        return True
    if message.method == "initialize":
        return False
    return message.method == "server/discover" or (header is not None and _names_stateless(header))


def mirrored_part(message: Message) -> Message:
    """The message with only those members of `params` that headers mirror: small whatever its size."""
    try:
        said = _params(message.params or b"{}")
        if said.meta:
            said = msgspec.structs.replace(said, meta=Raw(msgspec.json.encode(_meta(said.meta))))
        params = msgspec.json.encode(said)
    except (msgspec.MsgspecError, RecursionError):
        params = _mirrored_leniently(message)
    return msgspec.structs.replace(message, params=params)


def _mirrored_leniently(message: Message) -> bytes:
    """The same of what only a lenient reader takes."""
    values = _mirrored.first(message.raw)
    members = [b'"%b":%b' % (path[1].encode(), text) for path, text in values.items() if path != _VERSION]
    if _VERSION in values:
        members.append(b'"_meta":{"%b":%b}' % (_VERSION[2].encode(), values[_VERSION]))
    return b"{%b}" % b",".join(members)


def http_status(method: str | None, answer: Message) -> int:
    """The HTTP status of a JSON answer to a request.

    A server of the other era does not know `server/discover`; 404 with -32601 would prove this era to the client, a
    plain 400 lets it fall back to `initialize`.
    """
    code = code_of(answer)
    if code is None:
        return 200
    return 400 if method == "server/discover" and code not in _OF_THIS_ERA else status_for(code)


def wants_log(message: Message) -> bool:
    """Did this request ask for log messages (2026-07-28: per request, by `logLevel` in `_meta`)."""
    return bool(_log_level.find(message.raw))


def _names_stateless(version: str) -> bool:
    return is_version(version) and era(version) == "stateless"
