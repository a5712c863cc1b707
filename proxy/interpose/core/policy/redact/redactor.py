"""Masks secrets and personal data in a message, and leaves every other byte of it as it was.

Deliberately not here: what comes in compressed, over several messages, or as audio and images.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interpose.core.policy.redact.choice import Choice
from interpose.core.policy.redact.detectors import choose, custom
from interpose.core.policy.redact.masking import Finding, Masker
from interpose.core.policy.redact.placeholders import Placeholders
from interpose.core.policy.redact.scanner import Scanner
from interpose.core.policy.redact.surface import splice
from interpose.core.policy.redact.sweep import Sweep, without_binary
from interpose.core.policy.redact.tokens import is_readable

_ROUNDS = 4  # masking may bring to light what a match covered before


@dataclass(frozen=True, slots=True)
class Options:
    """What to look for: detectors by name, patterns of the user by name, JSON paths, and names of members."""

    detectors: tuple[str, ...] = ("secrets",)
    patterns: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redaction:
    """A message after masking: the same object when nothing was masked."""

    raw: bytes
    findings: tuple[Finding, ...] = ()


class Redactor:
    """Compiled from options once, used for many messages and sessions; keeps nothing of what it reads.

    Raises: PatternError when an option cannot be used.
    """

    def __init__(self, options: Options) -> None:
        self._scanner = Scanner(choose(options.detectors), custom(options.patterns))
        self._choice = Choice(options.paths, options.keys)

    def redact(self, raw: bytes, placeholders: Placeholders) -> Redaction:
        """Mask one JSON-RPC message or batch. Never raises; see `Finding` for what cannot be read."""
        if not is_readable(raw):
            return Redaction(raw, (Finding("$", "unreadable", ""),))
        findings: list[Finding] = []
        for _ in range(_ROUNDS):
            sweep = Sweep(raw, self._scanner, self._choice, Masker(placeholders.stand_in))
            masked = sweep.run()
            findings += sweep.findings
            if masked == raw:
                break
            raw = masked
            if not sweep.is_unsettled:
                break
        return Redaction(raw, tuple(findings))

    def redact_value(self, value: Any, placeholders: Placeholders) -> tuple[Any, tuple[Finding, ...]]:
        """Mask a message that is parsed already; the same object when nothing was masked."""
        raw = json.dumps(value).encode()
        done = self.redact(raw, placeholders)
        return (value if done.raw is raw else json.loads(done.raw)), done.findings

    def redact_text(self, text: str, placeholders: Placeholders) -> tuple[str, tuple[Finding, ...]]:
        """Mask a text that is no message, such as a line of a log."""
        findings: list[Finding] = []
        for _ in range(_ROUNDS):
            masker = Masker(placeholders.stand_in)
            masked = self._mask_text(text, masker)
            findings += [Finding("$", *noted) for noted in masker.noted]
            if masked == text:
                break
            text = masked
        return text, tuple(findings)

    def scan_text(self, text: str) -> tuple[Finding, ...]:
        """What `redact_text` would mask, without numbers."""
        masker = Masker(lambda pattern, _: f"[{pattern.kind}:{pattern.label}]")
        self._mask_text(text, masker)
        return tuple(Finding("$", *noted) for noted in masker.noted)

    def _mask_text(self, text: str, masker: Masker) -> str:
        plain = text.encode("utf-8", "surrogatepass")
        space = self._scanner.scan([b'"' + plain + b'"']).spaces.get(0)
        if space is None:
            return text
        without_binary(space)
        return splice(plain, masker.edits(space)).decode("utf-8", "surrogatepass")
