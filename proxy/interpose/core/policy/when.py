"""`when`: an expression in CEL over a small view of the message. Optional: it needs the extra `cel`."""

from collections.abc import Callable
from typing import Any

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.subject import Subject

_MISSING = "`when` needs CEL; install it with `pip install interpose[cel]`"
_TEXTS = ("method", "name", "kind", "sender", "era", "server", "ask", "mode")


def compile_when(text: str) -> Callable[[Subject, Facts], bool]:
    """Whether the expression is true. Raises: ValueError for one that is none; RuleFault, when called, for errors."""
    cel = _library()
    variables = dict.fromkeys(_TEXTS, cel.Type.STRING) | {"value": cel.Type.DYN}
    try:
        expression = cel.NewEnv(variables=variables).compile(text)
    except Exception as refusal:  # the library names none of its own
        raise ValueError(f"`when` is no CEL: {_line(refusal)}") from None
    if not cel.Type.BOOL.is_assignable_from(expression.return_type()) and expression.return_type() != cel.Type.DYN:
        raise ValueError(f"`when` must be true or false; this is {expression.return_type().name()}")
    run = expression.eval

    def test(subject: Subject, facts: Facts) -> bool:
        view = _view(subject, facts)
        try:
            found = run(data=view)
            # INVARIANT: an error is a value here, and true in Python: only its type tells.
            certain, answer = found.type() == cel.Type.BOOL, found.value()
        except Exception as failure:
            raise RuleFault(f"`when` failed: {_line(failure)}") from None
        if not certain or not isinstance(answer, bool):
            raise RuleFault(f"`when` failed: {_line(answer)}")
        return answer

    return test


def check_when(text: str) -> str:
    """The text, if it compiles. Raises: ValueError."""
    compile_when(text)
    return text


def _library() -> Any:
    try:
        from cel_expr_python import cel  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise ValueError(_MISSING) from None
    return cel


def _view(subject: Subject, facts: Facts) -> dict[str, Any]:
    ask = subject.ask
    return {
        "method": subject.method or "",
        "name": subject.sighting.name or "",
        "kind": str(subject.kind),
        "sender": subject.end,
        "era": subject.sighting.era,
        "server": facts.server or "",
        "ask": ask.kind if ask is not None else "",
        "mode": (ask.mode or "") if ask is not None else "",
        "value": subject.value,
    }


def _line(said: object) -> str:
    return " ".join(str(said).split())[:300]
