"""Whether what came back is the answer: nobody is measured who mixes answers up, or answers with errors."""

import json

import message
from process import BenchError

_SHOWN = 300


def check(call: bytes, answer: bytes) -> None:
    """The answer to an `echo` call has its id and its text.

    Raises: BenchError.
    """
    text = message.text_of(call)
    ident = call[len(message.START) : call.index(b",", len(message.START))]
    if answer.startswith(message.START + ident + b",") and b'"text":"' + text + b'"' in answer:
        return
    try:
        read = json.loads(answer)
        right = read["id"] == int(ident) and read["result"]["content"][0]["text"] == text.decode()
    except (ValueError, LookupError, TypeError):
        right = False
    if not right:
        raise BenchError(f"not the answer to call {ident.decode()}: {answer[:_SHOWN]!r}")


def check_all(calls: list[bytes], answers: list[bytes]) -> None:
    """The same for many that may have come in another order.

    Raises: BenchError.
    """
    by_id = {_id(answer): answer for answer in answers}
    if len(by_id) != len(calls):
        raise BenchError(f"{len(calls)} calls, {len(by_id)} answers")
    for call in calls:
        check(call, by_id.get(_id(call), b"nothing"))


def _id(read: bytes) -> int:
    """The id of a message; read by searching if it begins as ours do."""
    if read.startswith(message.START):
        return int(read[len(message.START) : read.index(b",", len(message.START))])
    try:
        ident = json.loads(read)["id"]
    except (ValueError, LookupError, TypeError):
        raise BenchError(f"no answer: {read[:_SHOWN]!r}") from None
    if not isinstance(ident, int):
        raise BenchError(f"not an id of ours: {read[:_SHOWN]!r}")
    return ident
