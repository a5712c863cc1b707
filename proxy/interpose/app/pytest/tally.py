"""What became of the recordings of a whole run, told at its end. Under xdist, the reports carry it here."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NARROWS = ("keyword", "markexpr", "lf", "last_failed", "stepwise", "deselect", "ignore", "ignore_glob", "maxfail")


class Tally:
    """Counts, gathered from the tests' reports."""

    def __init__(self) -> None:
        self.recorded: list[str] = []
        self.updated: list[str] = []
        self.waiting: list[str] = []
        self.replayed = 0
        self._used: set[str] = set()
        self._roots: set[str] = set()

    def take(self, found: dict[str, Any]) -> None:
        """What one test said."""
        self.recorded += found["recorded"]
        self.updated += found["updated"]
        self.waiting += found["waiting"]
        self.replayed += found["replayed"]
        self._used |= set(found["used"])
        self._roots.add(found["root"])

    def unused(self, config: pytest.Config) -> list[str]:
        """Recordings that no test used. None, unless all tests ran that could have."""
        if not _is_whole(config):
            return []
        folders = [Path(argument).resolve() for argument in _arguments(config)]
        found = []
        for root in sorted(self._roots):
            for path in _recordings(root):
                if path not in self._used and any(Path(path).is_relative_to(folder) for folder in folders):
                    found.append(path)
        return found

    def lines(self, config: pytest.Config, *, ended: bool) -> Iterator[str]:
        """The summary; nothing when no test used a recording. `ended`: no test was left out at the end."""
        counts = {"recorded": len(self.recorded), "replayed": self.replayed, "updated": len(self.updated)}
        said = [f"{count} {name}" for name, count in counts.items() if count]
        unused = self.unused(config) if ended else []
        if not said and not unused:
            return
        yield f"interpose: {', '.join([*said, *([f'{len(unused)} unused'] if unused else [])])}"
        told = {"recorded": self.recorded, "updated": self.updated, "unused": unused}
        for name, paths in told.items():
            for path in paths:
                yield f"  {name}: {os.path.relpath(path, config.rootpath)}"
        for waiting in self.waiting:
            yield f"  still waiting at the end: {waiting}"


def _is_whole(config: pytest.Config) -> bool:
    return not any(config.getoption(name, None) for name in _NARROWS) and all(map(os.path.isdir, _arguments(config)))


def _arguments(config: pytest.Config) -> list[str]:
    return [str(config.invocation_params.dir / argument) for argument in config.args]


def _recordings(root: str) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith(".jsonl") and not name.startswith("."):
                yield os.path.join(folder, name)
