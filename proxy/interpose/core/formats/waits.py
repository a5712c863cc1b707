"""Who is waited for, as rows of a table and as JSON: the same words everywhere."""

import re
from collections.abc import Mapping
from typing import Any

from interpose.core.formats.excerpt import said
from interpose.core.formats.ledger import Ledger
from interpose.core.formats.sheet import Piece, Row, trimmed
from interpose.core.formats.words import age, cells, cut, padded, short_id, squeezed
from interpose.core.session.waiting import Wait

_AMBER, _RED = 5.0, 0.8
_WHO, _NUMBER, _AGE = 9, 5, 9
_MOST = 72
_TASK = re.compile(r"\b(task|tasks/\w+) (\S+?)(?=,|$)")


def told_once(waits: tuple[Wait, ...]) -> tuple[Wait, ...]:
    """Without a call that waits for the same as the ask inside it, which says what it blocks. Deadlines stay."""
    asks = {(wait.seq, wait.who) for wait in waits}
    return tuple(
        wait
        for wait in waits
        if wait.deadline is not None or not any((via, wait.who) in asks and via != wait.seq for via in wait.via)
    )


class Table:
    """Rows of waits in columns. `every` wait is known here, also those that are not shown: they have names."""

    def __init__(self, every: tuple[Wait, ...], at: float, ledger: Ledger, width: int) -> None:
        self._at, self._ledger, self._width = at, ledger, width
        self._names = {wait.seq: _what(wait).partition(",")[0] for wait in every}
        self._what = min(_MOST, max((cells(_what(wait)) for wait in every), default=0), max(20, width * 3 // 5))

    def row(self, wait: Wait) -> Row:
        """One wait: who, which request, what, for how long, and what hangs on it."""
        look = style(wait, self._at)
        pieces: list[Piece] = [
            (look, padded(wait.who, _WHO)),
            ("number", (self._ledger.name(wait.seq) or "").rjust(_NUMBER) + "  "),
            ("label", padded(squeezed(_what(wait), self._what), self._what)),
            (look, age(self._at - wait.since).rjust(_AGE) + "  "),
        ]
        room = self._width - sum(cells(text) for _, text in pieces)
        return trimmed([*pieces, ("text", cut("  ".join(_more(wait, self._at, self._ledger, self._names)), room))])


def style(wait: Wait, at: float) -> str:
    """Amber after five seconds, red when four fifths of the time are gone, or when nobody is there to answer."""
    if wait.who == "NOBODY":
        return "bad"
    if wait.deadline is not None and at - wait.since >= _RED * (wait.deadline - wait.since):
        return "bad"
    return "warn" if at - wait.since >= _AMBER else "open"


def sentence(wait: Wait, at: float, ledger: Ledger) -> str:
    """One wait for a log: `waiting on USER: s#2 elicitation/create form, 0:06, blocks #3`."""
    number = ledger.name(wait.seq)
    words = [f"{number} {_what(wait)}" if number else _what(wait), age(at - wait.since)]
    return f"waiting on {wait.who}: {', '.join((*words, *_more(wait, at, ledger, {})))}"


def fields(wait: Wait, at: float, ledger: Ledger) -> dict[str, Any]:
    """One wait for other programs: the keys are a contract."""
    return {
        "type": "wait",
        "who": wait.who,
        "number": ledger.name(wait.seq),
        "what": wait.what,
        "since": round(wait.since, 6),
        "age": round(at - wait.since, 6),
        "blocks": _names(wait.blocks, ledger),
        "via": _names(wait.via, ledger),
        "deadline": wait.deadline,
        "then": wait.then,
    }


def _more(wait: Wait, at: float, ledger: Ledger, names: Mapping[int, str]) -> list[str]:
    """What it blocks, what it waits through, how long it may take and what happens then."""
    blocks = [f"{name} {names.get(seq, '')}".rstrip() for seq in wait.blocks if (name := ledger.name(seq))]
    via = [name for name in _names(wait.via, ledger) if name != ledger.name(wait.seq)]
    words = [f"blocks {', '.join(blocks)}"] if blocks else []
    words += [f"via {', '.join(via)}"] if via else []
    then = f": {wait.then}" if wait.then else ""
    if wait.deadline is not None:
        left = wait.deadline - at
        words.append(f"in {age(left)}{then}" if left > 0 else f"{age(-left)} ago{then}")
    elif wait.then:
        words.append(wait.then)
    return words


def _what(wait: Wait) -> str:
    """What waits, with task ids in short."""
    short = _TASK.sub(lambda match: f"{match.group(1)} {short_id(match.group(2))}", wait.what)
    return said(short.replace("input_required", "input required"))


def _names(seqs: tuple[int, ...], ledger: Ledger) -> list[str]:
    return [name for name in map(ledger.name, seqs) if name]
