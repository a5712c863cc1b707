"""Carries out rules that change a message: the edits in their order, then redaction, for the wire and the recording.

A rule in audit mode is tried on a copy at its place in that order, so that it tells of just the messages that it would
have changed.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from interpose.core.policy.actions import EDITS, Edit
from interpose.core.policy.actions.redact import KEY, placeholders, redact_answer, redact_raw, redactor
from interpose.core.policy.editing import EditFault, Editing
from interpose.core.policy.outcome import encode
from interpose.core.policy.rule import AnyRule, Redact
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import parse_exact

Ruled = tuple[AnyRule, Ask | None]
_VALUES = frozenset({"set", "remove", "cap"})


class Change(msgspec.Struct, frozen=True):
    """What one rule did or, in audit mode, would have done: in words, or None when it found nothing to do."""

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

    def change(self, sighting: Sighting, rules: list[Ruled], done: dict[int, Change]) -> Changed:
        """Carry the rules out in their order; `done` tells what each did. Raises: EditFault."""
        raw = self._edited(sighting, rules, done)
        kept = sighting.message.raw
        for number, (rule, ask) in enumerate(rules):
            self.at = number
            if isinstance(rule, Redact) and rule.mode == "audit":
                done[number] = Change(_would_mask(rule, ask, raw, kept))
            elif isinstance(rule, Redact):
                raw, kept, words = _redacted(rule, ask, raw, kept, self._state)
                done[number] = Change(words)
            done.setdefault(number, Change(None))
        came = sighting.message.raw
        return Changed(None if raw == came else raw, None if kept == came else kept)

    def valued(self, sighting: Sighting, rules: Iterable[Ruled]) -> bytes:
        """The message as the rules about values would let it go on: how much it asks for then. Raises: EditFault."""
        return self._edited(sighting, [each for each in rules if each[0].do in _VALUES], {})

    def recorded(self, sighting: Sighting, rules: Iterable[AnyRule]) -> bytes | None:
        """What the recording may hold of a message that does not pass."""
        kept = self.kept(sighting.message.raw, rules)
        return None if kept == sighting.message.raw else kept

    def kept(self, raw: bytes, rules: Iterable[AnyRule]) -> bytes:
        """A message as these rules let a recording hold it."""
        for rule in rules:
            if isinstance(rule, Redact) and "recording" in rule.where:
                try:
                    raw, _ = redact_raw(rule, raw, self._state)
                except EditFault:
                    raw = self.text(rule, raw.decode("utf-8", "replace")).encode()
        return raw

    def text(self, rule: AnyRule, text: str) -> str:
        """A text that is no message, masked."""
        if not isinstance(rule, Redact):
            return text
        return redactor(rule).redact_text(text, placeholders(self._state))[0]

    def _edited(self, sighting: Sighting, rules: list[Ruled], done: dict[int, Change]) -> bytes:
        editing: Editing | None = None
        changed = False
        for number, (rule, ask) in enumerate(rules):
            edit = EDITS.get(rule.do)
            if edit is None:
                continue
            self.at = number
            if editing is None:
                editing = Editing(_body(sighting), sighting, self._state)
            editing.ask, editing.told = ask, None
            if rule.mode == "audit":
                done[number] = Change(_would_edit(edit, rule, editing))
                continue
            words = edit(rule, editing)
            changed = changed or words is not None
            done[number] = Change(words or editing.told)
        return encode(editing.body) if editing is not None and changed else sighting.message.raw


def _would_edit(edit: Edit, rule: AnyRule, editing: Editing) -> str | None:
    try:
        tried = msgspec.structs.replace(editing, body=parse_exact(encode(editing.body)))
        return edit(rule, tried) or tried.told
    except (EditFault, RecursionError) as fault:
        return f"could not be carried out, and so it would block: {fault}"


def _would_mask(rule: Redact, ask: Ask | None, raw: bytes, kept: bytes) -> str | None:
    """What would be masked; with placeholders of its own, since the session's are numbered as they are used."""
    try:
        return _redacted(rule, ask, raw, kept, {})[2]
    except EditFault as fault:
        return f"could not be carried out, and so it would block: {fault}"


def _redacted(
    rule: Redact, ask: Ask | None, raw: bytes, kept: bytes, state: dict[str, Any]
) -> tuple[bytes, bytes, str | None]:
    """What goes on, what is kept, and what was masked, in words."""
    words: str | None = None
    if "recording" in rule.where and "wire" in rule.where and raw == kept:
        raw, words = _masked(rule, ask, raw, state)
        return raw, raw, words
    if "recording" in rule.where:
        kept, words = _masked(rule, ask, kept, state)
    if "wire" in rule.where:
        raw, words = _masked(rule, ask, raw, state)
    return raw, kept, words


def _masked(rule: Redact, ask: Ask | None, raw: bytes, state: dict[str, Any]) -> tuple[bytes, str | None]:
    is_part = ask is not None and ask.state != "open" and ask.carrier != "request"
    return redact_answer(rule, raw, ask.key, state) if is_part and ask else redact_raw(rule, raw, state)


def _body(sighting: Sighting) -> dict[str, Any]:
    body = parse_exact(sighting.message.raw)
    if not isinstance(body, dict):
        raise EditFault("the message cannot be read")
    return body
