"""Policies that take their time, in force for every session of a test: the rules are real, and so is what they do."""

import time
from collections.abc import Awaitable, Callable
from functools import partialmethod
from typing import Any, NamedTuple

import pytest
from tests.edge.governed_world import Json

from interpose.core.policy.reading import read_policy
from interpose.edge.approvers import APPROVERS
from interpose.edge.conversations import Conversations

SOON = 0.3
CALL = f'[[rule]]\nname = "ask-first"\ntool = "deploy"\nkind = "request"\ndo = "hold"\ntimeout = {SOON}\n'
REPLY = f'[[rule]]\nname = "look-first"\ntool = "deploy"\nkind = "result"\ndo = "hold"\ntimeout = {SOON}\n'
ASK = f'[[rule]]\nname = "ask-first"\nask = "elicitation"\ndo = "hold"\ntimeout = {SOON}\non_timeout = "decline"\n'
EDIT = (
    '[[rule]]\nname = "dry"\ntool = "deploy"\nkind = "request"\ndo = "set"\npath = "$.arguments.to"\nvalue = "test"\n'
)
PATIENTLY = 60.0


def patient(rule: str) -> str:
    """The same rule, which nobody sees end."""
    return rule.replace(f"timeout = {SOON}", f"timeout = {PATIENTLY}")


def fault(what: str, kind: str = "request", seconds: float | None = None) -> str:
    """A rule that makes trouble for messages about `deploy`."""
    timing = "" if seconds is None else f"seconds = {seconds}\n"
    return f'[[rule]]\nname = "trouble"\ntool = "deploy"\nkind = "{kind}"\ndo = "fault"\nfault = "{what}"\n{timing}'


def enforce(monkeypatch: pytest.MonkeyPatch, rules: str, approver: str = "nobody") -> None:
    """Every session from now on has these rules in force."""
    policies = (read_policy(rules, "held.toml"),)
    begin = partialmethod(Conversations.__init__, policies=policies, approver=APPROVERS[approver])
    monkeypatch.setattr(Conversations, "__init__", begin)


def failed(message: Json) -> bool:
    """Whether a call was refused."""
    return "error" in message or bool(message["result"].get("isError"))


def verdicts(entries: list[dict[str, Any]]) -> list[str]:
    """What was decided about what was held, in order."""
    return [entry["decision"] for entry in entries if entry.get("kind") == "decision"]


class Spread(NamedTuple):
    """What was read, in how many pieces, and the seconds between the first and the last of them."""

    data: bytes
    pieces: int
    seconds: float


async def spread(read: Callable[[], Awaitable[bytes]], end: bytes) -> Spread:
    """Read until these bytes came."""
    data, times = b"", []
    while end not in data:
        piece = await read()
        assert piece, f"it ended after {data!r}"
        data += piece
        times.append(time.monotonic())
    return Spread(data, len(times), times[-1] - times[0])


def is_slow(heard: Spread) -> bool:
    """Whether it came as a rule of `SOON` seconds wants. Twenty steps; a busy machine reads some of them together."""
    return heard.pieces >= 5 and heard.seconds >= SOON * 0.8
