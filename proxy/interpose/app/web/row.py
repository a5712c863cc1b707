"""One row of the page's timeline: a line of the transcript with the same words as `interpose show`, bounded in size."""

from typing import Any

import msgspec

from interpose.core.exporting.ruled import OWN, Ruled, ruled
from interpose.core.formats.facts import HIDDEN
from interpose.core.formats.ledger import Ledger
from interpose.core.formats.line import Line
from interpose.core.formats.outcome import Outcome
from interpose.core.formats.words import cut
from interpose.core.recording.entry import Entry

_TEXT, _LABEL, _NAME = 400, 80, 200
_MOST_INSIDE = 8
_RULED = frozenset({"request", "answer", "notification", "noise"})


class Row(msgspec.Struct, omit_defaults=True, rename={"end": "from"}):
    """What the page shows of one line.

    `i` counts rows, `n` is the line of the recording (its header is 0). `r` is a request's or an ask's place in the
    ledger, `of` the row of the request that an answer is for. `main` rows are shown when nobody searches. `ruled` says
    what a policy made of it, `fate` the same in one word: `held`, `changed`, `stopped` or `noted`.
    """

    i: int
    n: int
    seq: int
    at: float
    type: str
    end: str = ""
    label: str = ""
    method: str = ""
    name: str = ""
    number: str = ""
    text: str = ""
    reply: str = ""
    word: str = ""
    style: str = ""
    outcome: str = ""
    seconds: float | None = None
    inside: tuple[str, ...] = ()
    more: int = 0
    sure: bool = True
    failed: bool = False
    notes: tuple[str, ...] = ()
    run: str = ""
    size: int = 0
    task: str = ""
    ruled: str = ""
    fate: str = ""
    own: bool = False
    main: bool = True
    r: int | None = None
    of: int | None = None


class Frame(msgspec.Struct, frozen=True):
    """Where a row stands: its number, its line in the recording, its place in the ledger, the row it answers."""

    i: int
    n: int
    r: int | None = None
    of: int | None = None


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Row).decode


def row(line: Line, entry: Entry, frame: Frame) -> Row:
    """The row of a line."""
    found = ruled(entry) if line.type in _RULED else None
    ended = line.outcome if line.outcome is not None and line.outcome is not Outcome.OPEN else None
    return Row(
        i=frame.i,
        n=frame.n,
        seq=line.seq,
        at=round(line.at, 6),
        type=line.type,
        end=line.end or "",
        label=cut(line.label, _LABEL),
        method=(line.method or "")[:_NAME],
        name=(line.name or "")[:_NAME],
        number=line.number,
        text=cut(line.text, _TEXT),
        reply=cut(line.reply, _TEXT),
        word="" if ended is None else cut(line.word, _LABEL),
        style="" if ended is None else ended.style,
        outcome="" if ended is None else ended.slug,
        seconds=line.took,
        inside=line.inside[:_MOST_INSIDE],
        more=max(0, len(line.inside) - _MOST_INSIDE),
        sure=line.sure,
        failed=line.failed,
        notes=line.notes,
        run=cut(line.run, _LABEL),
        size=len(line.body),
        task=str(line.facts.get("task") or "")[:_NAME],
        ruled="" if found is None else cut(found.text, _TEXT),
        fate=_fate(found),
        own=entry.by == OWN,
        main=line.type != "answer" and line.run != HIDDEN and frame.of is None,
        r=frame.r,
        of=frame.of,
    )


def state(ledger: Ledger, place: int, answer: Row | None, over: bool) -> dict[str, Any]:
    """How a request or an ask ended, as far as is known; `over` when nothing more will come."""
    ended = ledger.outcome(place)
    if ended is Outcome.OPEN:
        return {"outcome": "none" if over else "open", "word": "no answer" if over else "…", "style": "warn"}
    found: dict[str, Any] = {"outcome": ended.slug, "word": ended.word, "style": ended.style, "failed": ended.failed}
    found["seconds"] = ledger.durations[place] or None
    found["polls"] = ledger.polls[place]
    if answer is not None:
        found |= {"word": answer.word or ended.word, "reply": answer.reply, "answer": answer.i}
        found |= {"ruled": answer.ruled} if answer.ruled else {}
    return found


def _fate(found: Ruled | None) -> str:
    if found is None:
        return ""
    if found.decision == "hold":
        return "held"
    if not found.acted:
        return "noted"
    if not found.goes_on:
        return "stopped"
    return "changed" if found.decision == "edit" else "noted"
