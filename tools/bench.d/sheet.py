"""What a load found: a table of figures, a row for each way. Figures are medians, units are their columns'."""

from dataclasses import dataclass, field
from typing import Any

from way import Role


@dataclass(frozen=True)
class Column:
    """One figure: its key in JSON, its head in a table (two lines: what, and in what), its decimal places."""

    key: str
    what: str
    unit: str
    digits: int = 0


@dataclass(frozen=True)
class Row:
    """The figures of one way; one that it has not is not there."""

    way: str
    role: Role
    figures: dict[str, float]


@dataclass(frozen=True)
class Sheet:
    """One load: its short name, a line that says what was done, its table, and what else is to be said."""

    load: str
    title: str
    columns: tuple[Column, ...]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def figure(self, way: str, key: str) -> float | None:
        """One figure, if there is one."""
        return next((row.figures.get(key) for row in self.rows if row.way == way), None)

    def as_values(self) -> list[dict[str, Any]]:
        """The rows for JSON."""
        return [
            {"load": self.load, "way": row.way, "role": row.role}
            | {key: round(value, 3) for key, value in row.figures.items()}
            for row in self.rows
        ]

    def cells(self) -> list[list[str]]:
        """The table's two heads and its rows, as text."""
        heads = [["", *(column.what for column in self.columns)], ["", *(column.unit for column in self.columns)]]
        return heads + [
            [row.way, *(_cell(row.figures.get(column.key), column) for column in self.columns)] for row in self.rows
        ]


def as_text(sheet: Sheet) -> str:
    """A sheet for a terminal: each row begins with the load's name."""
    cells = [[sheet.load, *line] for line in sheet.cells()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(_fitted(cell, at, widths[at]) for at, cell in enumerate(line)).rstrip() for line in cells]
    return "\n".join([sheet.title, *lines, *sheet.notes])


def as_markdown(sheet: Sheet) -> str:
    """A sheet for the page."""
    what, unit, *rows = sheet.cells()
    heads = [f"{one}, {two}" if two and one else one or two for one, two in zip(what, unit, strict=True)]
    lines = [heads, ["---", *("---:" for _ in sheet.columns)], *rows]
    notes = [f"{note}." for note in sheet.notes]
    return "\n".join(
        [f"{sheet.title}.", "", *(f"| {' | '.join(line)} |" for line in lines), *(["", *notes] if notes else [])]
    )


def _cell(value: float | None, column: Column) -> str:
    return "-" if value is None else f"{value:,.{column.digits}f}"


def _fitted(cell: str, at: int, width: int) -> str:
    return cell.ljust(width) if at < 2 else cell.rjust(width)
