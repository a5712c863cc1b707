"""Lines that came together, looked at in one pass for whether they are plain calls, or plain answers, and nothing else.

What would make a message more than plain has no room in these shapes: it does not decode. Nothing is copied out of a
line but its id, and nothing is looked through twice.
"""

from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from interpose.core.events import End
from interpose.core.wire.message import Kind, Message, id_text, is_utf8

PLAIN = Literal[
    "completion/complete",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "tools/call",
    "tools/list",
]


class PlainParams(msgspec.Struct, gc=False, omit_defaults=True):
    """What a plain call is about. No task, and no answers to questions."""

    name: Raw = Raw()
    uri: Raw = Raw()
    meta: Raw = msgspec.field(default=Raw(), name="_meta")
    task: UnsetType = UNSET
    task_id: UnsetType = msgspec.field(default=UNSET, name="taskId")
    state: UnsetType = msgspec.field(default=UNSET, name="requestState")
    answers: UnsetType = msgspec.field(default=UNSET, name="inputResponses")


class PlainResult(msgspec.Struct, gc=False, omit_defaults=True):
    """A result that is final: no question and no task."""

    kind: Literal["complete"] | UnsetType = msgspec.field(default=UNSET, name="resultType")
    task: UnsetType = UNSET


class Call(msgspec.Struct, gc=False, omit_defaults=True):
    """A call that may be plain: whether its `_meta` is, and whether its id is new, depends on the session."""

    jsonrpc: Raw
    id: Raw
    method: PLAIN
    params: PlainParams | UnsetType = UNSET
    result: UnsetType = UNSET
    error: UnsetType = UNSET


class Answer(msgspec.Struct, gc=False):
    """An answer that is final."""

    jsonrpc: Raw
    id: Raw
    result: PlainResult
    params: UnsetType = UNSET
    method: UnsetType = UNSET
    error: UnsetType = UNSET


class Glances(msgspec.Struct, frozen=True, gc=False):
    """What was seen of lines that are all plain: their ids as `Message.id` has them, and of calls the envelopes."""

    ids: list[str]
    calls: Sequence[Call]


_Seen = TypeVar("_Seen", Call, Answer)
_OPENS, _CLOSES = b"{}"
_VERSION = Raw(b'"2.0"')
_encode = msgspec.json.encode
_calls, _answers = msgspec.json.Decoder(Call), msgspec.json.Decoder(Answer)


def glance(end: End, lines: Sequence[bytes]) -> Glances | None:
    """Look at the contents of lines that came together from one end; None where one of them is unusual in any way."""
    together = b"\n".join(lines)
    if b"\r" in together or not (together.isascii() or is_utf8(together)):
        return None
    calls = _decoded(_calls, lines, together) if end == "client" else []
    found: Sequence[Call | Answer] = calls if end == "client" else _decoded(_answers, lines, together)
    if not found or [each for each in found if each.jsonrpc != _VERSION]:
        return None
    ids = _ids([each.id for each in found])
    return None if ids is None else Glances(ids, calls)


def glimpse(end: End, raw: bytes) -> Message | None:
    """A large plain call, or plain answer, that was looked through once: with no more of its params or result than can
    matter later. None where it is unusual in any way."""
    seen = glance(end, (raw,))
    if seen is None:
        return None
    if not seen.calls:
        return Message(raw, Kind.RESULT, seen.ids[0], result=b"{}")
    call = seen.calls[0]
    return Message(raw, Kind.REQUEST, seen.ids[0], call.method, b"" if call.params is UNSET else _encode(call.params))


def _decoded(decoder: "msgspec.json.Decoder[_Seen]", lines: Sequence[bytes], together: bytes) -> list[_Seen]:
    """One for each line; none where one of them is something else."""
    try:
        if len(lines) == 1:
            return [decoder.decode(together)]
        # INVARIANT: no message ends in another line than it began in: `}`, LF and `{` can only stand between messages.
        if [line for line in lines if not line or line[0] != _OPENS or line[-1] != _CLOSES]:
            return []
        found = decoder.decode_lines(together)
    except (ValueError, RecursionError):
        return []
    return found if len(found) == len(lines) else []


def _ids(found: list[Raw]) -> list[str] | None:
    """Ids that are numbers are spelt in one way; None where one is of a type that an id must not have."""
    together = b" ".join(found)
    if together.replace(b" ", b"").isdigit():
        return together.decode().split()
    texts = [id_text(each) for each in found]
    return texts if all(text[0] == '"' or text.isdecimal() for text in texts) else None
