"""What each MCP version says, as tables: one file a version, each the difference to its predecessor. No behaviour."""

from collections.abc import Collection

from interpose.core.protocol import (
    tasks_extension,
    v2024_11_05,
    v2025_03_26,
    v2025_06_18,
    v2025_11_25,
    v2026_07_28,
)
from interpose.core.protocol.method import AskKind, Era, Method, Table

# The list: a new version is a new file and one line here.
_TABLES = (
    v2024_11_05.TABLE,
    v2025_03_26.TABLE,
    v2025_06_18.TABLE,
    v2025_11_25.TABLE,
    v2026_07_28.TABLE,
)

VERSIONS = tuple(table.version for table in _TABLES)
EXTENSIONS = {tasks_extension.NAME: tasks_extension.TABLE}
FIRST_STATELESS = "2026-07-28"

_BY_VERSION = {table.version: table for table in _TABLES}
_LATEST: dict[Era, Table] = {table.era: table for table in _TABLES}


def era(version: str) -> Era:
    """Versions are dates and sort as text; what is no date sorts as it falls."""
    return "stateless" if version >= FIRST_STATELESS else "stateful"


def table(version: str, extensions: Collection[str] = ()) -> Table:
    """The table of a version; of an unknown one, the latest of its era."""
    found = _BY_VERSION.get(version) or _LATEST[era(version)]
    if found.era == "stateless":
        for name in extensions:
            found = EXTENSIONS.get(name, found)
    return found


__all__ = [
    "EXTENSIONS",
    "FIRST_STATELESS",
    "VERSIONS",
    "AskKind",
    "Era",
    "Method",
    "Table",
    "era",
    "table",
]
