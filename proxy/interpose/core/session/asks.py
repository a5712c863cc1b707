"""What the server's side asks of the user's side, as one value in every era, and how it was answered.

Not how an ask is put on the wire: lowering an answer is the policy's work.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Raw

from interpose.core.protocol import AskKind
from interpose.core.session.reading import Elicitations, Failure, Input, Question, Result, read
from interpose.core.wire.message import Kind, Message

State = Literal["open", "answered", "accepted", "declined", "dismissed", "refused", "unanswered", "withdrawn", "done"]
Carrier = Literal["request", "input_request", "task", "error"]

KINDS: dict[str, AskKind] = {
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
    "roots/list": "roots",
}
URL_REQUIRED = -32042

_ACTIONS: dict[str | None, State] = {"accept": "accepted", "decline": "declined", "cancel": "dismissed"}


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One question.

    `key` is the request's id, the key in `inputRequests`, or the elicitation id of an error. `seq` is the message that
    asked it first, `parents` the calls it blocks, `params` its parameters as sent.
    """

    key: str
    kind: AskKind
    carrier: Carrier
    seq: int
    at: float
    params: bytes
    parents: tuple[int, ...] = ()
    mode: Literal["form", "url"] | None = None
    message: str | None = None
    url: str | None = None
    elicitation: str | None = None
    task: str | None = None
    state: State = "open"

    def became(self, state: State) -> "Ask":
        return msgspec.structs.replace(self, state=state)

    @property
    def method(self) -> str:
        return _METHODS[self.kind]


_METHODS: dict[AskKind, str] = {kind: method for method, kind in KINDS.items()}


class Asker(msgspec.Struct, frozen=True, gc=False):
    """Where asks come from: the message that carries them and the calls that wait for their answers."""

    seq: int
    at: float
    carrier: Carrier
    parents: tuple[int, ...] = ()
    task: str | None = None


def lift(asker: Asker, key: str, method: str, params: bytes) -> Ask | None:
    """The ask in a request or an input request; None for any other method."""
    kind = KINDS.get(method)
    if kind is None:
        return None
    asked = Ask(key, kind, asker.carrier, asker.seq, asker.at, params, asker.parents, task=asker.task)
    if kind != "elicitation":
        return asked
    said = read(params, Question)
    return msgspec.structs.replace(
        asked,
        mode="url" if said.mode == "url" else "form",
        message=said.message,
        url=said.url,
        elicitation=said.elicitation,
    )


def lift_inputs(asker: Asker, inputs: dict[str, Raw] | None) -> tuple[Ask, ...]:
    """The asks among `inputRequests` (2026-07-28, tasks extension)."""
    found = []
    for key, raw in (inputs or {}).items():
        entry = read(raw, Input)
        asked = lift(asker, key, entry.method or "", bytes(entry.params))
        if asked is not None:
            found.append(asked)
    return tuple(found)


def lift_error(asker: Asker, error: bytes) -> tuple[Ask, ...]:
    """The sign-ins that error -32042 demands before a request may be repeated (2025-11-25)."""
    failure = read(error, Failure)
    if failure.code != URL_REQUIRED:
        return ()
    entries = read(failure.data, Elicitations).elicitations or []
    keyed = ((read(raw, Question).elicitation or str(n), bytes(raw)) for n, raw in enumerate(entries))
    found = (lift(asker, key, "elicitation/create", raw) for key, raw in keyed)
    return tuple(ask for ask in found if ask is not None)


def answered(ask: Ask, message: Message) -> Ask:
    """The ask after a response to the request that carried it."""
    return ask.became("refused") if message.kind is Kind.ERROR else settled(ask, message.result)


def settled(ask: Ask, result: bytes | Raw) -> Ask:
    """The ask after a bare result."""
    if ask.kind != "elicitation":
        return ask.became("answered")
    return ask.became(_ACTIONS.get(read(result, Result).action, "answered"))


def settle(asks: Iterable[Ask], answers: dict[str, Raw] | None) -> tuple[Ask, ...]:
    """The asks after `inputResponses`: what was left out stays unanswered, and may be asked again."""
    given = answers or {}
    return tuple(settled(ask, given[ask.key]) if ask.key in given else ask.became("unanswered") for ask in asks)


def is_sign_in(ask: Ask) -> bool:
    """Whether a person is still busy elsewhere after this: a URL that will be reported complete by its id."""
    return ask.elicitation is not None and ask.mode == "url" and (ask.state == "accepted" or ask.carrier == "error")
