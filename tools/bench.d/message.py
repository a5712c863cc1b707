"""The bytes that the bench sends and answers with: one tool call and its result, of a given size, in either era.

Deliberately built by hand and read by searching: neither the client nor the server may be the bottleneck. The peers
import this without site-packages and before anything is measured, so it imports nothing.
"""

Split = tuple[bytes, bytes]  # a message before its id, and after it

_META = (
    b'"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    b'"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},'
    b'"io.modelcontextprotocol/clientCapabilities":{}},'
)
_START = b'{"jsonrpc":"2.0","id":'
_ID_WIDTH = 6

INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"bench","version":"1"}}}\n'
)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
INITIALIZE_ANSWER = (
    b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},'
    b'"serverInfo":{"name":"bench","version":"1"}}}\n'
)


def call(size: int, stateless: bool) -> Split:
    """A `tools/call` of so many bytes; never shorter than its envelope."""
    params = b',"method":"tools/call","params":{%b"name":"echo","arguments":{"text":"' % (_META if stateless else b"")
    return _START, _padded(size, params, b'"}}}')


def answer(size: int, stateless: bool) -> Split:
    """Its result, of so many bytes."""
    kind = b'"resultType":"complete",' if stateless else b""
    return _START, _padded(size, b',"result":{%b"content":[{"type":"text","text":"' % kind, b'"}],"isError":false}}')


def id_of(message: bytes) -> bytes | None:
    """The id of a message that begins as ours do; None when it has none."""
    start = message.find(b'"id":', 0, 64)
    return message[start + 5 : message.index(b",", start)] if start >= 0 else None


def _padded(size: int, before: bytes, after: bytes) -> bytes:
    return before + b"x" * max(0, size - len(_START) - _ID_WIDTH - len(before) - len(after)) + after
