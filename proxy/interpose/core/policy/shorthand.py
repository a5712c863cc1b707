"""Rules in two or three words, for a command line: `block sampling`, `redact secrets email`."""

from typing import Any

from pydantic import ValidationError

from interpose.core.policy.complaint import complaints
from interpose.core.policy.reading import PolicyError
from interpose.core.policy.rule import ACTIONS, AnyRule, rule_of
from interpose.core.policy.suggestion import suggestion

_ASKS: dict[str, dict[str, Any]] = {
    "sampling": {"ask": "sampling"},
    "elicitation": {"ask": "elicitation"},
    "elicitation.form": {"ask": "elicitation", "mode_is": "form"},
    "elicitation.url": {"ask": "elicitation", "mode_is": "url"},
    "roots": {"ask": "roots"},
}
_NAMED = ("tool", "prompt", "resource", "method")
_HOLD_SECONDS = 50.0
# The verbs: what each adds to what it is about.
SHORTHANDS: dict[str, dict[str, Any]] = {
    "allow": {"do": "allow"},
    "block": {"do": "block"},
    "decline": {"do": "answer", "outcome": "decline"},
    "hold": {"do": "hold", "timeout": _HOLD_SECONDS},
    "note": {"do": "note"},
    "hide": {"do": "hide"},
    "redact": {"do": "redact", "all": True},
    "strip": {"do": "strip"},
}


def shorthand(text: str) -> AnyRule:
    """The rule that a short form stands for.

    After `redact` come detectors, after `strip` capabilities, after the other verbs `sampling`, `elicitation`,
    `elicitation.url`, `roots`, `tool=NAME`, `prompt=NAME`, `resource=URI` or `method=NAME`. Raises: PolicyError.
    """
    verb, *words = text.split() or [""]
    if not text.isprintable():
        raise _refusal(ascii(text), "has characters that cannot be read")
    if verb not in SHORTHANDS:
        raise _refusal(text, f"`{verb}` is none of {', '.join(SHORTHANDS)}{suggestion(verb, SHORTHANDS)}")
    if not words:
        raise _refusal(
            text, "says nothing about what; for example `block sampling`, `redact secrets`, `hide tool=drop_*`"
        )
    table = {"name": "-".join([verb, *words])} | SHORTHANDS[verb] | _about(text, verb, words)
    try:
        return rule_of(table)
    except ValidationError as error:
        raise _refusal(text, complaints(error.errors(), ACTIONS[table["do"]])[0][1]) from None


def _about(text: str, verb: str, words: list[str]) -> dict[str, Any]:
    if verb == "redact":
        return {"find": words}
    if verb == "strip":
        return {"capability": words}
    found: dict[str, Any] = {}
    for word in words:
        key, _, name = word.partition("=")
        if name and key in _NAMED:
            found.setdefault(key, []).append(name)
        elif word in _ASKS and "ask" not in found:
            found |= _ASKS[word]
        else:
            known = [*_ASKS, *(f"{key}=..." for key in _NAMED)]
            raise _refusal(text, f"`{word}` is none of {', '.join(known)}, or one too many{suggestion(word, known)}")
    return found


def _refusal(text: str, problem: str) -> PolicyError:
    return PolicyError(f"`{text}`", None, None, problem)
