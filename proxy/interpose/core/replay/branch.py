"""What an answer to a question amounts to, in words: the branches that a conversation may take."""

from typing import Any

from interpose.core.wire.message import Kind, Message

_MOST = 60


def outcome(message: Message) -> str:
    """What the answer to a sampling, an elicitation or any other request of a server says."""
    if message.kind is Kind.ERROR:
        error = message.section("error")
        code = error.get("code") if isinstance(error, dict) else None
        return f"error {code}"
    return _result(message.section("result"))


def rounds(recorded: Message, live: Message) -> tuple[str, str]:
    """What the answers in two repetitions of a call say (2026-07-28, `inputResponses`)."""
    return _answers(recorded), _answers(live)


def _answers(message: Message) -> str:
    params = message.section("params")
    answers = params.get("inputResponses") if isinstance(params, dict) else None
    if not isinstance(answers, dict):
        return "no answer"
    return ", ".join(_result(each) for each in answers.values()) or "no answer"


def _result(result: Any) -> str:
    if not isinstance(result, dict):
        return "a result"
    action = result.get("action")
    if isinstance(action, str):
        content = result.get("content")
        said = f" with {content}" if content else ""
        return f"`{action}`" + (said if len(said) <= _MOST else said[:_MOST] + "…")
    if "roots" in result:
        return "other roots"
    if "task" in result:
        return "a task"
    return "a result"
