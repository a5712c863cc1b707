"""A recording as one page to read offline. It fetches nothing, and runs only its own script: all else is text in it."""

import base64
import hashlib
from collections.abc import Iterable, Iterator

from interpose.core.exporting.html_script import SCRIPT
from interpose.core.exporting.html_style import STYLE
from interpose.core.exporting.ruled import OWN, Ruled, ruled
from interpose.core.exporting.steps import Step
from interpose.core.formats import body, head
from interpose.core.formats.excerpt import said
from interpose.core.formats.line import Line
from interpose.core.formats.outcome import Outcome
from interpose.core.formats.survey import Survey
from interpose.core.formats.waits import sentence, told_once
from interpose.core.formats.words import listed, plural, time_of_day, took
from interpose.core.recording.entry import Entry, Header

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_MOST_WAITS = 50
_OWED = ("request", "answer", "ask")
_FACTS = ("fact", "http", "stderr", "noise")


def text(found: str) -> str:
    """Text as it stands in a page, between tags and in quoted attributes."""
    return found.translate(_ESCAPES)


class HtmlPage:
    """Makes the page. `midnight` is when the recording began, in seconds since midnight, `when` the same in words.

    `between`: interpose stands between the two lanes of a sequence, since a policy did something.
    """

    def __init__(self, header: Header, survey: Survey, midnight: float | None, when: str, *, between: bool) -> None:
        self._header, self._survey = header, survey
        self._midnight, self._when = midnight, when
        self._lanes = ("client", OWN, "server") if between else ("client", "server")

    def written(self, steps: Iterable[Step], problems: Iterable[str]) -> Iterator[str]:
        """The page. `problems` is what is wrong with the recording."""
        server = self._survey.opening.server
        name = said(str((server.name if server else None) or self._header.server.get("name") or "server"), 60)
        title = text(f"{name}, {self._when}")
        yield f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{_policy()}\n'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        yield f'<meta name="referrer" content="no-referrer">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        yield f"</head>\n<body>\n<header>\n<h1>{text(name)}</h1>\n"
        yield from self._about()
        lanes = "".join(f"<span>{lane}</span>" for lane in self._lanes)
        yield f'{_TOOLS}</header>\n<main>\n<div class="lanes" aria-hidden="true">{lanes}</div>\n'
        yield '<ol id="conversation">\n'
        for step in steps:
            yield self._row(step)
        yield "</ol>\n</main>\n<footer>\n"
        yield from (f'<p class="bad">{text(said(problem))}</p>\n' for problem in problems)
        yield f"<p>{text(self._header.by)}</p>\n</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"

    def _about(self) -> Iterator[str]:
        survey = self._survey
        yield f"<p>{text(head.head(self._header, survey.opening, self._when))}</p>\n"
        yield f"<p>{text(head.tally(survey.ledger, survey.session.counts))}</p>\n"
        waits = told_once(survey.session.waits(survey.at))
        for wait in waits[:_MOST_WAITS]:
            yield f'<p class="warn">{text(sentence(wait, survey.at, survey.ledger))}</p>\n'
        if len(waits) > _MOST_WAITS:
            yield f'<p class="warn">and {len(waits) - _MOST_WAITS} more</p>\n'

    def _row(self, step: Step) -> str:
        line, entry, _ = step
        found = ruled(entry) if line.type in ("request", "answer", "notification", "noise") else None
        inner = f'<time title="{line.at:.6f} s">{self._time(line.at)}</time>' + self._line(step, found)
        bodies = _bodies(line, entry)
        classes = " ".join(_classes(line, entry, found))
        name = f' id="{_anchor(line.number)}"' if line.type == "request" and line.number else ""
        if not bodies:
            return f'<li class="{classes}"{name}><div class="line">{inner}</div></li>\n'
        return f'<li class="{classes}"{name}><details><summary>{inner}</summary>{bodies}</details></li>\n'

    def _time(self, at: float) -> str:
        return f"+{at:.3f}" if self._midnight is None else time_of_day(self._midnight + at)

    def _line(self, step: Step, found: Ruled | None) -> str:
        line, entry, row = step
        times = f" ×{line.times}" if line.times > 1 else ""
        parts = [
            f'<span class="number">{text(line.number if line.type in _OWED else "")}</span>',
            f'<span class="name">{text((line.label or line.method or line.type) + times)}</span>',
            self._outcome(line, row),
            _odd(line),
            _where(line),
            _ruled(found, entry),
            f'<span class="text">{text(" ⇒ ".join(word for word in (line.text, line.reply) if word))}</span>',
            '<span class="wire"><i></i></span>',
        ]
        return "".join(parts)

    def _outcome(self, line: Line, row: int | None) -> str:
        """How it ended: of a request, as the ledger knows by now."""
        ended, word, spent = line.outcome, line.word, line.took
        if row is not None:
            ledger = self._survey.ledger
            ended = ledger.outcome(row)
            word, spent = ended.word, ledger.durations[row] or None
        if ended is None or (line.type == "ask" and ended is Outcome.OPEN):
            return ""
        shown = f'<span class="{ended.style}">{text(word)}</span>'
        return shown + (f' <span class="took">{took(spent)}</span>' if spent is not None else "")


