"""The file that holds what tools must be: sorted and indented, so that its history can be read.

    {
      "add": {
        "description": [
          "Adds two numbers."
        ],
        "sha256": {
          "description": "6b1f...",
          "inputSchema": "0c9e..."
        }
      }
    }

Only the digests count. The description, a line an item, is there for those who review a change.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from interpose.core.policy.rule import Part

_PARTS = get_args(Part)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INDENT = 2


class LockError(ValueError):
    """A lock file that cannot be used: what is wrong, and in which line if that is known."""

    def __init__(self, line: int | None, problem: str) -> None:
        self.line, self.problem = line, problem
        super().__init__(problem)


class Locked(msgspec.Struct, frozen=True):
    """A tool as pinned: of each part that it has, the SHA-256 of its canonical JSON; and its description to read."""

    digests: dict[str, str]
    description: str | None = None


def read_lock(content: bytes) -> dict[str, Locked]:
    """The tools in a lock file. Raises: LockError."""
    try:
        text = content.decode()
        tree = json.loads(text, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise LockError(content.count(b"\n", 0, error.start) + 1, "no UTF-8") from None
    except json.JSONDecodeError as error:
        raise LockError(error.lineno, f"no JSON: {error.msg[0].lower()}{error.msg[1:]}") from None
    except _Twice as twice:
        raise LockError(_line(text, str(twice), last=True), f"{twice.args[0]} stands there twice") from None
    except (ValueError, RecursionError):
        raise LockError(None, "no JSON: a number too long, or nested too deep") from None
    if not isinstance(tree, dict):
        raise LockError(1, "it is no object with a member for each tool")
    return {name: _locked(text, name, entry) for name, entry in tree.items()}


def lock_text(tools: Mapping[str, Locked]) -> bytes:
    """The tools as the content of a lock file. What people cannot see stands there as escapes."""
    tree = {name: _entry(tool) for name, tool in tools.items()}
    text = json.dumps(tree, indent=_INDENT, sort_keys=True, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text).encode() + b"\n"


def _entry(tool: Locked) -> dict[str, Any]:
    said = {} if tool.description is None else {"description": tool.description.split("\n")}
    return said | {"sha256": tool.digests}


def _locked(text: str, name: str, entry: Any) -> Locked:
    digests = entry.get("sha256") if isinstance(entry, dict) else None
    lines = entry.get("description", []) if isinstance(entry, dict) else None
    line = _line(text, json.dumps(name, ensure_ascii=False))
    if not isinstance(digests, dict) or entry.keys() - {"description", "sha256"}:
        raise LockError(line, f"the tool {name!a} is no object with `sha256`, and perhaps `description`")
    if not isinstance(lines, list) or not all(isinstance(each, str) for each in lines):
        raise LockError(line, f"the description of {name!a} is no list of texts")
    for part, digest in digests.items():
        if part not in _PARTS:
            raise LockError(line, f"{name!a} has a digest of {part!a}; there are {', '.join(_PARTS)}")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise LockError(line, f"the digest of {part} of {name!a} is no SHA-256 in lower case")
    return Locked(digests, "\n".join(lines) if "description" in entry else None)


class _Twice(Exception):
    """A key that stands twice in an object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(json.dumps(key, ensure_ascii=False))
        found[key] = value
    return found


def _line(text: str, key: str, *, last: bool = False) -> int | None:
    """The line of a key as it is spelled there; None when it is spelled otherwise."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.lstrip(" {").startswith(f"{key}:")]
    return (lines[-1] if last else lines[0]) if lines else None


def _escaped(character: str) -> str:
    """A character as JSON escapes."""
    return json.dumps(character)[1:-1]
