"""Trouble on purpose: what is to happen to a message, and the error that stands for its answer.

do = "fault"
fault = "delay"
seconds = 2.5
"""

from typing import Literal

import msgspec

from interpose.core.policy import rule as rules
from interpose.core.policy.outcome import Json, error

INTERNAL_ERROR = -32603


class Fault(msgspec.Struct, frozen=True):
    """What is to happen to a message: `delay` before it goes, go `slow`ly over `seconds`, `disconnect` instead.

    `drop` and `error` are done with the verdict.
    """

    kind: Literal["delay", "drop", "error", "disconnect", "slow"]
    seconds: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether the message still arrives."""
        return self.kind in ("delay", "slow")

    @property
    def is_timed(self) -> bool:
        """Whether more is to do than the verdict says: to wait, or to hang up."""
        return self.kind not in ("drop", "error")


def fault_of(rule: rules.Fault) -> Fault:
    return Fault(rule.fault, rule.seconds or 0.0)


def code_of(rule: rules.Fault) -> int:
    return INTERNAL_ERROR if rule.code is None else rule.code


def text_of(rule: rules.Fault) -> str:
    return rule.message or "Internal error"


def error_body(rule: rules.Fault) -> Json:
    """The error that stands for the answer."""
    return error(code_of(rule), text_of(rule), rule.name)
