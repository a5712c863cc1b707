"""Why a frame was refused, and what is said instead of it: to its sender, or to the one who waits for it."""

import re
from typing import Literal

import msgspec
import orjson

from interpose.core.wire.ids import Finder
from interpose.core.wire.message import Kind, Message, read

INVALID_REQUEST = -32600
PARSE_ERROR = -32700
INTERNAL_ERROR = -32603
LONGEST_NAME = 1024  # of ids and methods, in characters
WORTH_READING = 1 << 18  # bytes up to which a frame that is no JSON is read again for the exact reason
_MOST_BRACKETS = 100_000  # up to which the id of a refused frame is looked for: each is a step of Python

What = Literal["size", "media", "blank", "framing", "encoding", "json", "depth", "number", "key", "batch", "envelope"]

_CODES: dict[What, int] = {"blank": PARSE_ERROR, "framing": PARSE_ERROR, "encoding": PARSE_ERROR, "json": PARSE_ERROR}
_TITLES = {INVALID_REQUEST: "Invalid request", PARSE_ERROR: "Parse error", INTERNAL_ERROR: "Refused answer"}
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,39}")  # one that readers round is still its sender's own
_BEGINNING = re.compile(
    rb'[ \t\r\n]*\{(?:[ \t\r\n]*"(?:jsonrpc|method)"[ \t\r\n]*:[ \t\r\n]*"[^"]*+"[ \t\r\n]*,)*+'
    rb'[ \t\r\n]*"id"[ \t\r\n]*:[ \t\r\n]*("[^"]*+"|[0-9-]++)[ \t\r\n]*,'
)
# Wrapped, so that the end of the message is found as well: what follows it would make its id another one's.
_OPEN, _CLOSE = b'{"m":', b"}"
_ROLES = Finder(("m",), *(("m", name) for name in ("id", "method", "result", "error")))


class Objection(msgspec.Struct, frozen=True, gc=False):
    """Why a frame must not pass. The reason holds nothing of the frame but names that the protocol knows."""

    what: What
    reason: str

    @property
    def code(self) -> int:
        return _CODES.get(self.what, INVALID_REQUEST)


def refusal(frame: Message | bytes, objection: Objection) -> bytes | None:
    """The error for the sender; of a batch, an array of them. None for what nobody answers: notifications, responses.

    The id is spelt as the sender spelt it; `null` when it is none, or not certain.
    """
    raw = frame if isinstance(frame, bytes) else frame.raw
    if _is_abyss(raw):
        ident = _plain_id(raw) if objection.what == "depth" else b"null"
        return _error(ident, objection.code, objection.reason)
    message = read(frame) if isinstance(frame, bytes) else frame
    if message.kind is not Kind.BATCH:
        return _answer(raw, objection)
    answers = [answer for part in message.parts if (answer := _answer(part.raw, objection)) is not None]
    return b"[%b]" % b",".join(answers) if answers else None


def stand_in(frame: Message | bytes, objection: Objection) -> bytes | None:
    """The error for the one who waits for a response that was refused; None when it is none, or its id is unclear."""
    raw = frame if isinstance(frame, bytes) else frame.raw
    roles = _roles(raw) if not _is_abyss(raw) else {}
    ids, is_answer = roles.get("id", []), "result" in roles or "error" in roles
    # INVARIANT: what may be a request in another spelling (`Method`) is answered to nobody but its sender.
    if "method" in roles or not is_answer or len(ids) != 1 or not _is_legal(ids[0]):
        return None
    return _error(ids[0], INTERNAL_ERROR, objection.reason)


def _answer(raw: bytes, objection: Objection) -> bytes | None:
    roles = _roles(raw)
    ids, asks, answers = roles.get("id", []), "method" in roles, "result" in roles or "error" in roles
    if not raw.strip() or (asks is not answers and (answers or not ids)):
        return None
    # INVARIANT: an id is given back only to a request: the id of a response is the other side's.
    certain = asks and not answers and len(ids) == 1 and _is_legal(ids[0])
    return _error(ids[0] if certain else b"null", objection.code, objection.reason)


def _is_abyss(raw: bytes) -> bool:
    return raw.count(b"[") + raw.count(b"{") > _MOST_BRACKETS


def _plain_id(raw: bytes) -> bytes:
    """The id of a request that is too deep to be looked through, where it comes first and no other can be meant."""
    match = _BEGINNING.match(raw)
    certain = match is not None and raw.count(b'"id"') == raw.count(b'"method"') == 1 and b"\\" not in raw
    if match is None or not certain or b'"result"' in raw or b'"error"' in raw or not _is_legal(match[1]):
        return b"null"
    return match[1]


def _error(ident: bytes, code: int, reason: str) -> bytes:
    body = {"code": code, "message": f"{_TITLES[code]}: {reason}", "data": {"interpose": {"reason": reason}}}
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (ident, orjson.dumps(body))


def _roles(raw: bytes) -> dict[str, list[bytes]]:
    """The values of the envelope's members, duplicates included; empty when the frame is no one object."""
    whole = _OPEN + raw + _CLOSE
    roles: dict[str, list[bytes]] = {}
    for path, start, end in _ROLES.find(whole):
        if len(path) == 2:
            roles.setdefault(path[1], []).append(whole[start:end])
    return roles


def _is_legal(ident: bytes) -> bool:
    if ident[:1] != b'"':
        return _INTEGER.fullmatch(ident) is not None
    try:
        return len(str(orjson.loads(ident))) <= LONGEST_NAME
    except orjson.JSONDecodeError:
        return False
