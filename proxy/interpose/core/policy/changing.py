"""Carries out rules that change a message: the edits in their order, then redaction, for the wire and the recording."""

from collections.abc import Iterable
from typing import Any

import msgspec

from interpose.core.policy.actions import EDITS
from interpose.core.policy.actions.redact import KEY, placeholders, redact_raw, redactor
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.outcome import encode
from interpose.core.policy.rule import AnyRule, Redact
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting


class Change(msgspec.Struct, frozen=True):
    """What one rule did: in words, or None when it found nothing to do."""

    words: str | None


class Changed(msgspec.Struct, frozen=True):
    """A message after all of them: what goes on and what is recorded, None where that is what came."""

    delivered: bytes | None = None
    recorded: bytes | None = None


class Changer:
    """Changes the messages of one session."""

    def __init__(self, state: dict[str, Any], key: bytes) -> None:
        self._state = state
        self.at = 0  # the rule being carried out: the culprit when that fails
        if key:
            state[KEY] = key

    def change(self, sighting: Sighting, rules: list[tuple[AnyRule, Ask | None]], done: dict[int, Change]) -> Changed:
        """Carry the rules out in their order; `done` tells what each did. Raises: EditFault."""
        raw = self._edited(sighting, rules, done)
        kept = sighting.message.raw
        for number, (rule, _) in enumerate(rules):
            self.at = number
            if isinstance(rule, Redact):
                raw, kept, words = self._redacted(rule, raw, kept)
                done[number] = Change(words)
            done.setdefault(number, Change(None))
        came = sighting.message.raw
        return Changed(None if raw == came else raw, None if kept == came else kept)

    def recorded(self, sighting: Sighting, rules: Iterable[AnyRule]) -> bytes | None:
        """What the recording may hold of a message that does not pass."""
        raw = sighting.message.raw
        for rule in rules:
            if isinstance(rule, Redact) and "recording" in rule.where:
                try:
                    raw, _ = redact_raw(rule, raw, self._state)
                except EditFault:
                    raw = self.text(rule, raw.decode("utf-8", "replace")).encode()
        return None if raw == sighting.message.raw else raw

    def text(self, rule: AnyRule, text: str) -> str:
        """A text that is no message, masked."""
        if not isinstance(rule, Redact):
            return text
        return redactor(rule).redact_text(text, placeholders(self._state))[0]

    def _edited(self, sighting: Sighting, rules: list[tuple[AnyRule, Ask | None]], done: dict[int, Change]) -> bytes:
        editing: Editing | None = None
        changed = False
        for number, (rule, ask) in enumerate(rules):
            edit = EDITS.get(rule.do)
            if edit is None:
                continue
            self.at = number
            if editing is None:
                editing = Editing(_body(sighting), sighting, self._state)
            editing.ask = ask
            words = edit(rule, editing)
            changed = changed or words is not None
            done[number] = Change(words)
        return encode(editing.body) if editing is not None and changed else sighting.message.raw

    def _redacted(self, rule: Redact, raw: bytes, kept: bytes) -> tuple[bytes, bytes, str | None]:
        words: str | None = None
        if "recording" in rule.where:
            kept, words = redact_raw(rule, kept, self._state)
        if "wire" in rule.where:
            raw, words = redact_raw(rule, raw, self._state)
        return raw, kept, words


def _body(sighting: Sighting) -> dict[str, Any]:
    body = sighting.message.body()
    if not isinstance(body, dict):
        raise EditFault("the message cannot be read")
    return body
