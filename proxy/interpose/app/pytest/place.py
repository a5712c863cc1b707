"""Where a test's recordings are: in names that no other test has, on any file system."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = "recordings"
SUFFIX = ".jsonl"
_UNSAFE = re.compile(r"[^a-z0-9_.,=+@\[\]-]+", re.IGNORECASE)
_LONGEST = 120
_DIGITS = 8


def root(item: pytest.Item) -> Path:
    """The folder that the recordings of a test and its neighbours are in."""
    folder: str = item.config.getini("interpose_recordings")
    return item.config.rootpath / folder if folder else item.path.parent / FOLDER


def recording(item: pytest.Item, name: str | None = None) -> Path:
    """The first recording of a test; `name` is what its marker calls it.

    A name with a slash in it, or that ends with `.jsonl`, is a path from the test's own folder.
    """
    if name is not None and ("/" in name or name.endswith(SUFFIX)):
        return Path(os.path.normpath(item.path.parent / (name.removesuffix(SUFFIX) + SUFFIX)))
    return _module(item) / f"{own_name(item) if name is None else safe(name, cased=True)}{SUFFIX}"


def own_name(item: pytest.Item) -> str:
    """What a test is called in its module: `TestCart.test_add[two]`."""
    _, _, inside = item.nodeid.partition("::")
    tests, bracket, parameters = inside.partition("[")
    classes, separator, test = tests.rpartition("::")
    return safe(classes.replace("::", ".") + separator[:1].replace(":", ".") + test + bracket + parameters, cased=False)


def safe(name: str, *, cased: bool) -> str:
    """A name for a file. One that had to be changed has a digest, so that no two names become one.

    Unless `cased` says that upper and lower case are told apart by whoever gives the names, what follows the classes in
    the name of a test has one, too, when it is not lower case: some file systems do not tell them apart.
    """
    found = _UNSAFE.sub("_", name)[:_LONGEST].lstrip(".") or "_"
    tests, _, parameters = name.partition("[")
    if found == name and (
        cased or (tests.rpartition(".")[2] + parameters).lower() == tests.rpartition(".")[2] + parameters
    ):
        return found
    return f"{found}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"


def series(first: Path) -> list[Path]:
    """The recordings that there are of one test: one for each session, in the order of the sessions."""
    stem = re.escape(first.stem)
    pattern = re.compile(rf"{stem}(?:\.(\d+))?{re.escape(SUFFIX)}")
    found = []
    for path in first.parent.iterdir() if first.parent.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match is not None and match[1] != "1":
            found.append((int(match[1] or 1), path))
    return [path for _, path in sorted(found)]


def numbered(first: Path) -> Iterator[Path]:
    """The names of a series without end: `a.jsonl`, `a.2.jsonl`, `a.3.jsonl`."""
    yield first
    number = 1
    while True:
        number += 1
        yield first.with_name(f"{first.stem}.{number}{SUFFIX}")


def _module(item: pytest.Item) -> Path:
    """The folder of a module: beside it, or where the module is below the root when one folder holds all."""
    if not item.config.getini("interpose_recordings"):
        return root(item) / item.path.stem
    try:
        inside = item.path.relative_to(item.config.rootpath)
    except ValueError:
        inside = Path(safe(str(item.path.parent), cased=True), item.path.name)
    return root(item) / inside.with_suffix("")
