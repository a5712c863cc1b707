"""What a policy decided about one message, by which rules, and why. Values only."""

from typing import Any, Literal

import msgspec

from interpose.core.events import Decision as Approval
from interpose.core.session.asks import Ask

Decision = Literal["pass", "edit", "answer", "drop", "cut", "withhold", "hold"]


class Hit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule that matched: what it wanted, and whether it was carried out.

    `acted` is False for a rule in audit mode, or one that a stronger rule made void. `ask` is the key of the ask it
    matched, when it matched one of several.
    """

    rule: str
    do: str
    why: str = ""
    acted: bool = True
    ask: str | None = None


class Own(msgspec.Struct, frozen=True):
    """A request that interpose makes at the server in the client's place.

    `body` lacks the id. The response goes to the client under `id` on `channel`; with no `id` it is for nobody.
    """

    body: dict[str, Any]
    id: str | None = None
    channel: str = ""


class Wait(msgspec.Struct, frozen=True):
    """Why a message waits, for how many seconds, and which rules settle with its end.

    What is `delayed` passes when its time has come; else somebody has to approve, `approver` where the rule names one,
    and time refuses: `outcome` says how, in words. `may` are the decisions that fit, `asks` what is held of the
    questions in the message.
    """

    seconds: float
    rules: tuple[str, ...]
    delayed: bool = False
    approver: str | None = None
    may: tuple[Approval, ...] = ()
    outcome: str = ""
    asks: tuple[Ask, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """The decision about one message.

    `edit`: `delivered` goes on instead of what came. `answer`: nothing goes on, `answer` goes back to who sent it.
    `drop`: nothing goes on; `cut`: the connection does not, either. `withhold`: nothing goes on yet, since `own`
    requests are made first. `own` may accompany an edit. `hold`: nothing goes on until `wait` is over, and then it is
    judged again; `delivered` is what would go on now.

    What passes takes `over` seconds. `recorded` is what the recording holds instead of what came, so that a secret
    never reaches a disk. `hits` tell every rule that matched.
    """

    decision: Decision = "pass"
    hits: tuple[Hit, ...] = ()
    delivered: bytes | None = None
    answer: bytes | None = None
    recorded: bytes | None = None
    own: tuple[Own, ...] = ()
    wait: Wait | None = None
    over: float = 0.0

    def as_fields(self) -> dict[str, Any]:
        """As a recording holds it."""
        return {"decision": self.decision, "rules": [msgspec.to_builtins(hit) for hit in self.hits]}


PASS = Verdict()
