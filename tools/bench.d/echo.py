"""What the bench's own server says: the text of an `echo` call back, in either era, and what a handshake needs.

The calls of the bench's own client are read by searching; what a peer has spelled anew is parsed.
"""

import message

_RESULT = b',"result":{"content":[{"type":"text","text":"'
_RESULT_STATELESS = b',"result":{"resultType":"complete","content":[{"type":"text","text":"'
_RESULT_END = b'"}],"isError":false}}'
_KNOWN = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_METHOD_NOT_FOUND = -32601
_SCHEMAS = {"echo": {"text": {"type": "string"}}, "notify": {"count": {"type": "integer"}}}


def answers(request: bytes) -> list[bytes]:
    """What to send for one message: nothing for a notification, else the answer, after the notifications it brings.

    Raises: ValueError for what is no JSON-RPC.
    """
    if request.startswith(message.START) and request.endswith(message.TEXT_END):
        comma = request.index(b",", len(message.START))
        at = request.find(message.TEXT, comma, comma + 400)
        if at > 0:
            result = _RESULT_STATELESS if message.STATELESS in request[comma:at] else _RESULT
            text = request[at + len(message.TEXT) : -len(message.TEXT_END)]
            return [b"".join((request[:comma], result, text, _RESULT_END))]
    return _parsed(request)


def _parsed(request: bytes) -> list[bytes]:
    import json  # only for what is not the bench's own: a server that starts must not wait for it

    read = json.loads(request)
    if "id" not in read or "method" not in read:
        return []
    params = read.get("params") or {}
    answer: dict[str, object] = {"jsonrpc": "2.0", "id": read["id"]}
    try:
        answer["result"] = _result(read["method"], params)
    except LookupError:
        answer["error"] = {"code": _METHOD_NOT_FOUND, "message": "not known here"}
    notifications = _notifications(params) if params.get("name") == "notify" else []
    return [*notifications, json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()]


def _result(method: str, params: dict[str, object]) -> object:
    if method == "initialize":
        version = params.get("protocolVersion")
        return {
            "protocolVersion": version if version in _KNOWN else _KNOWN[-1],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "bench", "version": "1"},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {
            "tools": [
                {"name": name, "inputSchema": {"type": "object", "properties": properties}}
                for name, properties in _SCHEMAS.items()
            ]
        }
    if method == "tools/call":
        arguments = params["arguments"]
        assert isinstance(arguments, dict)
        text = arguments["text"] if params["name"] == "echo" else str(arguments["count"])
        return {"content": [{"type": "text", "text": text}], "isError": False}
    raise LookupError(method)


def _notifications(params: dict[str, object]) -> list[bytes]:
    """Progress, as much as was asked for, about 200 bytes each."""
    import json

    arguments, meta = params["arguments"], params.get("_meta")
    assert isinstance(arguments, dict)
    token = json.dumps(meta.get("progressToken")).encode() if isinstance(meta, dict) else b"null"
    said = b"x" * 100
    return [
        message.PROGRESS + b'%b,"progress":%d,"total":%d,"message":"%b"}}' % (token, done + 1, arguments["count"], said)
        for done in range(arguments["count"])
    ]
