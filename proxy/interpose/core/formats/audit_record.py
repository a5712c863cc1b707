"""One line of the consent trail as a value: who asked for what, and who decided. Never what was said or filled in."""

import hashlib
from typing import Any, Literal

import msgspec

Kind = Literal["sampling", "elicitation", "roots", "task", "approval"]
Decision = Literal["allowed", "changed", "answered", "refused", "dismissed", "withdrawn", "unanswered", "open", ""]
By = Literal["user", "host", "server", "client", "policy", "approver", "nobody", ""]

_DIGITS = 12


class Record(msgspec.Struct):
    """One ask, one thing that happened to a task, or one message held: the members are the columns, in their order.

    They are a contract.

    `seq` and `at` are the recording's: of the message that asked. `number` is what `interpose show` calls it, `inside`
    the calls it happened in, `call` the first of them by method and name, `sure` whether there is no doubt about them.
    `decision`: `changed` was allowed after a rule had edited it, `answered` a rule answered in the user's place,
    `dismissed` the user chose neither. `by`: an answer that the protocol leaves to a person is the `user`'s, another
    the `host`'s; what interpose did is the `policy`'s, by `rule`, or the `approver`'s, whom `approver` names. Of an
    approval `event` is what was decided. Sizes are in bytes, times in seconds.
    """

    kind: Kind
    event: str
    seq: int
    at: float
    recording: str = ""
    session: str = ""
    server: str = ""
    time: str = ""
    era: str = ""
    carrier: str = ""
    number: str = ""
    inside: tuple[str, ...] = ()
    call: str = ""
    sure: bool = True
    decision: Decision = ""
    by: By = ""
    rule: str = ""
    seconds: float | None = None
    messages: int | None = None
    bytes: int | None = None
    system_bytes: int | None = None
    context: str = ""
    tools: int | None = None
    max_tokens: int | float | None = None
    model: str = ""
    stop_reason: str = ""
    answer_bytes: int | None = None
    mode: str = ""
    message: str = ""
    host: str = ""
    fields: tuple[str, ...] = ()
    correlation: str = ""
    task: str = ""
    owner: str = ""
    ttl: float | None = None
    root_count: int | None = None
    roots: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    approver: str = ""

    def values(self) -> dict[str, Any]:
        """The columns with their values; None and empty where one does not apply."""
        found = {name: getattr(self, name) for name in COLUMNS}
        found["at"] = round(self.at, 6)
        found["seconds"] = None if self.seconds is None else round(self.seconds, 6)
        return found


# Where it was, what it was, who decided; then what each kind has to tell.
_FIRST = ("recording", "session", "server", "time", "at", "seq", "kind", "event")
COLUMNS = (*_FIRST, *(name for name in Record.__struct_fields__ if name not in _FIRST))


def correlation(*parts: object) -> str:
    """An id that meets itself in other recordings and logs, and gives nothing of what it stands for away."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
