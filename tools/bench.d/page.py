"""docs/benchmarks.md and its plot: the frame is `page.md`, the figures are what was just measured."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from plot import Panel, drawn
from process import HERE
from sheet import Sheet, as_markdown

DOCS = HERE.parents[1] / "docs"
_FRAME = HERE / "page.md"


def write(sheets: Sequence[Sheet], setup: dict[str, object], missing: Sequence[str], into: Path = DOCS) -> None:
    """Write both files."""
    tables = "\n\n".join(f"### {sheet.load}\n\n{as_markdown(sheet)}" for sheet in sheets)
    machine = ", ".join(f"{name} {value}" for name, value in setup.items())
    peers = "\n".join(f"* {line}" for line in missing) or "All of them were installed and took part where they can."
    page = Template(_FRAME.read_text()).substitute(machine=f"Measured: {machine}.", tables=tables, peers=peers)
    (into / "benchmarks.md").write_text(page)
    (into / "benchmarks.svg").write_text(drawn(_panels(sheets)))


def _panels(sheets: Sequence[Sheet]) -> list[Panel]:
    panels = []
    for sheet in sheets:
        if sheet.load in ("stdio", "http"):
            for key, what in (("added_p50", "added to a call, p50, µs"), ("per_second", "calls a second")):
                bars = [(row.way, row.role, row.figures[key]) for row in sheet.rows if row.figures.get(key, 0) > 0]
                panels.append(Panel(f"{sheet.load}: {what}", bars))
    return panels
