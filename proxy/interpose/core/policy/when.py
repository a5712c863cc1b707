"""`when`: an expression in CEL over a small view of the message. Optional: it needs the extra `cel`."""

import re
from collections.abc import Callable
from typing import Any

from interpose.core.policy.facts import Facts
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.subject import Subject

_MISSING = "`when` needs CEL; install it with `pip install interpose[cel]`"
_BUILDERS = ("map", "filter")
_MOST_ITEMS = 500
_TOKEN = re.compile(
    r"""//[^\n]*|[rR]?[bB]?[rR]?(?P<quote>\"{3}|'{3}|["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)"""
    r"""|\.\s*(?P<macro>map|filter|all|exists|exists_one)\s*\(|(?P<bracket>[()\[\]{}])""",
    re.DOTALL,
)
_TEXTS = ("method", "name", "kind", "sender", "era", "server", "ask", "mode")


def compile_when(text: str) -> Callable[[Subject, Facts], bool]:
    """Whether the expression is true. Raises: ValueError for one that is none; RuleFault, when called, for errors."""
    cel = _library()
    builds_lists = _check_loops(text)
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
        if builds_lists and _longest(subject.value) > _MOST_ITEMS:
            raise RuleFault(f"`when` builds a list, and the message has one of more than {_MOST_ITEMS} items")
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


def _check_loops(text: str) -> bool:
    """Whether a list is built. Raises: ValueError where that is done in a loop.

    Each item that `map` or `filter` adds copies the list, and the library's own limit counts the items alone.
    """
    around: list[str] = []  # of each bracket that is open: the macro it belongs to, if it is one's
    builds = False
    for match in _TOKEN.finditer(text):
        macro, bracket = match["macro"], match["bracket"]
        if macro is not None:
            outer = next((name for name in reversed(around) if name), "")
            if outer and macro in _BUILDERS:
                raise ValueError(
                    f"`when` has `{macro}` inside of `{outer}`, which takes long on long lists; "
                    "write `exists` or `all` instead of it, or make two rules"
                )
            builds = builds or macro in _BUILDERS
            around.append(macro)
        elif bracket in ("(", "[", "{"):
            around.append("")
        elif bracket is not None and around:
            around.pop()
    return builds


def _longest(value: Any) -> int:
    """How many items the largest list or object in a value has."""
    if not isinstance(value, list | dict):
        return 0
    return max(len(value), *map(_longest, value.values() if isinstance(value, dict) else value), 0)


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
