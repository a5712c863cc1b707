"""A large call or answer, read in one pass for what makes it plain: no part of it is copied or looked through again."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from interpose.core.wire.message import Message, is_utf8, read


class PlainParams(msgspec.Struct, gc=False, omit_defaults=True):
    """What makes a call more than plain, and what it is about."""

    name: Raw = Raw()
    uri: Raw = Raw()
    meta: Raw = msgspec.field(default=Raw(), name="_meta")
    task: Raw = Raw()
    task_id: Raw = msgspec.field(default=Raw(), name="taskId")
    state: Raw = msgspec.field(default=Raw(), name="requestState")
    answers: Raw = msgspec.field(default=Raw(), name="inputResponses")


class PlainResult(msgspec.Struct, gc=False, omit_defaults=True):
    """What makes an answer other than final."""

    task: Raw = Raw()
    kind: Raw = msgspec.field(default=Raw(), name="resultType")


class _Envelope(msgspec.Struct, gc=False, omit_defaults=True):
    jsonrpc: Raw = Raw()
    id: Raw = Raw()
    method: str | UnsetType = UNSET
    params: PlainParams | UnsetType = UNSET
    result: PlainResult | UnsetType = UNSET
    error: Raw = Raw()


_decode = msgspec.json.Decoder(_Envelope).decode
_encode = msgspec.json.Encoder().encode


def glance(raw: bytes) -> Message | None:
    """The message with these members of its params and result alone; None for what is unusual in any way."""
    try:
        message = read(_encode(_decode(raw)))
    except (ValueError, RecursionError):
        return None
    if message.flags or b"\r" in raw or not (raw.isascii() or is_utf8(raw)):
        return None
    return msgspec.structs.replace(message, raw=raw)
