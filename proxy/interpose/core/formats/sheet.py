"""Lines laid out in columns: as pieces of text, each with the name of a style. Not colours: see paint.py."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from interpose.core.formats.facts import HIDDEN
from interpose.core.formats.line import Line
from interpose.core.formats.words import cells, cut, listed, padded, squeezed, time_of_day, took

Piece = tuple[str, str]
Row = tuple[Piece, ...]

_ARROWS = {"client": "→", "server": "←"}
_LIGHT = ("notification", "stderr", "http", "fact", "noise")
_INDENT = "  "
_REPLY = " ⇒ "
_NUMBER = 5
_NARROW = 100  # below it, times lose their fractions and a question gives way to its answer
_SHORT = 24
_LABEL_LEAST, _LABEL_MOST = 26, 44
_MARGIN = 2


def folded(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines without those for full transcripts only; lines of one run in a row become one."""
    held: Line | None = None
    for line in lines:
        if line.run == HIDDEN:
            continue
        if held is not None and line.run and line.run == held.run:
            held = replace(line, at=held.at, seq=held.seq, number=held.number, times=held.times + 1)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


class Sheet:
    """Lays lines out for a width. `midnight` is when the recording began, in seconds since midnight; None: unknown."""

    def __init__(self, width: int, midnight: float | None, label: int = 36) -> None:
        self._width = max(40, width)
        self._midnight = midnight
        narrow = self._width < _NARROW
        self._time, self._outcome = (8, 18) if narrow else (12, 22)
        self._label = min(label, _LABEL_MOST, max(_LABEL_LEAST, self._width // 4))
        self._above = ""  # the number of the call that was last shown unindented

    def row(self, line: Line) -> Row:
        """One line."""
        place = self._place(line)
        if line.type in ("request", "answer") and not line.inside:
            self._above = line.number
        start = self._start(line)
        pieces = [*start, *(self._light(line, place) if line.type in _LIGHT else self._owed(line, place))]
        return fitted(pieces, self._width)

    def time(self, at: float) -> str:
        shown = f"+{at:.3f}".rjust(12) if self._midnight is None else time_of_day(self._midnight + at)
        return shown[: self._time]

    def _start(self, line: Line) -> list[Piece]:
        number = line.number if line.type in ("request", "answer") else ""
        arrow = _ARROWS.get(line.end or "", " ") if line.type not in ("stderr", "http", "fact") else " "
        return [("dim", f"{self.time(line.at)} "), ("number", number.rjust(_NUMBER)), ("dim", f" {arrow} ")]

    def _owed(self, line: Line, place: str) -> list[Piece]:
        """A request, an answer or an ask: its outcome, and how long it took."""
        style = line.outcome.style if line.outcome is not None else "plain"
        label = (_INDENT if line.inside else "") + line.label + _times(line)
        spent = "" if line.took is None else took(line.took)
        return [
            ("label", padded(squeezed(label, self._label), self._label) + " "),
            (style, line.word),
            ("dim", spent.rjust(self._outcome - cells(line.word)) + " " * _MARGIN),
            *self._said(line, place),
        ]

    def _light(self, line: Line, place: str) -> list[Piece]:
        indent = _INDENT if line.inside else ""
        style = "bad" if line.failed else "dim"
        return [(style, f"{indent}{line.label}{_times(line)} "), *_odd(line), ("dim", place), (style, line.text)]

    def _said(self, line: Line, place: str) -> list[Piece]:
        """What was asked and what was answered: when both do not fit, the question gives way."""
        before = [*_odd(line), ("dim", place)]
        if not line.text or not line.reply:
            return [*before, ("text", line.text or line.reply)]
        start = self._time + 1 + _NUMBER + 3 + self._label + 1 + self._outcome + _MARGIN
        room = self._width - start - sum(cells(text) for _, text in before) - len(_REPLY)
        if room < _SHORT:
            return [*before, ("text", line.reply)]
        asked = cut(line.text, max(room * 2 // 5, room - cells(line.reply)))
        return [*before, ("text", asked), ("dim", _REPLY), ("text", line.reply)]

    def _place(self, line: Line) -> str:
        """Where it happened, unless the line stands right under that call."""
        if not line.inside or line.inside == (self._above,):
            return ""
        inside = line.inside if len(line.inside) <= 4 else (*line.inside[:3], f"{len(line.inside) - 3} others")
        return f"(in {listed(list(inside))}) " if line.sure else f"(in {listed(list(inside), 'or')} ?) "


def fitted(pieces: list[Piece], width: int) -> Row:
    """The pieces cut to so many columns, without trailing blanks."""
    room, found = width, []
    for style, text in pieces:
        found.append((style, cut(text, room)))
        room -= cells(text)
        if room < 0:
            break
    return trimmed(found)


def trimmed(pieces: list[Piece]) -> Row:
    """Pieces without blanks at the end of the line."""
    while pieces and not pieces[-1][1].rstrip():
        pieces.pop()
    if pieces:
        pieces[-1] = (pieces[-1][0], pieces[-1][1].rstrip())
    return tuple(pieces)


def _times(line: Line) -> str:
    return f" ×{line.times}, last" if line.times > 1 and line.text else f" ×{line.times}" if line.times > 1 else ""


def _odd(line: Line) -> list[Piece]:
    return [("warn", f"! {listed([note.replace('-', ' ') for note in line.notes])}  ")] if line.notes else []
