"""The JSON-RPC messages that a bridge says itself: errors in the place of a server that cannot answer, and cancels."""

import json

import msgspec
import orjson

from interpose.core.wire.message import Message, read

SERVER_GONE = -31000  # outside -32768..-32000, which JSON-RPC reserves (PROTOCOL 1.5: own codes belong there)


def error(ident: str | None, code: int, text: str) -> Message:
    """An error with the id of the request as it came (`ident` is JSON text); `null` when there is none to name."""
    body = {"code": code, "message": text}
    raw = b'{"jsonrpc":"2.0","id":%b,"error":%b}' % ((ident or "null").encode(), orjson.dumps(body))
    return read(raw)


def cancelled(ident: str, reason: str) -> Message:
    """`notifications/cancelled` for a request; `ident` is JSON text."""
    params = b'{"requestId":%b,"reason":%b}' % (ident.encode(), json.dumps(reason).encode())
    return read(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":%b}' % params)


class _Error(msgspec.Struct):
    code: int = 0


def code_of(message: Message) -> int | None:
    """The code of an error response; None for any other message, and 0 for a code that is no integer."""
    if not message.error:
        return None
    try:
        return msgspec.json.decode(message.error, type=_Error).code
    except (msgspec.DecodeError, RecursionError):
        return 0
