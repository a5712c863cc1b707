"""The bytes that the bench sends: the handshake, and tool calls of a given size, in either era.

Deliberately built by hand and read by searching: neither the client nor the server may be the bottleneck. The bench's
own processes import this without site-packages and before anything is measured, so it imports nothing.
"""

START = b'{"jsonrpc":"2.0","id":'
TEXT = b'"name":"echo","arguments":{"text":"'
TEXT_END = b'"}}}'
STATELESS = b'"io.modelcontextprotocol/protocolVersion":"2026-07-28"'
PROGRESS = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":'
_META = (
    b'"_meta":{' + STATELESS + b',"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},'
    b'"io.modelcontextprotocol/clientCapabilities":{}},'
)
_CALL = b',"method":"tools/call","params":{'
_FIRST_ID = 100_000  # every id has six digits, so that every call has the same size

INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"bench","version":"1"}}}'
)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'


def ident(number: int) -> int:
    """The id of the n-th call of a session, counted from 0."""
    return _FIRST_ID + number


def call(number: int, size: int, stateless: bool = False) -> bytes:
    """An `echo` call of so many bytes (never less than its envelope), whose text no other call of the session has."""
    said = b"%d" % ident(number)
    before = START + said + _CALL + (_META if stateless else b"") + TEXT + said
    return before + b"x" * max(0, size - len(before) - len(TEXT_END)) + TEXT_END


def text_of(call: bytes) -> bytes:
    """What an `echo` call of ours wants to hear back."""
    return call[call.index(TEXT) + len(TEXT) : -len(TEXT_END)]


def notifying_call(number: int, count: int) -> bytes:
    """A call whose answer comes after so many progress notifications."""
    said = ident(number)
    params = b'"_meta":{"progressToken":%d},"name":"notify","arguments":{"count":%d}' % (said, count)
    return START + b"%d" % said + _CALL + params + b"}}"
