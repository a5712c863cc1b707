"""What a test wants: its marker, the command line and the settings in one."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from interpose.app.pytest import place

Mode = Literal["none", "once", "new_episodes", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)
_KNOWN = ("server", "url", "recording", "match", "ignore", "policy", "mode")
_MATCHES = ("strict", "causal", "request")


@dataclass(frozen=True)
class Wish:
    """How a test is recorded and replayed."""

    first: Path
    mode: Mode
    server: tuple[str, ...] = ()
    url: str = ""
    match: str = ""
    ignore: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    scrubs: bool = True


def wish(item: pytest.Item) -> Wish:
    """What this test wants. Raises: pytest.UsageError for what its marker says wrong."""
    marker = item.get_closest_marker("interpose")
    said: dict[str, Any] = {}
    for each in reversed(list(item.iter_markers("interpose"))):
        said.update(each.kwargs)
    if marker is not None:
        _check(item, marker.args, said)
    scrubs: bool = item.config.getini("interpose_scrub")
    folder = item.path.parent
    return Wish(
        place.recording(item, said.get("recording")),
        mode(item.config, said.get("mode")),
        words(said.get("server", ())),
        said.get("url") or "",
        said.get("match") or "",
        several(said.get("ignore", ())),
        tuple(str(folder / path) for path in several(said.get("policy", ()))),
        scrubs,
    )


def mode(config: pytest.Config, marked: Mode | None) -> Mode:
    """How recordings are made: the command line, the marker, the settings say so, or where the tests run."""
    chosen: str = config.getoption("interpose_record") or marked or config.getini("interpose_record")
    if not chosen:
        return "none" if os.environ.get("CI", "").lower() not in ("", "0", "false") else "once"
    if chosen not in MODES:
        raise pytest.UsageError(f"interpose_record: `{chosen}` is none of {', '.join(MODES)}")
    return chosen


def words(command: str | Sequence[str]) -> tuple[str, ...]:
    """A command as its words."""
    return (command,) if isinstance(command, str) else tuple(map(str, command or ()))


def several(values: str | Sequence[object]) -> tuple[str, ...]:
    """One or several, as a tuple of texts."""
    return (values,) if isinstance(values, str) else tuple(map(str, values or ()))


def _check(item: pytest.Item, positional: Sequence[object], said: Mapping[str, Any]) -> None:
    problem = ""
    if positional:
        problem = f"takes keywords only: {', '.join(_KNOWN)}"
    elif unknown := sorted(said.keys() - set(_KNOWN)):
        problem = f"knows no `{unknown[0]}`; it may be {', '.join(_KNOWN)}"
    elif said.get("server") and said.get("url"):
        problem = "takes either `server` or `url`"
    elif said.get("match") not in (None, *_MATCHES):
        problem = f"`match` is `{said['match']}`; it may be {', '.join(_MATCHES)}"
    elif said.get("mode") not in (None, *MODES):
        problem = f"`mode` is `{said['mode']}`; it may be {', '.join(MODES)}"
    if problem:
        raise pytest.UsageError(f"{item.nodeid}: the marker `interpose` {problem}")
