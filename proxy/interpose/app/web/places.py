"""Which recordings and policies the page may open: those in the folders and files it was given, by short names."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from interpose.app.cli.recordings import files
from interpose.core.recording.codec import decode_header
from interpose.core.recording.entry import Header
from interpose.edge.stores.placing import place

_FIRST_LINE = 1 << 20
_MOST = 2000
_POLICY_DEPTH = ("*.toml", "*/*.toml")


class Places:
    """Folders and files. Names are given out by listing, and nothing else can be opened."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(path.resolve() for path in paths)
        self._known: dict[str, Path] = {}

    def path(self, name: str) -> Path | None:
        """The file that a listing gave this name."""
        return self._known.get(name)

    def recordings(self) -> list[dict[str, Any]]:
        """What is there now, the latest first."""
        found = [told for path in dict.fromkeys(self._files()) if (told := self._told(path)) is not None]
        return sorted(found, key=lambda told: str(told["started"]), reverse=True)

    def policies(self) -> list[dict[str, Any]]:
        """TOML files beside the recordings."""
        folders = dict.fromkeys(path if path.is_dir() else path.parent for path in self.paths)
        found = {path for folder in folders for depth in _POLICY_DEPTH for path in folder.glob(depth) if path.is_file()}
        names = [path for path in sorted(found)[:_MOST] if not path.name.endswith(".replay.toml")]
        return [{"name": self._name(path), "file": path.name, "path": str(path)} for path in names]

    def _files(self) -> Iterator[Path]:
        for path in self.paths:
            if path.is_dir():
                for number, found in enumerate(files(path)):
                    if number >= _MOST:
                        break
                    yield found.resolve()
            elif path.suffix == ".jsonl":
                yield path

    def _told(self, path: Path) -> dict[str, Any] | None:
        header = header_of(path)
        if header is None:
            return None
        status = path.stat()
        return {
            "name": self._name(path),
            "file": self._shown(path),
            "path": str(path),
            "session": header.session,
            "server": str(header.server.get("name", ""))[:80],
            "transport": str(header.server.get("transport", ""))[:20],
            "started": header.started[:40],
            "bytes": status.st_size,
        }

    def _shown(self, path: Path) -> str:
        for folder in self.paths:
            if folder != path and path.is_relative_to(folder):
                return str(path.relative_to(folder))
        return path.name

    def _name(self, path: Path) -> str:
        name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._known[name] = path
        return name


def header_of(path: Path) -> Header | None:
    """The header of a recording; None for what is none."""
    try:
        with open(path, "rb") as file:
            return decode_header(file.readline(_FIRST_LINE))
    except (OSError, ValueError):
        return None


def recorded_at(target: str, header: Header) -> Path | None:
    """Where a session that is recorded to a file or folder is kept: siblings have numbers."""
    first = place(target, str(header.server.get("name", "")), header.started)
    path, number = first, 1
    while path.exists():
        found = header_of(path)
        if found is not None and found.session == header.session:
            return path
        number += 1
        path = first.with_name(f"{first.stem}.{number}{first.suffix}")
    return None
