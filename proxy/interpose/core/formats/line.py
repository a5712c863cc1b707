"""One line of a transcript as a value: what to say, not how it looks."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from interpose.core.events import End
from interpose.core.formats.outcome import Outcome

Type = Literal["request", "answer", "notification", "ask", "noise", "stderr", "http", "fact"]


class Line(msgspec.Struct, frozen=True, gc=False):
    """What a message or a fact amounts to.

    `number` is the request's, or that of the request an answer or notification is about. `label` is the method without
    its ceremony, and the name. `word` says the outcome; it is empty where nothing is owed. `inside` are the numbers
    of the calls it happened in, `sure` whether there is no doubt about them. `text` is what it says, `reply` what was
    answered; these, `label` and `word` are safe to show. Lines with the same `run` in a row may be shown as one.
    """

    type: Type
    at: float
    seq: int
    end: End | None
    label: str
    method: str | None = None
    name: str | None = None
    number: str = ""
    outcome: Outcome | None = None
    word: str = ""
    took: float | None = None
    text: str = ""
    reply: str = ""
    inside: tuple[str, ...] = ()
    sure: bool = True
    run: str = ""
    times: int = 1
    failed: bool = False
    context: bool = False
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    body: bytes = b""
