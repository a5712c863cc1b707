"""A session that is followed late, where nobody looks at each message: what leaves no trace is not followed at all.

A call and its plain answer change nothing that outlasts them, and are most of what is said. They cancel each other out
here; anything else is followed at once, after all that came before it.
"""

import msgspec
from msgspec import Raw

from interpose.core.events import Event, Frame, Received
from interpose.core.session.pending import STDIO
from interpose.core.session.session import Session
from interpose.core.wire.message import Kind, Message

_MOST = 1024
_LARGE = 1 << 14
_PLAIN = frozenset(
    (
        "completion/complete",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "tools/call",
        "tools/list",
    )
)
_REQUEST, _RESULT = Kind.REQUEST, Kind.RESULT


class Lagging:
    """Follows a session as far as its end needs it: whom it waits for is right whenever somebody asks."""

    def __init__(self) -> None:
        self._session = Session()
        self._unseen: dict[str, tuple[int, Received]] = {}  # by the id of the call
        self._era = ""  # that it opened in; empty until it has

    @property
    def session(self) -> Session:
        """The session, up to date."""
        for seq, event in self._unseen.values():
            self._session.see(seq, event)
        self._unseen.clear()
        return self._session

    def hear(self, seq: int, event: Event) -> None:
        """The next event of the session."""
        if type(event) is Received and event.channel == STDIO:
            message = event.frame.message
            if message is not None:
                if event.end == "client" and self._leaves_no_trace(message):
                    self._unseen[message.id or ""] = (seq, event if len(message.raw) < _LARGE else _slim(event))
                    return
                if event.end == "server" and self.settles(message):
                    return
        session = self.session
        session.see(seq, event)
        self._era = session.opening.era if session.opening.state in ("open", "ready") else ""

    def settles(self, message: Message) -> bool:
        """Whether this message of a server's ends a call so that neither need be followed any more."""
        if message.kind is not _RESULT or message.id not in self._unseen or not _is_final(message.result):
            return False
        del self._unseen[message.id or ""]
        return True

    def _leaves_no_trace(self, message: Message) -> bool:
        """Whether this call, once it is answered plainly, need not have been followed."""
        return (
            message.kind is _REQUEST
            and message.method in _PLAIN
            and message.id not in self._unseen
            and len(self._unseen) < _MOST
            and self._era != ""
            and not self._session.awaits(message.id)
            and _is_plain_call(message.params, stateless=self._era == "stateless")
        )


class _Params(msgspec.Struct, gc=False, omit_defaults=True):
    """What makes a call more than plain, and what it is about."""

    name: Raw = Raw()
    uri: Raw = Raw()
    meta: Raw = msgspec.field(default=Raw(), name="_meta")
    task: Raw = Raw()
    task_id: Raw = msgspec.field(default=Raw(), name="taskId")
    state: Raw = msgspec.field(default=Raw(), name="requestState")
    answers: Raw = msgspec.field(default=Raw(), name="inputResponses")


class _Result(msgspec.Struct, gc=False):
    """What makes an answer other than final."""

    task: Raw = Raw()
    kind: Raw = msgspec.field(default=Raw(), name="resultType")


_params = msgspec.json.Decoder(_Params).decode
_result = msgspec.json.Decoder(_Result).decode
_COMPLETE = Raw(b'"complete"')


def _is_plain_call(params: bytes, *, stateless: bool) -> bool:
    """A call of the era that the session opened in, with no task and no answers to questions in it."""
    if not params:
        return not stateless
    try:
        said = _params(params)
    except (msgspec.DecodeError, RecursionError):
        return False
    if said.task or said.task_id or said.state or said.answers:
        return False
    if not said.meta:
        return not stateless
    meta = bytes(said.meta)
    return (b"protocolVersion" in meta) == stateless and b"task" not in meta and b"\\u" not in meta


def _slim(event: Received) -> Received:
    """A plain call without what nobody will ask for: it may wait for long, and be large."""
    message = event.frame.message
    assert message is not None
    params = msgspec.json.encode(_params(message.params))
    return Received(
        event.at, event.end, event.channel, Frame(b"", msgspec.structs.replace(message, raw=b"", params=params))
    )


def _is_final(result: bytes) -> bool:
    """An answer that is no question and no task."""
    try:
        said = _result(result)
    except (msgspec.DecodeError, RecursionError):
        return False
    return not said.task and (not said.kind or said.kind == _COMPLETE)
