"""How a request or an ask ended, in one byte, and the words and the look of it."""

from enum import IntEnum

from interpose.core.session.asks import Ask, State
from interpose.core.session.reading import Result, read
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind


class Outcome(IntEnum):
    """OPEN is no outcome: nothing has come yet, or never came."""

    OPEN = 0
    OK = 1
    ERROR = 2
    TOOL_ERROR = 3
    CANCELLED = 4
    INPUT_REQUIRED = 5
    TASK = 6
    STATUS = 7  # a task's: which one, only the answer says
    ACCEPTED = 8
    DECLINED = 9
    DISMISSED = 10
    UNANSWERED = 11
    WITHDRAWN = 12
    HTTP_ERROR = 13
    TASK_FAILED = 14
    LISTENING = 15
    LOST = 16

    @property
    def failed(self) -> bool:
        return self in _FAILED

    @property
    def slug(self) -> str:
        """The name in JSON: a contract."""
        return self.name.lower().replace("_", "-")

    @property
    def word(self) -> str:
        return _WORDS[self]

    @property
    def style(self) -> str:
        """One of `good`, `bad`, `warn`, `open`."""
        return "bad" if self in _FAILED else _STYLES.get(self, "good")


_FAILED = frozenset({Outcome.ERROR, Outcome.TOOL_ERROR, Outcome.HTTP_ERROR, Outcome.TASK_FAILED, Outcome.LOST})
_STYLES = {
    Outcome.OPEN: "warn",
    Outcome.CANCELLED: "warn",
    Outcome.DECLINED: "warn",
    Outcome.DISMISSED: "warn",
    Outcome.UNANSWERED: "warn",
    Outcome.WITHDRAWN: "warn",
    Outcome.INPUT_REQUIRED: "open",
    Outcome.TASK: "open",
    Outcome.STATUS: "open",
    Outcome.LISTENING: "open",
}
_WORDS = {
    Outcome.OPEN: "no answer",
    Outcome.OK: "ok",
    Outcome.ERROR: "error",
    Outcome.TOOL_ERROR: "tool error",
    Outcome.CANCELLED: "cancelled",
    Outcome.INPUT_REQUIRED: "input required",
    Outcome.TASK: "task",
    Outcome.STATUS: "ok",
    Outcome.ACCEPTED: "accepted",
    Outcome.DECLINED: "declined",
    Outcome.DISMISSED: "dismissed",
    Outcome.UNANSWERED: "unanswered",
    Outcome.WITHDRAWN: "withdrawn",
    Outcome.HTTP_ERROR: "http error",
    Outcome.TASK_FAILED: "failed",
    Outcome.LISTENING: "listening",
    Outcome.LOST: "lost",
}
_OF_ASK: dict[State, Outcome] = {
    "answered": Outcome.OK,
    "accepted": Outcome.ACCEPTED,
    "declined": Outcome.DECLINED,
    "dismissed": Outcome.DISMISSED,
    "refused": Outcome.ERROR,
    "unanswered": Outcome.UNANSWERED,
    "withdrawn": Outcome.WITHDRAWN,
    "done": Outcome.OK,
}


def of_ask(ask: Ask) -> Outcome:
    return _OF_ASK.get(ask.state, Outcome.OPEN)


def of_answer(seen: Sighting) -> tuple[Outcome, str | None]:
    """How an answer ends its request, and the state of the task it reports, if it does."""
    if seen.kind is Kind.ERROR:
        return Outcome.ERROR, None
    settled = next((ask for ask in seen.asks if ask.carrier == "request" and ask.state != "open"), None)
    if settled is not None:
        return of_ask(settled), None
    said = read(seen.message.result, Result)
    if said.type == "input_required":
        return Outcome.INPUT_REQUIRED, None
    task = said if said.type == "task" or (seen.method or "").startswith("tasks/") else said.task
    if task is not None and task.task_id is not None and task.status is not None:
        return _of_task(seen, task.status), task.status
    return (Outcome.TOOL_ERROR if said.failed else Outcome.OK), None


def _of_task(seen: Sighting, status: str) -> Outcome:
    if not (seen.method or "").startswith("tasks/"):
        return Outcome.TASK
    return Outcome.TASK_FAILED if status == "failed" else Outcome.STATUS