def _classes(line: Line, entry: Entry, found: Ruled | None) -> Iterator[str]:
    yield "fact" if line.type in _FACTS else line.type
    yield line.end or "client"
    if line.inside:
        yield "inside"
    if line.failed:
        yield "failed"
    if entry.by == OWN:
        yield "own"
    elif found is not None and found.acted and not found.goes_on:
        yield "stopped"


def _odd(line: Line) -> str:
    notes = listed([note.replace("-", " ") for note in line.notes])
    return f'<span class="odd">! {text(notes)}</span>' if notes else ""


def _where(line: Line) -> str:
    """The calls it happened in."""
    if not line.inside:
        return ""
    links = [f'<a href="#{_anchor(number)}">{text(number)}</a>' for number in line.inside[:4]]
    links += [f"{len(line.inside) - 4} others"] if len(line.inside) > 4 else []
    calls = listed(links) if line.sure else listed(links, "or") + " ?"
    return f'<span class="where">in {calls}</span>'


def _ruled(found: Ruled | None, entry: Entry) -> str:
    words = [found.text] if found is not None else []
    words += ["said by interpose"] if entry.by == OWN else []
    return f'<span class="ruled">{text("; ".join(words))}</span>' if words else ""


def _bodies(line: Line, entry: Entry) -> str:
    """The message, and what went on in its place."""
    if not line.body:
        return ""
    size = plural(len(line.body), "byte")
    shown = f'<p class="caption">entry {line.seq}, {size}</p>{_pre(line.body)}'
    delivered = bytes(entry.delivered)
    return shown + (f'<p class="caption">what went on instead</p>{_pre(delivered)}' if delivered else "")


def _pre(raw: bytes) -> str:
    return f"<pre>{text(chr(10).join(body.lines(raw)))}</pre>"


def _anchor(number: str) -> str:
    """`#3` is `c3`, `s#3` is `s3`."""
    return number.replace("s#", "s").replace("#", "c")


def _policy() -> str:
    """What the page may do: run this script and wear this style. No request leaves it."""
    allowed = f"script-src {_digest(SCRIPT)}; style-src {_digest(STYLE)}; base-uri 'none'; form-action 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {allowed}">'


def _digest(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


_TOOLS = (
    '<div class="tools" hidden>\n<input id="search" type="search" placeholder="Search" aria-label="Search">\n'
    '<button id="errors" type="button" aria-pressed="false">Only errors</button>\n'
    '<button id="sequence" type="button" aria-pressed="false">Sequence</button>\n'
    '<span id="found" role="status"></span>\n</div>\n'
)
