"""What a client of a server over HTTP has to tell apart: origins, endpoints, refusals, its place in a stream.

Values in, values out; nothing here sends, and no header is named here.
"""

from collections import OrderedDict
from urllib.parse import urljoin, urlsplit

import msgspec
import orjson
from msgspec import Raw

from interpose.core.wire.message import Kind, Message
from interpose.core.wire.sse import Block

OWN_CODE = -31000  # outside -32768..-32000, where the protocol and JSON-RPC define codes (2026-07-28 §basic)
RETRY_SECONDS = 1.0  # until the server says otherwise with `retry:`; both SDKs wait as long
_RETRY_FLOOR = 0.05  # `retry: 0` of a server that closes at once must not become a busy loop
_REMEMBERED = 1024
# HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion (2026-07-28 §basic/transports)
_STATELESS_CODES = frozenset((-32020, -32021, -32022))
_NO_SUCH_METHOD = -32601
_PORTS = {"http": 80, "https": 443}


class Fault(msgspec.Struct, frozen=True, gc=False):
    """What a JSON-RPC error says, its `data` as it came."""

    code: int | None = None
    message: str = ""
    data: Raw = Raw()


class Trouble(msgspec.Struct, frozen=True):
    """Why a request got no answer: in words, with the HTTP status and the server's own error when there were any.

    `body` is the server's answer where it was held back.
    """

    text: str
    status: int | None = None
    fault: Fault = Fault()
    body: Message | None = None

    @property
    def is_stateless(self) -> bool:
        """Whether only a server of the stateless era says this (2026-07-28 §basic/versioning)."""
        code = self.fault.code
        return code in _STATELESS_CODES or (self.status == 404 and code == _NO_SUCH_METHOD)


class Position:
    """How far a stream was read: where to go on after a break, how long to wait before, what came already.

    2025-11-25 §basic/transports: event ids are unique within a session, so an id seen before a break is a repetition.
    """

    def __init__(self) -> None:
        self.last: str | None = None
        self.delay = RETRY_SECONDS
        self.blocks = 0  # how many blocks came so far
        self._new: OrderedDict[str, None] = OrderedDict()
        self._old: frozenset[str] = frozenset()

    def resume(self) -> None:
        """The stream is read again from `last` on."""
        self._old = frozenset(self._new)

    def passes(self, block: Block) -> bool:
        """Take note of a block. False when it came before the break already."""
        self.blocks += 1
        if block.retry is not None:
            self.delay = max(block.retry / 1000, _RETRY_FLOOR)
        if block.id is None:
            return True
        if block.id in self._old and block.dispatches:
            return False
        self.last = block.id or None
        if block.id and block.dispatches:
            self._new[block.id] = None
            if len(self._new) > _REMEMBERED:
                self._new.popitem(last=False)
        return True


class _Id(msgspec.Struct, gc=False):
    id: Raw = Raw()


_decode_id = msgspec.json.Decoder(_Id).decode
_decode_fault = msgspec.json.Decoder(Fault).decode


def verbatim_id(message: Message) -> bytes:
    """A message's id exactly as its sender spelled it."""
    try:
        return bytes(_decode_id(message.raw).id)
    except (ValueError, RecursionError):
        return (message.id or "null").encode()


def fault(message: Message | None) -> Fault:
    """The error that a message carries; an empty one when it carries none that can be read."""
    if message is None or message.kind is not Kind.ERROR:
        return Fault()
    try:
        return _decode_fault(message.error)
    except (ValueError, RecursionError):
        return Fault()


def listen_ended(ident: bytes) -> bytes:
    """What tells a stdio client that its subscription is lost."""
    return b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%b}}' % ident


def error_reply(ident: bytes, trouble: Trouble) -> bytes:
    """A JSON-RPC error for a request that the server did not answer.

    The server's own code and data are kept where it gave some; else `data.interpose` says whose error this is.
    """
    data: Raw | dict[str, object] = trouble.fault.data
    if not trouble.fault.data:
        own = {} if trouble.status is None else {"status": trouble.status}
        data = {"interpose": own}
    code = OWN_CODE if trouble.fault.code is None else trouble.fault.code
    error = orjson.dumps({"code": code, "message": trouble.text})
    return b'{"jsonrpc":"2.0","id":%b,"error":%b,"data":%b}}' % (ident, error[:-1], msgspec.json.encode(data))


def same_origin(url: str, other: str) -> bool:
    """Whether two absolute URLs have scheme, host and port in common."""
    try:
        return _origin(url) == _origin(other)
    except ValueError:
        return False


def endpoint(base: str, data: bytes) -> str | None:
    """The address that an `endpoint` event names; None when it lies in another origin (2024-11-05 §basic/transports).

    Messages carry credentials, and those were given for the origin of `base`.
    """
    try:
        url = urljoin(base, data.decode().strip())
    except ValueError:
        return None
    return url if same_origin(base, url) else None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
