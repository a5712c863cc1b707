"""Whether a path lies inside a directory: by its letters alone, nothing is looked up, so links are not followed.

What two readers could understand in two ways is neither inside nor outside: it is a `RuleFault`.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from interpose.core.policy.fault import RuleFault

_HIDDEN = re.compile(r"%(?:2[eEfF5]|5[cC]|[01][0-9a-fA-F]|7[fF])")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FILE = re.compile(r"file:(?://(?:localhost)?(?=/)|(?=/(?!/)))", re.IGNORECASE)
HERE = "."


def inside(directories: Sequence[str]) -> Callable[[Any], bool]:
    """Whether a value is a path inside one of these. Raises (when called): RuleFault for what is doubtful."""
    roots = [_steps(directory) for directory in directories if directory != HERE]
    folded_roots = [[_folded(step) for step in root] for root in roots]
    here = HERE in directories

    def within(value: Any) -> bool:
        path = _plain(value)
        if not path.startswith("/"):
            return _below_here(path, here, bool(roots))
        steps = _steps(path)
        # No `any`: that one is certain must count before another is doubtful.
        if any(steps[: len(root)] == root for root in roots):
            return True
        folded = [_folded(step) for step in steps]
        if any(folded[: len(root)] == root for root in folded_roots):
            raise RuleFault("a path differs from a directory in letter case or spelling only")
        return False

    return within


def check_directory(text: str) -> str:
    """A directory as a rule may name it. Raises: ValueError."""
    if text == HERE:
        return text
    if not text.startswith("/") or "\\" in text or _CONTROL.search(text):
        raise ValueError(
            f"`{text}` is no absolute directory; write it like `/home/me/project`, or `.` for relative paths"
        )
    if "*" in text or "?" in text:
        raise ValueError(f"`{text}` has a wildcard; name the directory alone, all below it is inside")
    steps = text.strip("/").split("/")
    if any(step in ("", ".", "..") for step in steps) and text != "/":
        raise ValueError(f"`{text}` has empty, `.` or `..` steps; write the directory plainly")
    return text


def _plain(value: Any) -> str:
    """A path as the peer that opens it would read it, or a fault."""
    if not isinstance(value, str):
        raise RuleFault("a path is no text")
    path = value
    if match := _FILE.match(value):
        path = _decoded(value[match.end() :])
    if _HIDDEN.search(path):
        raise RuleFault("a path hides characters behind `%`")
    if "\\" in path or _CONTROL.search(path) or _SCHEME.match(path) or path.startswith("~"):
        raise RuleFault("a path has a backslash, a control character, a drive, a scheme or `~`")
    if not path.isascii() and _marks(unicodedata.normalize("NFKC", path)) != _marks(path):
        raise RuleFault("a path has characters that look like a slash or a dot")
    if any(step not in (".", "..") and step.endswith((".", " ")) for step in path.split("/")):
        raise RuleFault("a step of a path ends in a dot or a blank")
    return path


def _decoded(path: str) -> str:
    """The path of a file URL, decoded once."""
    if re.search(r"%(?:2[fF]|5[cC])|[?#]", path):
        raise RuleFault("a file URL hides a slash, or has more than a path")
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise RuleFault("a file URL is no valid text") from None


def _marks(path: str) -> tuple[int, int, int]:
    return path.count("/"), path.count("."), path.count("\\")


def _below_here(path: str, here: bool, others: bool) -> bool:
    depth = 0
    for step in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(step, 1)
        if depth < 0:
            break
    if here and depth >= 0 and path:
        return True
    if others or not path:
        raise RuleFault("a relative path could be anywhere; `inside` takes `.` for relative paths")
    return False


def _steps(path: str) -> list[str]:
    """The steps from the root; `..` takes one back and never above it."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return steps


def _folded(step: str) -> str:
    return unicodedata.normalize("NFKC", step).casefold()
