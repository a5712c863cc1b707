"""Redaction: what in a message is a secret or personal, and what stands there instead. Pure.

`Redactor` is the way in; `wrapping` says which spellings are read, `zones` what is never touched.
"""

from interpose.core.policy.redact.choice import Choice
from interpose.core.policy.redact.detectors import DETECTORS, PatternError
from interpose.core.policy.redact.masking import Finding
from interpose.core.policy.redact.placeholders import Placeholders
from interpose.core.policy.redact.redactor import Options, Redaction, Redactor

__all__ = ["DETECTORS", "Choice", "Finding", "Options", "PatternError", "Placeholders", "Redaction", "Redactor"]
