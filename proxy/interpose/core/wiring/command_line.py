"""The command line that puts `interpose run` in front of a server: how it is made, and how it is known again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

_INTERPOSE = re.compile(r"(?:^|[/\\])interpose(?:\.exe)?$", re.IGNORECASE)
_SERVER = ("--upstream", "--header", "--header-env")
_LAUNCHERS = 6  # `uv tool run --from interpose interpose run` is the longest that people use


@dataclass(frozen=True, slots=True)
class Settings:
    """What `wrap` was asked for. What it was not asked for stays as it is in an entry."""

    program: tuple[str, ...]  # interpose: an absolute path, or a Python with `-m interpose`
    record: str | None = None
    policies: tuple[str, ...] = ()

    def options(self, others: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """The options of `run` in an entry that has these. The same, in the same order, when nothing is new."""
        asked = [("--record", self.record)] if self.record is not None else []
        asked += [("--policy", policy) for policy in self.policies]
        replaced = {option for option, _ in asked}
        kept = [(option, value) for option, value in others if option not in replaced]
        wanted = [*kept, *((option, value) for option, value in asked if value is not None)]
        return list(others) if sorted(wanted) == sorted(others) else wanted


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A command line that begins with `interpose run`, taken apart.

    `program` and `options` come first, in `leading` words; `upstream` with `headers` and `variables` (pairs of a header
    and the environment variable that has its value), or the words from number `inner` on, say which server.
    """

    program: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    upstream: str | None
    headers: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    leading: int
    inner: int

    @property
    def name(self) -> str | None:
        return dict(self.options).get("--name")

    @property
    def others(self) -> list[tuple[str, str]]:
        """The options but the name."""
        return [each for each in self.options if each[0] != "--name"]

    def first(self) -> tuple[str, ...]:
        return first(self.program, self.options)


def first(program: Sequence[str], options: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The words before those that say which server."""
    return (*program, "run", *(word for option in options for word in option))


def wrapping(words: Sequence[str]) -> Wrapping | None:
    """The words taken apart, where options come first and then a server, as `wrap` writes it; None of all else."""
    run = _run(words)
    if run is None:
        return None
    found = list(_options(words[run + 1 :]))
    first = list(takewhile(lambda each: each[0] not in _SERVER, found))
    last = [(option, value) for option, value, _ in found[len(first) :]]
    end = run + 1 + sum(size for _, _, size in found)
    upstreams = [value for option, value in last if option == "--upstream"]
    is_command = list(words[end : end + 1]) == ["--"] and end + 1 < len(words)
    if is_command == bool(upstreams) or (upstreams and end < len(words)):
        return None
    if any(option not in _SERVER for option, _ in last):
        return None
    return Wrapping(
        program=tuple(words[:run]),
        options=tuple((option, value) for option, value, _ in first),
        upstream=upstreams[-1] if upstreams else None,
        headers=tuple(value for option, value in last if option == "--header"),
        variables=tuple(value.rpartition("=")[::2] for option, value in last if option == "--header-env"),
        leading=run + 1 + sum(size for _, _, size in first),
        inner=end + 1 if is_command else len(words),
    )


def was_edited(words: Sequence[str]) -> bool:
    """Whether this is what is left of a wrapping that somebody changed."""
    if wrapping(words) is not None:
        return False
    if _run(words) is not None:
        return any(word in words for word in ("--name", "--", "--upstream"))
    if list(words[1:2]) != ["run"]:
        return False
    options = list(_options(words[2:]))
    end = 2 + sum(size for _, _, size in options)
    names = [option for option, _, _ in options]
    return "--name" in names and (list(words[end : end + 1]) == ["--"] or "--upstream" in names)


def _run(words: Sequence[str]) -> int | None:
    """Where `run` stands, after interpose's own name."""
    for place, word in enumerate(words[: _LAUNCHERS + 1]):
        if word == "run" and place and _INTERPOSE.search(words[place - 1]):
            return place
        if word == "--":
            return None
    return None


def _options(words: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Options with their values, and of how many words each is made: all options of `run` take a value."""
    at = 0
    while at < len(words) and words[at].startswith("--") and words[at] != "--":
        option, equals, value = words[at].partition("=")
        if not equals and at + 1 == len(words):
            return
        yield option, value if equals else words[at + 1], 1 if equals else 2
        at += 1 if equals else 2
