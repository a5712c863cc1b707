"""Puts placeholders where secrets or personal data stand, in the bytes of a message: the rest stays as it came.

do = "redact"
find = ["secrets", "email"]
where = ["wire", "recording"]
"""

from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from interpose.core.policy.editing import EditFault
from interpose.core.policy.outcome import encode
from interpose.core.policy.rule import Redact
from interpose.core.wire.message import parse_exact

if TYPE_CHECKING:
    from interpose.core.policy.redact.placeholders import Placeholders
    from interpose.core.policy.redact.redactor import Redactor

# Under this key of the state lies the session's secret: without one, whoever sees a digest can try values against it.
KEY = "redact key"
_PLACEHOLDERS = "redact placeholders"
_UNJUDGED = {"unreadable": "it is no JSON that can be looked through", "unfinished": "too much is wrapped in itself"}


def redact_raw(rule: Redact, raw: bytes, state: dict[str, Any]) -> tuple[bytes, str | None]:
    """The message with placeholders, and how many; the same object when nothing was masked.

    Raises: EditFault for a message that could not be looked through to the end.
    """
    done = redactor(rule).redact(raw, placeholders(state))
    for finding in done.findings:
        if finding.detector in _UNJUDGED and not finding.placeholder:
            raise EditFault(_UNJUDGED[finding.detector])
    if done.raw == raw:
        return raw, None
    counts = Counter(finding.detector for finding in done.findings)
    return done.raw, "masked " + ", ".join(f"{counts[name]} {name}" for name in sorted(counts))


def redact_answer(rule: Redact, raw: bytes, key: str, state: dict[str, Any]) -> tuple[bytes, str | None]:
    """The same for one of the `inputResponses` of a message: the answer alone, as if it were a response.

    What else a repeated call says must stay as it was in its first round. Raises: EditFault.
    """
    body = parse_exact(raw)
    try:
        answers = body["params"]["inputResponses"]
        came = encode({"jsonrpc": "2.0", "id": 0, "result": answers[key]})
    except (KeyError, TypeError, RecursionError):
        raise EditFault("the answer is not where it should be") from None
    done, words = redact_raw(rule, came, state)
    if words is None:
        return raw, None
    answers[key] = parse_exact(done)["result"]
    return encode(body), words


def redactor(rule: Redact) -> "Redactor":
    """The compiled rule; also for what is no message, such as a line of a log. Raises: EditFault."""
    from interpose.core.policy.redact.detectors import PatternError

    try:
        return _compiled(rule.find or (), tuple((rule.patterns or {}).items()), rule.paths or (), rule.keys or ())
    except PatternError as refusal:
        raise EditFault(str(refusal)) from None


def placeholders(state: dict[str, Any]) -> "Placeholders":
    """The placeholders of a session: one table for all its rules, so that one secret has one name."""
    from interpose.core.policy.redact.placeholders import Placeholders

    found = state.get(_PLACEHOLDERS)
    if found is None:
        key: bytes = state.get(KEY, b"")
        key = key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()
        found = state[_PLACEHOLDERS] = Placeholders(lambda plain: blake2b(plain, digest_size=16, key=key).digest())
    assert isinstance(found, Placeholders)
    return found


@lru_cache(maxsize=128)
def _compiled(
    find: tuple[str, ...], patterns: tuple[tuple[str, str], ...], paths: tuple[str, ...], keys: tuple[str, ...]
) -> "Redactor":
    from interpose.core.policy.redact.redactor import Options, Redactor

    return Redactor(Options(find, dict(patterns), paths, keys))
