"""The configuration files of tests/corpus/wrap: a folder a client."""

from pathlib import Path

from interpose.core.wiring.command_line import Settings
from interpose.core.wiring.document import Document, read
from interpose.core.wiring.edit import applied
from interpose.core.wiring.layout import GENERIC, LAYOUTS, Layout, entries
from interpose.core.wiring.wrapping import RefusedError, wrap

CORPUS = Path(__file__).parents[2] / "corpus" / "wrap"
FILES = sorted(path for path in CORPUS.rglob("*") if path.suffix in (".json", ".jsonc", ".toml"))
PLAIN = Settings(("/opt/interpose/bin/interpose",))


def layout(path: Path) -> Layout:
    return LAYOUTS.get(path.parent.name, GENERIC)


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def document(text: str | bytes, path: str = "x.json") -> Document:
    return read(text.encode() if isinstance(text, str) else text, path)


def wrapped(found: Document, its: Layout, settings: Settings = PLAIN) -> tuple[str, dict[tuple[str, ...], str]]:
    """The text with everything wrapped that can be, and the refusals."""
    edits, refused = [], {}
    for entry in entries(found, its):
        try:
            edits += wrap(found, entry, its, settings)
        except RefusedError as error:
            refused[entry.path] = str(error)
    return applied(found.text, edits), refused
