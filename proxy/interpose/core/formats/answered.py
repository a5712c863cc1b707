"""How a request ended, in words: its answer is fetched from where the ledger says it is. Fetches nothing itself."""

from collections.abc import Callable
from typing import Any, NamedTuple

from interpose.core.formats import results
from interpose.core.formats.excerpt import members, rough
from interpose.core.formats.ledger import Ledger, Place
from interpose.core.formats.outcome import Outcome, of_answer, of_ask
from interpose.core.recording.codec import decode_entry
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind, Message, read

Fetch = Callable[[Place], bytes]
"""The beginning of the line at a place: the whole line, with its line end, unless it is large."""

_STATUSES = (Outcome.TASK, Outcome.STATUS, Outcome.TASK_FAILED)


class Ending(NamedTuple):
    """An outcome in words, and what the answer says."""

    outcome: Outcome
    word: str = ""
    text: str = ""
    code: int | None = None


class Answers:
    """The answers of a ledger's rows. `open_word` is what to say of a request without one."""

    def __init__(self, ledger: Ledger, fetch: Fetch, open_word: str) -> None:
        self._ledger = ledger
        self._fetch = fetch
        self._open_word = open_word

    def request(self, row: int, method: str) -> Ending:
        """How the request of a row ended."""
        ended = self._ledger.outcome(row)
        answer = self._ledger.answer(row)
        if answer is None:
            return Ending(ended, self._open_word if ended is Outcome.OPEN else ended.word)
        line = self._fetch(answer.place)
        message = _message(line, answer.part)
        if message is None:
            return Ending(ended, ended.word, rough(_beginning(line), answer.place.size))
        return ending(ended, method, message)

    def ask(self, row: int, ask: Ask) -> Ending:
        """How an ask that came inside a result was answered."""
        ended = self._ledger.outcome(row)
        answer = self._ledger.answer(row)
        if answer is None:
            return Ending(ended, self._open_word if ended is Outcome.OPEN else ended.word)
        message = _message(self._fetch(answer.place), answer.part)
        return Ending(ended, ended.word, "" if message is None else response(ask, message))


def ending(ended: Outcome, method: str, message: Message) -> Ending:
    """An outcome and its answer in words."""
    if message.kind is Kind.ERROR:
        code, text = results.failure(message.error)
        return Ending(ended, "error" if code is None else f"error {code}", text, code)
    word = ended.word
    if ended in _STATUSES:
        status = results.status(message.result)
        word = f"task {status}" if ended is Outcome.TASK else status
    return Ending(ended, word, results.summary(method, message.result))


def answered(seen: Sighting) -> Ending:
    """An answer as it comes."""
    return ending(of_answer(seen)[0], seen.method or "", seen.message)


def settled(ask: Ask, message: Message) -> Ending:
    """An ask as it is settled."""
    ended = of_ask(ask)
    return Ending(ended, ended.word, response(ask, message))


def response(ask: Ask, message: Message) -> str:
    """What was answered to one of the asks that a message settles."""
    answers: Any = members(message.params).get("inputResponses")
    return results.answer(ask.method, answers.get(ask.key)) if isinstance(answers, dict) else ""


def _message(line: bytes, part: int) -> Message | None:
    """The message in a line; None when only the line's beginning is there."""
    if not line.endswith(b"\n"):
        return None
    try:
        payload = decode_entry(line).payload()
    except ValueError:
        return None
    if payload is None:
        return None
    parts = read(payload).messages()
    return parts[part] if part < len(parts) else None


def _beginning(line: bytes) -> bytes:
    """The beginning of the message in the beginning of a line."""
    return line.partition(b'"message":')[2] or line
