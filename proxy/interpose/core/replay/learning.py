"""What varies by itself between recordings of the same scenario, as options that put it aside.

A path is proposed for the method and the name it was seen with. What says how something ended (an error in place of a
result, a status, an action) is never proposed: that differs, and remains.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from interpose.core.policy.fault import RuleFault
from interpose.core.policy.jsonpath import Path
from interpose.core.replay.comparison import Comparison, Finding, Side, compare
from interpose.core.replay.difference import Difference, member, sides
from interpose.core.replay.options import Options
from interpose.core.replay.story import Line

Sides = Callable[[Options], Sequence[Side]]

_MOST_ROUNDS = 5
_MEANING = frozenset({"$", "$.jsonrpc", "$.id", "$.method", "$.params", "$.result", "$.error", "$.error.code"}) | {
    f"$.{section}.{name}" for section in ("params", "result") for name in ("status", "action", "isError", "resultType")
}
_INDEX = re.compile(r"\[\d+\]")
_LAST = re.compile(r"\[\d+\]$")
_KEYED = re.compile(r"\.(inputRequests|inputResponses)\[\d+\]")


class Proposal(msgspec.Struct, frozen=True):
    """One setting, as it stands in the file, and what was seen: how often, and both sides of one difference."""

    text: str
    times: int
    first: str | None = None
    second: str | None = None


class Learnt(msgspec.Struct, frozen=True):
    """The options to compare by, what in them is new, and what differs all the same."""

    options: Options
    ignore: tuple[Proposal, ...] = ()
    free: tuple[Proposal, ...] = ()
    left: tuple[Finding, ...] = ()


def learn(sides_by: Sides, options: Options) -> Learnt:
    """Compare the first recording with each of the others until nothing new is found.

    `sides_by` gives the recordings as they are under some options: what is put aside changes which calls are alike.
    """
    ignore: dict[str, Proposal] = {}
    free: dict[str, Proposal] = {}
    for _ in range(_MOST_ROUNDS):
        first, *others = sides_by(options)
        compared = [(other, compare(first, other)) for other in others]
        paths = [each for each in _paths(first, compared) if each.text not in options.ignore]
        methods = [each for each in _methods(compared) if each.text not in options.free]
        if not paths and not methods:
            break
        ignore |= {each.text: each for each in paths}
        free |= {each.text: each for each in methods}
        options = msgspec.structs.replace(
            options,
            ignore=(*options.ignore, *(each.text for each in paths)),
            free=(*options.free, *(each.text for each in methods)),
        )
    first, *others = sides_by(options)
    left = tuple(finding for other in others for finding in compare(first, other).findings)
    return Learnt(options, tuple(ignore.values()), tuple(free.values()), left)


class _Varying:
    """Where messages of one method and name differ, at one place but for the numbers of items."""

    def __init__(self) -> None:
        self.exact: dict[str, list[Difference]] = {}
        self.all_differ = True

    def take(self, general: str, message: Any, found: dict[str, Difference]) -> None:
        """One message: the differences at this place by their exact paths."""
        for path, difference in found.items():
            self.exact.setdefault(path, []).append(difference)
        self.all_differ = self.all_differ and set(found) >= set(_located(general, message))

    def proposals(self, scope: str, general: str) -> Iterator[Proposal]:
        groups = {general: [each for found in self.exact.values() for each in found]} if self.all_differ else self.exact
        for path, found in groups.items():
            yield Proposal(f"{scope} {path}", len(found), *sides(found[0]))


def _paths(first: Side, compared: Iterable[tuple[Side, Comparison]]) -> list[Proposal]:
    """The paths at which messages differ that are there in both."""
    varying: dict[tuple[str, str], _Varying] = {}
    for _, comparison in compared:
        for finding in comparison.findings:
            if finding.kind != "changed" or finding.first is None or finding.line.method is None:
                continue
            message = first.comparable(finding.first)
            for general, found in _by_place(finding.differences).items():
                varying.setdefault((_scope(finding.first), general), _Varying()).take(general, message, found)
    return [each for (scope, general), found in varying.items() for each in found.proposals(scope, general)]


def _methods(compared: Iterable[tuple[Side, Comparison]]) -> list[Proposal]:
    """The notifications that came in one recording only."""
    times: dict[str, int] = {}
    for _, comparison in compared:
        for finding in comparison.findings:
            if finding.what == "notification" and finding.kind != "changed" and finding.line.method is not None:
                times[finding.line.method] = times.get(finding.line.method, 0) + 1
    return [Proposal(method, number) for method, number in times.items()]


def _by_place(found: Iterable[Difference]) -> dict[str, dict[str, Difference]]:
    """Differences that may be put aside: by their path without numbers, then by the exact one."""
    places: dict[str, dict[str, Difference]] = {}
    for difference in found:
        path = difference.path
        if difference.kind in ("missing", "extra"):
            path = _LAST.sub("", path)  # to ignore one item would not make the lists equally long
        path = _KEYED.sub(r".\1[*]", path)
        if path not in _MEANING:
            places.setdefault(_INDEX.sub("[*]", path), {}).setdefault(path, difference)
    return places


def _located(general: str, message: Any) -> Iterator[str]:
    """The exact paths that a path without numbers stands for in a message."""
    try:
        for location, _ in Path(general).nodes(message):
            path = "$"
            for part in location:
                path = f"{path}[{part}]" if isinstance(part, int) else member(path, part)
            yield _KEYED.sub(r".\1[*]", path)
    except RuleFault:  # so many that nobody knows whether all differ
        yield general


def _scope(line: Line) -> str:
    return f"{line.method}" if line.name is None else f"{line.method} {line.name}"
