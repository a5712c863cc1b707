"""A recording as a sequence diagram of Mermaid. What ends say stands in it as text and can be nothing else.

Every character that means something to Mermaid, or to the HTML it draws with, is written as a character code.
"""

import re
from collections.abc import Iterable, Iterator

from interpose.core.exporting.ruled import OWN, Ruled, ruled, settled
from interpose.core.exporting.steps import Step
from interpose.core.formats.excerpt import said
from interpose.core.formats.line import Line
from interpose.core.formats.outcome import Outcome
from interpose.core.formats.words import cut, listed, took
from interpose.core.recording.entry import Entry

MOST = 50_000  # characters; more is drawn only where `maxTextSize` was raised
_ROOM = 120
# Letters and digits of every script but those of which Mermaid builds its own place holders (U+FB02, U+00B0, U+00DF).
_SPECIAL = re.compile(r"[^\w ./,()…→×·]|[ßﬂ]")
_LANES = {"client": "C", "server": "S"}
_ACROSS = {"client": "S", "server": "C"}
_BETWEEN = "I"
_ASKS, _ANSWERS = "->>", "-->>"
_STOPS = "-x"


def escaped(text: str) -> str:
    """The text as Mermaid shows it and reads nothing into it."""
    return _SPECIAL.sub(lambda match: f"#{ord(match.group())};", text) or "#32;"


class Diagram:
    """Draws line by line. `between`: interpose has a lane of its own, since a policy did something."""

    def __init__(self, client: str, server: str, *, between: bool) -> None:
        self._names = {"C": f"client {client}".rstrip(), _BETWEEN: OWN, "S": f"server {server}".rstrip()}
        self._between = between
        self._held: dict[str, list[str]] = {}

    def drawn(self, steps: Iterable[Step]) -> Iterator[str]:
        """The whole diagram, line by line."""
        yield "sequenceDiagram\n"
        for lane in ("C", _BETWEEN, "S") if self._between else ("C", "S"):
            yield f"    participant {lane} as {escaped(said(self._names[lane], 60))}\n"
        for step in steps:
            yield from (f"    {line}\n" for line in self._step(step))

    def _step(self, step: Step) -> Iterator[str]:
        line, entry, _ = step
        match line.type:
            case "request" | "answer" | "notification" | "noise":
                yield from self._message(line, entry)
            case "ask":
                yield from self._ask(line)
            case "fact" if entry.kind == "decision":
                yield self._note(_BETWEEN, settled(entry))
                yield from self._let_go(entry)
            case "fact" if entry.kind != "note" and line.end is not None:
                yield self._note(_LANES[line.end], line.text)
            case "fact" | "http" if line.failed or line.type == "fact":
                yield self._note("C,S", line.text)

    def _message(self, line: Line, entry: Entry) -> Iterator[str]:
        source, target = _LANES[line.end or "client"], _ACROSS[line.end or "client"]
        arrow = _ANSWERS if line.type == "answer" else _ASKS
        text = _said(line)
        found = ruled(entry) if self._between else None
        if entry.by == OWN and self._between:
            yield _arrow(_BETWEEN, arrow, target, text)
        elif found is None or not found.acted:
            yield _arrow(source, arrow, target, text)
        else:
            yield from self._judged(found, entry, (source, arrow, target), text)
        if line.outcome is Outcome.TASK:
            yield self._note(source, f"{line.word}: {line.reply}" if line.reply else line.word)

    def _judged(self, found: Ruled, entry: Entry, way: tuple[str, str, str], text: str) -> Iterator[str]:
        source, arrow, target = way
        stopped = not found.goes_on and found.decision != "hold"
        yield _arrow(source, _STOPS if stopped else arrow, _BETWEEN, text)
        yield self._note(_BETWEEN, found.text)
        goes_on = _arrow(_BETWEEN, arrow, target, text)
        if found.goes_on:
            yield goes_on
        elif found.decision == "hold":
            self._held.setdefault(str((entry.verdict or {}).get("hold", "")), []).append(goes_on)

    def _let_go(self, entry: Entry) -> Iterator[str]:
        """What was held goes on, unless somebody or a further rule refused it."""
        held = self._held.pop(entry.hold, [])
        found = ruled(entry)
        if entry.decision not in ("approve", "release") or (found is not None and not found.goes_on):
            return
        yield from held

    def _ask(self, line: Line) -> Iterator[str]:
        """A question that has no message of its own: it came inside an answer, and so did what was said to it."""
        source = line.end or "server"
        arrow = _ASKS if source == "server" and line.outcome is Outcome.OPEN else _ANSWERS
        yield _arrow(_LANES[source], arrow, _ACROSS[source], _said(line))

    @staticmethod
    def _note(where: str, text: str) -> str:
        return f"Note over {where}: {escaped(cut(text, _ROOM))}"


def _arrow(source: str, arrow: str, target: str, text: str) -> str:
    return f"{source}{arrow}{target}: {escaped(text)}"


def _said(line: Line) -> str:
    """What stands on an arrow."""
    words = [line.number if line.type in ("request", "answer") else "", line.label]
    if line.type == "ask":
        words = [line.label or line.method or "ask"]
    if line.type == "answer":
        words = [line.number, line.word, took(line.took) if line.took else "", line.reply]
    elif line.type == "ask" and line.outcome is not Outcome.OPEN:
        words += [line.word, line.reply]
    else:
        words.append(line.text)
    if line.times > 1:
        words.append(f"×{line.times}")
    if line.inside and line.type in ("request", "ask"):
        words.append(f"(in {listed(list(line.inside[:4]), 'and' if line.sure else 'or')})")
    return cut(" ".join(word for word in words if word), _ROOM)
